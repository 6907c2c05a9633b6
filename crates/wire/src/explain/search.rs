//! Searches for the mistake that reproduces a signature: single mistakes, then pairs.

use zeroize::Zeroizing;

use super::encoding::Reading;
use super::hash::{Hash, Keyed};
use super::spelling::shown;
use super::variation::{self, Attempt, Change, KeyVariation, Slot, Variation};
use super::{KeySet, Mistake, Part, Subject};

/// The cost limit of a search, in hashed blocks of 64 bytes: some tens of milliseconds.
const BLOCKS: usize = 300_000;

/// Additional blocks per text, hashed by HMAC.
const OVERHEAD: usize = 3;

/// Longer texts are not combined with other mistakes: they contain the body and would cost too much.
const LONG_TEXT: usize = 2_048;

/// The remaining cost.
pub(super) struct Budget(usize);

impl Budget {
    pub(super) fn new() -> Self {
        Self(BLOCKS)
    }

    pub(super) fn is_spent(&self) -> bool {
        self.0 == 0
    }

    fn pay(&mut self, text: &[u8]) -> Option<()> {
        self.0 = self.0.saturating_sub(OVERHEAD + text.len() / 64);
        (self.0 > 0).then_some(())
    }
}

/// The reproduction of a signature.
pub(super) struct Found {
    pub(super) mistakes: Vec<(Mistake, Option<String>)>,
    /// The signed text without secrets.
    pub(super) signed: String,
    /// Key and text, from which a test recomputes the signature.
    #[cfg(test)]
    pub(super) recipe: Recipe,
}

/// Key and text that reproduce the signature.
#[cfg(test)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recipe {
    pub(super) key: Vec<u8>,
    pub(super) text: Vec<u8>,
    pub(super) mechanism: Mechanism,
}

/// Incorrect ways to hash key and text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    Hmac,
    Swapped,
    Plain,
    SecretFirst,
    SecretLast,
}

/// Each with the decoded secret key and with its text.
const MECHANISMS: [(Mistake, Mechanism, bool); 7] = [
    (Mistake::KeyAndTextSwapped, Mechanism::Swapped, true),
    (Mistake::KeyAndTextSwapped, Mechanism::Swapped, false),
    (Mistake::PlainHash, Mechanism::Plain, true),
    (Mistake::PlainHash, Mechanism::SecretFirst, true),
    (Mistake::PlainHash, Mechanism::SecretFirst, false),
    (Mistake::PlainHash, Mechanism::SecretLast, true),
    (Mistake::PlainHash, Mechanism::SecretLast, false),
];

impl Mechanism {
    fn gives(self, hash: Hash, secret: &[u8], text: &[u8], digest: &[u8]) -> bool {
        match self {
            Mechanism::Hmac => Keyed::new(hash, secret).gives(text, digest),
            Mechanism::Swapped => Keyed::new(hash, text).gives(secret, digest),
            Mechanism::Plain => hash.digest(&[text]) == digest,
            Mechanism::SecretFirst => hash.digest(&[secret, text]) == digest,
            Mechanism::SecretLast => hash.digest(&[text, secret]) == digest,
        }
    }
}

/// The search with one set of keys.
pub(super) struct Search<'a> {
    subject: &'a Subject<'a>,
    /// Paths that a right signature may cover, the received one first.
    paths: Vec<Vec<u8>>,
    reading: &'a Reading,
    right: Keyed,
}

struct Prepared {
    keyed: Keyed,
    variation: KeyVariation,
}

impl<'a> Search<'a> {
    pub(super) fn new(subject: &'a Subject<'a>, reading: &'a Reading) -> Self {
        let paths = crate::signature::spellings(subject.target).map(|pieces| pieces.concat()).collect();
        Self { subject, paths, reading, right: Keyed::new(reading.hash, subject.secret) }
    }

    /// Whether the signature is right, apart from encoding and hash function.
    pub(super) fn right(&self) -> Option<Found> {
        let mut text = Zeroizing::new(Vec::new());
        self.paths.iter().find_map(|path| {
            let attempt = Attempt::right(self.subject, path);
            attempt.write(&mut text);
            let holds = self.right.gives(&text, &self.reading.digest);
            holds.then(|| self.found(&[], None, Mechanism::Hmac, &attempt, &text))
        })
    }

    /// A single mistake that reproduces the signature. Several of one kind count as one: a date without weekday in
    /// another zone.
    pub(super) fn single(&self, others: &[&KeySet], budget: &mut Budget) -> Option<Found> {
        let keys = self.keys(others);
        let mut text = Zeroizing::new(Vec::new());
        for path in &self.paths {
            let right = Attempt::right(self.subject, path);
            right.write(&mut text);
            if let Some(found) = self.with_keys(&[], &right, &text, &keys, budget) {
                return Some(found);
            }
            let texts = variation::texts(self.subject, path);
            if let Some(found) = self.with_right_key(&right, &texts, &mut text, budget) {
                return Some(found);
            }
        }
        let wide = variation::wide_dates(self.subject);
        self.paths.iter().find_map(|path| {
            self.with_right_key(&Attempt::right(self.subject, path), &wide, &mut text, budget)
        })
    }

    /// Two mistakes that together reproduce the signature.
    pub(super) fn pair(&self, others: &[&KeySet], budget: &mut Budget) -> Option<Found> {
        let mut keys = self.keys(others);
        keys.retain(|key| key.variation.mistakes.len() == 1);
        let mut text = Zeroizing::new(Vec::new());
        for path in &self.paths {
            let right = Attempt::right(self.subject, path);
            let mut texts = variation::texts(self.subject, path);
            texts.retain(|variation| {
                right.with(variation).write(&mut text);
                variation.mistakes.len() == 1 && text.len() <= LONG_TEXT
            });
            for variation in &texts {
                let attempt = right.with(variation);
                attempt.write(&mut text);
                if let Some(found) = self.with_keys(&[variation], &attempt, &text, &keys, budget) {
                    return Some(found);
                }
            }
            for (place, one) in texts.iter().enumerate() {
                for other in texts[place + 1..].iter().filter(|other| one.goes_with(other)) {
                    let attempt = right.with(one).with(other);
                    attempt.write(&mut text);
                    budget.pay(&text)?;
                    if self.right.gives(&text, &self.reading.digest) {
                        return Some(self.found(&[one, other], None, Mechanism::Hmac, &attempt, &text));
                    }
                }
            }
        }
        None
    }

    fn keys(&self, others: &[&KeySet]) -> Vec<Prepared> {
        variation::keys(self.subject, others)
            .into_iter()
            .map(|variation| Prepared { keyed: Keyed::new(self.reading.hash, &variation.key), variation })
            .collect()
    }

    fn with_right_key(
        &self,
        right: &Attempt<'_>,
        texts: &[Variation],
        text: &mut Zeroizing<Vec<u8>>,
        budget: &mut Budget,
    ) -> Option<Found> {
        for variation in texts {
            let attempt = right.with(variation);
            attempt.write(text);
            budget.pay(text)?;
            if self.right.gives(text, &self.reading.digest) {
                return Some(self.found(&[variation], None, Mechanism::Hmac, &attempt, text));
            }
        }
        None
    }

    /// Tries a text with every key and every hash.
    fn with_keys(
        &self,
        variations: &[&Variation],
        attempt: &Attempt<'_>,
        text: &Zeroizing<Vec<u8>>,
        keys: &[Prepared],
        budget: &mut Budget,
    ) -> Option<Found> {
        for key in keys {
            budget.pay(text)?;
            if key.keyed.gives(text, &self.reading.digest) {
                return Some(self.found(variations, Some(&key.variation), Mechanism::Hmac, attempt, text));
            }
        }
        for (mistake, mechanism, decoded) in MECHANISMS {
            let secret = if decoded { self.subject.secret } else { self.subject.secret_text.as_bytes() };
            budget.pay(text)?;
            if mechanism.gives(self.reading.hash, secret, text, &self.reading.digest) {
                let mut mistakes = vec![mistake];
                if !decoded {
                    mistakes.push(Mistake::SecretNotDecoded);
                }
                let key = Zeroizing::new(secret.to_vec());
                let key = KeyVariation { key, mistakes, note: mechanism.note().map(str::to_owned) };
                return Some(self.found(variations, Some(&key), mechanism, attempt, text));
            }
        }
        None
    }

    fn found(
        &self,
        variations: &[&Variation],
        key: Option<&KeyVariation>,
        mechanism: Mechanism,
        attempt: &Attempt<'_>,
        text: &[u8],
    ) -> Found {
        let mut mistakes = Vec::new();
        if let Some(key) = key {
            let notes = std::iter::once(key.note.clone()).chain(std::iter::repeat(None));
            mistakes.extend(key.mistakes.iter().copied().zip(notes));
        }
        for variation in variations {
            let detail = self.detail(variation);
            let details = std::iter::once(detail).chain(std::iter::repeat(None));
            mistakes.extend(variation.mistakes.iter().copied().zip(details));
        }
        let app_key = variations.iter().find(|variation| matches!(variation.change, Change::AppKey(_)));
        let signed = attempt.masked(|slot| match slot {
            Slot::AppKey => Some(app_key.map_or("<application key>", |variation| mask(variation))),
            Slot::AccessKey => Some("<access key>"),
            Slot::SecretKey => Some("<secret key>"),
            Slot::Body => Some("<body>"),
            Slot::BodyHash(_) => Some("<hash of the body>"),
            _ => None,
        });
        #[cfg(test)]
        let recipe = Recipe {
            key: key.map_or(self.subject.secret.to_vec(), |key| key.key.to_vec()),
            text: text.to_vec(),
            mechanism,
        };
        #[cfg(not(test))]
        let _ = (text, mechanism);
        Found {
            mistakes,
            signed: shown(&signed),
            #[cfg(test)]
            recipe,
        }
    }

    /// The signed value, where it differs from the sent one.
    fn detail(&self, variation: &Variation) -> Option<String> {
        let value = match &variation.change {
            Change::Date(value) | Change::RequestId(value) | Change::Path(value) => value,
            _ => return variation.note.clone(),
        };
        // Spaces, quotes and empty values are described in words.
        if variation.note.is_some() && variation.mistakes.iter().all(|mistake| mistake.part() == Part::Text) {
            return variation.note.clone();
        }
        let signed = format!("signed: `{}`", shown(value));
        Some(match &variation.note {
            Some(note) => format!("{signed}, {note}"),
            None => signed,
        })
    }
}

impl Mechanism {
    fn note(self) -> Option<&'static str> {
        match self {
            Mechanism::Hmac | Mechanism::Swapped => None,
            Mechanism::Plain => Some("the text alone"),
            Mechanism::SecretFirst => Some("the secret key, then the text"),
            Mechanism::SecretLast => Some("the text, then the secret key"),
        }
    }
}

/// Placeholder for the application key in a shown text.
fn mask(variation: &Variation) -> &'static str {
    match variation.mistakes.first() {
        Some(Mistake::AppKeyIsAppId) => "<application id>",
        Some(Mistake::AppKeyIsAccessKey) => "<access key>",
        Some(Mistake::AppKeyIsSecret) => "<secret key>",
        Some(Mistake::AppKeyOther) => "<another application's key>",
        Some(Mistake::AppKeyUnset) => "",
        Some(Mistake::AppKeyCase) => "<application key in another case>",
        _ => "<application key in another form>",
    }
}
