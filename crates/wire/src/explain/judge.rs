//! Judges a whole request: visible mistakes first, then the search.

use jiff::{SignedDuration, Timestamp};

use super::encoding::{self, Reading};
use super::search::{Budget, Found, Search};
use super::spelling::{masked, shown};
use super::variation;
use super::{Cause, Explanation, KeySet, KeyStatus, Known, Mistake, Received, Signature, Subject, ToSign};
use crate::header::{self, Authorization, AuthorizationError, RequestId};
use crate::signature::secret_key_bytes;

/// Most sets of keys that are examined, to limit the cost.
const SETS: usize = 64;

/// Most other sets that are combined with the right one.
const OTHERS: usize = 16;

/// Most other sets that are searched completely if the access key is unknown.
const SEARCHED: usize = 8;

/// Endpoints that are called without keys (spec/protocol.md 4).
const UNSIGNED: [&str; 2] = ["/api/login/login", "/api/login/discover-authentication"];

/// Explains a request as of `now`.
#[must_use]
pub fn explain(received: &Received<'_>, known: &Known<'_>, now: Timestamp) -> Explanation {
    let mut judge = Judge { received, known, now, causes: Vec::new() };
    let mut explanation = judge.explanation();
    explanation.causes = judge.causes;
    explanation.redact(known.keys);
    explanation
}

struct Judge<'a> {
    received: &'a Received<'a>,
    known: &'a Known<'a>,
    now: Timestamp,
    causes: Vec<Cause>,
}

/// The content of `Authorization`, however malformed.
struct Credentials<'a> {
    access_key: &'a str,
    signature: &'a [u8],
}

/// The set that a signature was made with, and how.
struct Match<'a> {
    set: &'a KeySet,
    found: Found,
}

impl<'a> Judge<'a> {
    fn blame(&mut self, mistake: Mistake, detail: impl Into<Option<String>>) {
        self.causes.push(Cause { mistake, detail: detail.into() });
    }

    fn explanation(&mut self) -> Explanation {
        let path = self.path();
        if is_login(path) && self.received.authorization.is_none_or(|value| !is_signed(value)) {
            return ended(
                Signature::NotNeeded,
                vec!["Login and discovery take a password or nothing, but no signature.".to_owned()],
            );
        }
        let credentials = self.credentials();
        self.other_headers();
        let Some(Credentials { access_key, signature }) = credentials else {
            return self.unread();
        };
        let (Some(date), Some(request_id)) = (self.received.date, self.received.request_id) else {
            return self.unread();
        };
        let own = self.known.keys.iter().filter(|set| !access_key.is_empty() && set.access_key == access_key);
        let own: Vec<&KeySet> = own.collect();
        let Some(reading) = encoding::read(signature) else {
            let strict = header::Authorization::parse(self.received.authorization.unwrap_or_default());
            self.blame(Mistake::AuthorizationMalformed, strict.err().map(|error| error.to_string()));
            self.access_key(access_key, &own, None);
            self.moment();
            return self.unread();
        };
        let mut budget = Budget::new();
        let found = self.search(&own, &reading, date, request_id, &mut budget);
        let mut explanation = self.unread();
        explanation.keys =
            found.as_ref().map(|found| found.set).or(own.first().copied()).map(|set| set.name.clone());
        let set = found.as_ref().map(|found| found.set);
        match found {
            Some(Match { found, .. }) => {
                let wrong = found.mistakes.len() + reading.mistakes.len() > 0;
                explanation.signature = if wrong { Signature::Wrong } else { Signature::Right };
                explanation.signed = wrong.then_some(found.signed);
                #[cfg(test)]
                {
                    explanation.recipe = Some(found.recipe);
                }
                for (mistake, detail) in found.mistakes {
                    self.blame(mistake, detail);
                }
            }
            None => explanation.signature = Signature::Unexplained,
        }
        // Encoding and hash function are recognised without any key.
        for &mistake in &reading.mistakes {
            self.blame(mistake, None);
        }
        self.access_key(access_key, &own, set);
        self.app_id(own.first().copied().or(set));
        self.moment();
        explanation.left = self.left(&explanation, &own, &budget);
        explanation
    }

    fn path(&self) -> &'a [u8] {
        let target = self.received.target;
        &target[..target.iter().position(|&byte| byte == b'?').unwrap_or(target.len())]
    }

    /// The explanation of a request without a readable signature.
    fn unread(&self) -> Explanation {
        let mut explanation = ended(Signature::Unread, Vec::new());
        if let (Some(date), Some(request_id)) = (self.received.date, self.received.request_id) {
            let [date, request_id, path] = [date, request_id, self.path()].map(shown);
            explanation.to_sign = Some(ToSign { date, request_id, path });
        }
        explanation
    }

    /// Access key and signature; reports mistakes around them.
    fn credentials(&mut self) -> Option<Credentials<'a>> {
        let value = self.received.authorization?;
        let strict = Authorization::parse(value);
        let said = |error: AuthorizationError| error.to_string();
        match strict {
            Err(AuthorizationError::Bearer) => {
                self.blame(Mistake::SchemeBearer, None);
                return None;
            }
            Err(AuthorizationError::Basic) => {
                self.blame(Mistake::SchemeBasic, None);
                return None;
            }
            _ => {}
        }
        let (schemes, rest) = without_schemes(value.trim_ascii());
        match schemes {
            0 if !rest.is_empty() => self.blame(Mistake::SchemeMissing, None),
            0 | 1 => {}
            _ => self.blame(Mistake::SchemeTwice, None),
        }
        let (access_key, signature) = match rest.iter().position(|&byte| byte == b':') {
            Some(colon) => (rest[..colon].trim_ascii(), rest[colon + 1..].trim_ascii()),
            None => (&[][..], &[][..]),
        };
        match (str::from_utf8(access_key), strict) {
            (Ok(access_key), strict) if !access_key.is_empty() && !signature.is_empty() => {
                if schemes == 1
                    && let Err(
                        error
                        @ (AuthorizationError::AccessKeyLength | AuthorizationError::AccessKeyCharacter),
                    ) = strict
                {
                    self.blame(Mistake::AuthorizationMalformed, said(error));
                }
                Some(Credentials { access_key, signature })
            }
            (_, Err(error)) if schemes == 1 || rest.is_empty() => {
                self.blame(Mistake::AuthorizationMalformed, said(error));
                None
            }
            _ => None,
        }
    }

    /// Reports missing and malformed headers, except `Authorization`.
    fn other_headers(&mut self) {
        let Received { authorization, date, request_id, app_id, .. } = *self.received;
        let missing: Vec<&str> = [
            (authorization, header::AUTHORIZATION),
            (date, header::DATE),
            (request_id, header::REQUEST_ID),
            (app_id, header::APP_ID),
        ]
        .into_iter()
        .filter_map(|(value, name)| value.is_none().then_some(name))
        .collect();
        if !missing.is_empty() {
            self.blame(Mistake::HeaderMissing, missing.join(", "));
        }
        if let Some(Err(_)) = request_id.map(RequestId::parse) {
            self.blame(Mistake::RequestIdMalformed, None);
        }
        if let Some(Err(error)) = date.map(|date| crate::date::parse(date, self.now)) {
            self.blame(Mistake::DateMalformed, error.to_string());
        }
    }

    /// The mistakes that reproduce the signature, or none if it is right. First the keys of the access key, used
    /// correctly; then all others used correctly; then the first with two mistakes; finally the others with one or two.
    fn search(
        &self,
        own: &[&'a KeySet],
        reading: &Reading,
        date: &[u8],
        request_id: &[u8],
        budget: &mut Budget,
    ) -> Option<Match<'a>> {
        let moment = variation::moment(date, self.now);
        let hashes = self.received.body.map(variation::body_hashes).unwrap_or_default();
        let is_own = |set: &KeySet| own.iter().any(|own| std::ptr::eq(*own, set));
        let mut others: Vec<&KeySet> = self.known.keys.iter().filter(|set| !is_own(set)).collect();
        // Sets with the request's application id are the likeliest.
        let app_id = self.received.app_id.unwrap_or_default().trim_ascii();
        others.sort_by_key(|set| !set.app_id.as_bytes().eq_ignore_ascii_case(app_id));
        others.truncate(SETS);
        let with = |set: &'a KeySet, attempt: &mut dyn FnMut(&Search<'_>, &[&KeySet]) -> Option<Found>| {
            let secret_text = set.secret_key()?;
            let secret = secret_key_bytes(secret_text).ok()?;
            // A mix with the keys of a known access key is tried from that set.
            let mixed = |other: &KeySet| !std::ptr::eq(other, set) && (is_own(set) || !is_own(other));
            let beside: Vec<&KeySet> =
                self.known.keys.iter().filter(|other| mixed(other)).take(OTHERS).collect();
            let other_app_keys: Vec<(String, &str)> = beside
                .iter()
                .map(|set| (set.name.clone(), set.app_key()))
                .filter(|(_, key)| !key.is_empty())
                .collect();
            let subject = Subject {
                date,
                request_id,
                target: self.received.target,
                app_key: set.app_key().as_bytes(),
                secret: &secret,
                secret_text,
                access_key: &set.access_key,
                app_id: &set.app_id,
                method: self.received.method,
                host: self.received.host,
                body: self.received.body,
                body_hashes: &hashes,
                paths: self.known.paths,
                other_app_keys: &other_app_keys,
                moment,
            };
            let found = attempt(&Search::new(&subject, reading), &beside)?;
            Some(Match { set, found })
        };
        let first = |sets: &[&'a KeySet],
                     attempt: &mut dyn FnMut(&Search<'_>, &[&KeySet]) -> Option<Found>| {
            sets.iter().find_map(|&set| with(set, attempt))
        };
        let searched = &others[..others.len().min(SEARCHED)];
        first(own, &mut |search, _| search.right())
            .or_else(|| first(own, &mut |search, beside| search.single(beside, budget)))
            .or_else(|| first(&others, &mut |search, _| search.right()))
            .or_else(|| first(own, &mut |search, beside| search.pair(beside, budget)))
            .or_else(|| first(searched, &mut |search, beside| search.single(beside, budget)))
            .or_else(|| first(searched, &mut |search, beside| search.pair(beside, budget)))
    }

    /// Reports mistakes of the access key. `signer` is the set that the signature was made with.
    fn access_key(&mut self, access_key: &str, own: &[&KeySet], signer: Option<&KeySet>) {
        let Some(set) = own.first() else {
            let sets = self.known.keys;
            let is = |value: &str| value == access_key;
            let detail = if let Some(set) = signer {
                format!(
                    "the signature was made with the keys of {}, whose access key is {}",
                    set.name,
                    masked(&set.access_key)
                )
            } else if let Some(set) = sets.iter().find(|set| set.app_id.eq_ignore_ascii_case(access_key)) {
                format!("it is the application id of {}", set.name)
            } else if let Some(set) = sets.iter().find(|set| is(set.app_key())) {
                format!("it is the application key of {}", set.name)
            } else if let Some(set) = sets.iter().find(|set| set.secret_key().is_some_and(is)) {
                format!("it is the secret key of {}: get a new one if others could read it", set.name)
            } else {
                format!("it begins with {}", masked(access_key))
            };
            return self.blame(Mistake::AccessKeyUnknown, detail);
        };
        match set.status {
            KeyStatus::Live => {}
            KeyStatus::Expired => self.blame(Mistake::AccessKeyExpired, None),
            KeyStatus::Revoked => self.blame(Mistake::AccessKeyRevoked, None),
        }
        if let Some(signer) = signer.filter(|signer| !own.iter().any(|own| std::ptr::eq(*own, *signer))) {
            let detail = format!("signed with {}, while the access key is that of {}", signer.name, set.name);
            self.blame(Mistake::AccessKeyOther, detail);
        }
    }

    fn app_id(&mut self, set: Option<&KeySet>) {
        let Some(app_id) = self.received.app_id else { return };
        let sets = self.known.keys;
        let is = |value: &str| !value.is_empty() && app_id.eq_ignore_ascii_case(value.as_bytes());
        if sets.iter().any(|set| is(set.app_key())) {
            return self.blame(Mistake::AppIdIsAppKey, None);
        }
        // The right value is shown only if the request's own keys are known.
        if set.is_none_or(|set| is(&set.app_id)) {
            return;
        }
        let detail = if let Some(other) = sets.iter().find(|set| is(&set.app_id)) {
            Some(format!("it is that of {}", other.name))
        } else if sets.iter().any(|set| is(&set.access_key)) {
            Some("it is the access key".to_owned())
        } else {
            None
        };
        self.blame(Mistake::AppIdOther, detail);
    }

    /// Checks whether the date is fresh.
    fn moment(&mut self) {
        let Some(Ok(date)) = self.received.date.map(|date| crate::date::parse(date, self.now)) else {
            return;
        };
        let off = date.duration_since(self.now);
        if off.abs() > self.known.window {
            let mistake = if off.is_negative() { Mistake::ClockBehind } else { Mistake::ClockAhead };
            let way = if off.is_negative() { "behind" } else { "ahead" };
            let mut detail =
                format!("{} {way}; {} are allowed", in_words(off.abs()), in_words(self.known.window));
            if is_whole_hours(off.abs()) {
                detail.push_str(". Nearly whole hours: perhaps local time with the name of another zone");
            }
            self.blame(mistake, detail);
        }
    }

    fn left(&self, explanation: &Explanation, own: &[&KeySet], budget: &Budget) -> Vec<String> {
        let mut left = Vec::new();
        let mut add = |text: &str| left.push(text.to_owned());
        match explanation.signature {
            Signature::Right if self.causes.is_empty() => {
                add(
                    "If it is still refused, the code in the response says why: permission, quota or the body.",
                );
                add(
                    "If it is refused for its signature, the server has other keys than these, or a proxy changes a header or the path.",
                );
            }
            Signature::Unexplained => {
                if own.is_empty() {
                    add("Whether the request was signed with these keys: none of them has its access key.");
                } else if own.iter().all(|set| set.secret_key.is_none()) {
                    add("The secret key of this access key is unknown, so nothing could be checked with it.");
                } else {
                    add("Whether these secret and application keys were really used.");
                }
                add("Whether date and request id are created once, and the same text is signed and sent.");
                add("Whether a proxy changes a header or the path: compare what is sent with what arrives.");
                add("The text, byte by byte: print it before signing and compare it with the one above.");
                if budget.is_spent() {
                    add(
                        "Not every pair of mistakes could be tried: there are too many keys, or the body is too large.",
                    );
                }
            }
            _ => {}
        }
        left
    }
}

fn ended(signature: Signature, left: Vec<String>) -> Explanation {
    Explanation {
        signature,
        causes: Vec::new(),
        keys: None,
        signed: None,
        to_sign: None,
        left,
        #[cfg(test)]
        recipe: None,
    }
}

fn is_login(path: &[u8]) -> bool {
    let Ok(path) = str::from_utf8(path) else { return false };
    UNSIGNED.contains(&crate::signature::canonical_path(path))
}

fn is_signed(authorization: &[u8]) -> bool {
    without_schemes(authorization.trim_ascii()).0 > 0
}

/// The number of schemes in front, and the rest.
fn without_schemes(mut value: &[u8]) -> (usize, &[u8]) {
    let mut schemes = 0;
    while let Some((scheme, rest)) = value.split_at_checked(2)
        && scheme.eq_ignore_ascii_case(b"MC")
        && rest.first().is_none_or(u8::is_ascii_whitespace)
    {
        schemes += 1;
        value = rest.trim_ascii();
    }
    match value.split_at_checked(3) {
        // A colon instead of the space is not a scheme.
        Some((scheme, rest))
            if schemes == 0 && scheme.eq_ignore_ascii_case(b"MC:") && rest.contains(&b':') =>
        {
            (0, rest)
        }
        _ => (schemes, value),
    }
}

/// Within two minutes of a whole number of hours.
fn is_whole_hours(off: SignedDuration) -> bool {
    let over = off.as_secs() % 3_600;
    off.as_secs() >= 3_480 && off.as_secs() < 15 * 3_600 && (over <= 120 || over >= 3_480)
}

fn in_words(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    let of = |number: i64, unit: &str| format!("{number} {unit}{}", if number == 1 { "" } else { "s" });
    match seconds {
        0..120 => of(seconds, "second"),
        120..7_200 if seconds % 60 == 0 => of(seconds / 60, "minute"),
        120..7_200 => format!("{} {}", of(seconds / 60, "minute"), of(seconds % 60, "second")),
        7_200..172_800 => format!("{} {}", of(seconds / 3_600, "hour"), of(seconds % 3_600 / 60, "minute")),
        _ => of(seconds / 86_400, "day"),
    }
}
