//! Requests with a right signature or a known mistake that are corrupted at random. Every reported mistake must be
//! true: the reported text and key are those that were signed, and no intact part is blamed. Otherwise nothing may be
//! reported.

#![expect(clippy::disallowed_methods, reason = "who runs the test says how many")]

use super::*;
use crate::explain::search::Mechanism;

/// Corrupted requests, unless `MATRICULA_CORRUPTIONS` is set.
const CORRUPTIONS: u64 = 1_000;

/// SplitMix64: the same numbers on every machine.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    /// Corrupts a text: a character is replaced, lost, doubled, swapped with its neighbour, or changes its case.
    fn spoil(&mut self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        let place = self.below(bytes.len());
        match self.below(5) {
            0 => bytes[place] = b"!-/09:AZ_az~+= "[self.below(15)],
            1 => drop(bytes.remove(place)),
            2 => bytes.insert(place, bytes[place]),
            3 if place > 0 => bytes.swap(place, place - 1),
            _ => bytes[place] ^= if bytes[place].is_ascii_alphabetic() { 0x20 } else { 1 },
        }
        String::from_utf8(bytes).unwrap()
    }
}

/// The signed request and the received one.
struct Spoilt {
    key: Vec<u8>,
    parts: [String; 4],
    text: String,
    signature: String,
    sent: Sent,
    keys: Vec<KeySet>,
}

fn spoilt(numbers: &mut Numbers) -> Spoilt {
    let moment = NOW - SignedDuration::from_secs(i64::try_from(numbers.below(600)).unwrap());
    let date = moment.strftime("%a, %d %b %Y %H:%M:%S UTC").to_string();
    let request_id = format!("{:08x}-a305-4d9a-99cb-{:012x}", numbers.next() >> 32, numbers.next() >> 16);
    let path = PATHS[numbers.below(3)].to_owned();
    let mut parts = [date.clone(), request_id.clone(), path.clone(), APP_KEY.to_owned()];
    // Some were already signed with a mistake.
    let mut separator = ":";
    let mut key = secret();
    match numbers.below(16) {
        0 => parts[0] = moment.strftime("%a, %-d %b %Y %H:%M:%S GMT").to_string(),
        1 => parts[1] = parts[1].to_uppercase(),
        2 => parts[2] = format!("{HOST}{path}"),
        3 => parts[3] = APP_ID.to_owned(),
        4 => separator = "\n",
        5 => key = SECRET.into(),
        6 => parts[3] = OTHER_APP_KEY.to_owned(),
        7 => parts[0] = moment.as_second().to_string(),
        _ => {}
    }
    let text = parts.join(separator);
    let signature = STANDARD.encode(sha1(&key, text.as_bytes()));
    let mut sent = Sent { date: Some(date.into()), target: path, ..Sent::new("") };
    sent.request_id = Some(request_id);
    let (mut access_key, mut written, mut keys) = (ACCESS_KEY.to_owned(), signature.clone(), keys());
    for _ in 0..1 + numbers.below(2) {
        match numbers.below(9) {
            0 | 1 => written = numbers.spoil(&written),
            2 => {
                let date = String::from_utf8(sent.date.unwrap()).unwrap();
                sent.date = Some(numbers.spoil(&date).into());
            }
            3 => sent.request_id = sent.request_id.map(|id| numbers.spoil(&id)),
            4 => sent.target = numbers.spoil(&sent.target),
            5 => access_key = numbers.spoil(&access_key),
            6 => sent.app_id = sent.app_id.map(|id| numbers.spoil(&id)),
            7 => keys[0].app_key = numbers.spoil(keys[0].app_key()).into(),
            _ => keys[0].secret_key = Some(numbers.spoil(keys[0].secret_key().unwrap()).into()),
        }
    }
    sent.authorization = Some(format!("MC {access_key}:{written}"));
    Spoilt { key, parts, text, signature, sent, keys }
}

/// Checks that the explanation is true, and returns the result for the signature.
fn check(spoilt: &Spoilt) -> Signature {
    let Spoilt { key, parts, text, signature, sent, keys } = spoilt;
    let explanation = sent.explained_with(keys);
    let authorization = sent.authorization.as_ref().unwrap();
    let context = || {
        let arrived =
            (sent.date.as_ref().map(|date| String::from_utf8_lossy(date)), &sent.request_id, &sent.target);
        format!("signed: {text}\narrived: {authorization} {arrived:?}\n{explanation}")
    };
    let blamed = |part: Part| explanation.causes.iter().any(|cause| cause.mistake.part() == part);
    let of_signature =
        [Part::Secret, Part::AppKey, Part::Path, Part::Date, Part::RequestId, Part::Text, Part::Hash];
    match explanation.signature {
        Signature::Right | Signature::Wrong => {
            let recipe = explanation.recipe.as_ref().unwrap();
            assert_eq!(recipe.mechanism, Mechanism::Hmac, "{}", context());
            // The reported recipe gives the signature, by an independent hash, and is what was really signed.
            assert_eq!(STANDARD.encode(sha1(&recipe.key, &recipe.text)), *signature, "{}", context());
            assert_eq!((&recipe.text, &recipe.key), (&text.as_bytes().to_vec(), key), "{}", context());
            let app_key = keys[0].app_key();
            let arrived = [
                String::from_utf8(sent.date.clone().unwrap()).unwrap(),
                sent.request_id.clone().unwrap(),
                sent.target.clone(),
                app_key.to_owned(),
            ];
            let joined_well = *text == parts.join(":");
            let whole = [Part::Date, Part::RequestId, Part::Path, Part::AppKey];
            for ((part, signed), arrived) in whole.into_iter().zip(parts).zip(&arrived) {
                let same = signed == arrived
                    || part == Part::Path
                        && crate::signature::spellings(arrived.as_bytes())
                            .any(|p| p.concat() == signed.as_bytes());
                // A part with a lost space or an unset value is reported as a mistake of the text.
                let accused = blamed(part) || !same && blamed(Part::Text);
                assert_eq!(accused, !same, "{part:?}: {}", context());
            }
            let same_key = crate::signature::secret_key_bytes(keys[0].secret_key().unwrap())
                .is_ok_and(|known| *known == *key);
            assert_eq!(blamed(Part::Secret), !same_key, "{}", context());
            assert!(blamed(Part::Text) || joined_well, "{}", context());
        }
        _ => {
            for part in of_signature {
                assert!(!blamed(part), "{part:?}: {}", context());
            }
            // An intact header can be parsed.
            let whole = *authorization == format!("MC {ACCESS_KEY}:{signature}");
            assert!(!whole || explanation.signature == Signature::Unexplained, "{}", context());
        }
    }
    explanation.signature
}

#[test]
fn nothing_false_is_claimed_of_requests_that_were_spoilt_by_chance() {
    let count = std::env::var("MATRICULA_CORRUPTIONS").ok().and_then(|count| count.parse().ok());
    let count: u64 = count.unwrap_or(CORRUPTIONS);
    let threads = 2;
    let workers: Vec<_> = (0..threads)
        .map(|thread| {
            std::thread::spawn(move || {
                let mut became = [0_u64; 4];
                for seed in (0..count).filter(|seed| seed % threads == thread) {
                    let signature = check(&spoilt(&mut Numbers(seed)));
                    became[match signature {
                        Signature::Right => 0,
                        Signature::Wrong => 1,
                        Signature::Unexplained => 2,
                        _ => 3,
                    }] += 1;
                }
                became
            })
        })
        .collect();
    let became = workers.into_iter().map(|worker| worker.join().unwrap());
    let became = became.fold([0; 4], |sum, one| std::array::from_fn(|place| sum[place] + one[place]));
    let [right, wrong, unexplained, unread] = became;
    println!("{count} spoilt: {right} right, {wrong} explained, {unexplained} unexplained, {unread} unread");
    // Each result must occur, or the test proves nothing about it.
    assert!(became.iter().all(|&number| number > count / 100), "{became:?}");
}
