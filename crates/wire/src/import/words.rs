//! The words that files use for yes, no and the state of an account.

/// Yes, in English, German, French, Spanish and in numbers.
pub(super) const YES: &[&str] =
    &["true", "yes", "y", "t", "1", "wahr", "ja", "j", "vrai", "oui", "verdadero", "sí", "si"];

/// No, in the same languages.
pub(super) const NO: &[&str] = &["false", "no", "n", "f", "0", "falsch", "nein", "faux", "non", "falso"];

/// The words, for messages.
pub(super) const FLAGS: &str =
    "true, yes, 1, WAHR, ja, VRAI, oui, VERDADERO, sí; false, no, 0, FALSCH, nein, FAUX, non, FALSO";

const ACTIVE: &[&str] =
    &["active", "enabled", "provisioned", "passwordexpired", "recovery", "aktiv", "actif", "activo"];

pub(super) const INACTIVE: &[&str] = &[
    "inactive",
    "disabled",
    "suspended",
    "blocked",
    "deactivated",
    "deprovisioned",
    "terminated",
    "archived",
    "deleted",
    "staged",
    "inaktiv",
    "gesperrt",
    "deaktiviert",
    "inactif",
    "inactivo",
];

pub(super) const LOCKED: &[&str] = &["locked", "lockedout"];

/// The states, for messages.
pub(super) const STATES: &str = "active, enabled, provisioned; inactive, disabled, suspended, blocked, deactivated, deprovisioned, \
     terminated, archived, deleted, staged; locked, locked_out";

/// The state of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Active,
    Inactive,
    Locked,
}

/// A yes or no.
pub(super) fn flag(text: &str) -> Option<bool> {
    let word = text.trim().to_lowercase();
    let is_in = |words: &[&str]| words.contains(&word.as_str());
    match (is_in(YES), is_in(NO)) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

/// A word for the state of an account.
pub(super) fn state(text: &str) -> Option<State> {
    let word = super::meaning::plain(text);
    let is_in = |words: &[&str]| words.contains(&word.as_str());
    match () {
        () if is_in(ACTIVE) => Some(State::Active),
        () if is_in(INACTIVE) => Some(State::Inactive),
        () if is_in(LOCKED) => Some(State::Locked),
        () => None,
    }
}
