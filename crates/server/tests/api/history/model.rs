//! What the directory must do, in as few words as possible. Shares no code with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How far a signature's date may be off, and how long a lockout lasts, in seconds.
const WINDOW: i64 = 15 * 60;

/// Wrong passwords that lock out.
const TRIES: u32 = 5;

/// Earlier passwords that may not come again, the present one included.
const HISTORY: usize = 5;

/// The address that belongs to the domain.
pub(super) const RESERVED: u8 = 5;

/// Live key pairs that a user may have by login.
pub(super) const PAIRS: usize = 3;

const NO_SIGNATURE: Answer = Answer::Refused(401, "err_xdk_invalid_signature");
const EXPIRED: Answer = Answer::Refused(401, "err_xdk_request_expired");
const NO_LOGIN: Answer = Answer::Refused(401, "err_login_refused");

/// What a request asks for. Users and passwords are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Deed {
    Create { who: u8, password: bool },
    Rename { who: u8, name: u8 },
    Disable { who: u8, disabled: bool },
    Reset { who: u8, password: u8 },
    Delete { who: u8 },
    Alias { of: u8, alias: u8 },
}

/// A signature: the signer, the key pair and the time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signature {
    pub(super) id: usize,
    pub(super) caller: usize,
    pub(super) key: u32,
    pub(super) at: i64,
}

/// What the answer must be.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// It is done, or was done just now.
    Done,
    /// The item is refused with this code.
    Not(&'static str),
    /// The call is refused.
    Refused(u16, &'static str),
    /// As the first time, to the byte.
    AsBefore,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Caller {
    pub(super) role: bool,
    /// Its live key, if there is one: which of those it has had.
    pub(super) key: Option<u32>,
}

#[derive(Clone, Debug)]
pub(super) enum Entry {
    User(User),
    AliasOf(u8),
    /// The `postmaster@` of the domain.
    Reserved,
}

#[derive(Clone, Debug, Default)]
pub(super) struct User {
    pub(super) name: Option<u8>,
    pub(super) disabled: bool,
    /// All passwords it has had, the present one last.
    passwords: Vec<u8>,
    failed: u32,
    locked_until: Option<i64>,
}

impl User {
    fn set_password(&mut self, password: u8) {
        self.passwords.push(password);
        (self.failed, self.locked_until) = (0, None);
    }
}

/// A key pair that a login gave.
#[derive(Clone, Debug)]
struct Pair {
    who: u8,
    live: bool,
    used: bool,
}

/// A request that ran.
#[derive(Clone, Debug)]
struct Ran {
    signature: usize,
    deed: Deed,
    at: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) strict: bool,
    pub(super) now: i64,
    pub(super) callers: Vec<Caller>,
    pub(super) entries: BTreeMap<u8, Entry>,
    /// How often each address came to be, as a user or as an alias.
    pub(super) made: BTreeMap<u8, usize>,
    /// The requests that ran and are remembered, in the order in which they ran.
    ran: Vec<Ran>,
    /// What was signed up to this time may have been forgotten.
    forgotten: Option<i64>,
    /// The key pairs that logins gave, in their order.
    pairs: Vec<Pair>,
}

impl Model {
    pub(super) fn new(strict: bool, callers: usize) -> Self {
        Self {
            strict,
            now: 0,
            callers: vec![Caller { role: true, key: Some(0) }; callers],
            entries: [(RESERVED, Entry::Reserved)].into(),
            made: BTreeMap::new(),
            ran: Vec::new(),
            forgotten: None,
            pairs: Vec::new(),
        }
    }

    /// A caller gets the role, or loses it. What was given out to somebody without it ends when they get it.
    pub(super) fn role(&mut self, caller: usize, given: bool) {
        let caller = &mut self.callers[caller];
        if given && !caller.role {
            caller.key = None;
        }
        caller.role = given;
    }

    /// Why a signature that holds is not good by the clock.
    fn out_of_time(&self, signed: i64) -> Option<Answer> {
        let forgotten = self.forgotten.is_some_and(|up_to| signed <= up_to);
        ((self.now - signed).abs() > WINDOW || forgotten).then_some(EXPIRED)
    }

    /// Forgets the requests that ran two windows before the newest one, and before now. Gives how many there were.
    pub(super) fn forget(&mut self) -> usize {
        let Some(newest) = self.ran.last() else { return 0 };
        let before = self.now.min(newest.at) - 2 * WINDOW;
        let (past, kept): (Vec<_>, _) = self.ran.drain(..).partition(|ran| ran.at < before);
        self.ran = kept;
        // A request may have been signed by a clock that was ahead by a window.
        self.forgotten = self.forgotten.max(past.iter().map(|ran| ran.at + WINDOW).max());
        past.len()
    }

    /// A request, the first time or again.
    pub(super) fn call(&mut self, signature: Signature, deed: Deed) -> Answer {
        let caller = &self.callers[signature.caller];
        if caller.key != Some(signature.key) {
            return NO_SIGNATURE;
        }
        if let Some(refused) = self.out_of_time(signature.at) {
            return refused;
        }
        if !caller.role {
            return Answer::Refused(403, "err_xdk_permission_denied");
        }
        let mut ran = self.ran.iter().filter(|ran| ran.signature == signature.id).peekable();
        let another = ran.peek().is_some();
        if ran.any(|ran| ran.deed == deed) {
            return Answer::AsBefore;
        }
        // What finds nobody to change is a read, and is not remembered.
        if let Some(code) = self.nobody(deed) {
            return Answer::Not(code);
        }
        if self.strict && another {
            return Answer::Refused(409, "err_xdk_request_id_reused");
        }
        self.ran.push(Ran { signature: signature.id, deed, at: self.now });
        match self.run(deed) {
            true => Answer::Done,
            false => Answer::Not("err_user_already_exists"),
        }
    }

    /// Why there is nobody to do it to.
    fn nobody(&self, deed: Deed) -> Option<&'static str> {
        let who = match deed {
            Deed::Create { .. } => return None,
            Deed::Rename { who, .. }
            | Deed::Disable { who, .. }
            | Deed::Reset { who, .. }
            | Deed::Delete { who } => who,
            Deed::Alias { of, .. } => of,
        };
        match self.entries.get(&who) {
            None | Some(Entry::Reserved) => Some("err_xdk_operation_forbidden_for_address"),
            Some(Entry::AliasOf(_)) => Some("err_user_is_alias"),
            Some(Entry::User(_)) => None,
        }
    }

    /// Whether it could be done: an address is given once.
    fn run(&mut self, deed: Deed) -> bool {
        match deed {
            Deed::Create { who, password } => {
                let passwords = password.then_some(0).into_iter().collect();
                self.make(who, Entry::User(User { passwords, ..User::default() }))
            }
            Deed::Alias { of, alias } => self.make(alias, Entry::AliasOf(of)),
            Deed::Delete { who } => {
                self.end_pairs(who);
                self.entries.retain(|&address, entry| {
                    address != who && !matches!(entry, Entry::AliasOf(of) if *of == who)
                });
                true
            }
            Deed::Rename { who, name } => self.change(who, |user| user.name = Some(name)),
            Deed::Disable { who, disabled } => {
                if disabled {
                    self.end_pairs(who);
                }
                self.change(who, |user| user.disabled = disabled)
            }
            Deed::Reset { who, password } => {
                self.end_pairs(who);
                self.change(who, |user| user.set_password(password))
            }
        }
    }

    fn change(&mut self, who: u8, change: impl FnOnce(&mut User)) -> bool {
        self.user(who).map(change).is_some()
    }

    fn make(&mut self, address: u8, entry: Entry) -> bool {
        if self.entries.contains_key(&address) {
            return false;
        }
        self.entries.insert(address, entry);
        *self.made.entry(address).or_default() += 1;
        true
    }

    fn user(&mut self, who: u8) -> Option<&mut User> {
        match self.entries.get_mut(&who) {
            Some(Entry::User(user)) => Some(user),
            _ => None,
        }
    }

    /// The password that a user has now.
    pub(super) fn password(&self, who: u8) -> Option<u8> {
        match self.entries.get(&who) {
            Some(Entry::User(user)) => user.passwords.last().copied(),
            _ => None,
        }
    }

    /// Whether a user is let in with the right or a wrong password; counts the wrong ones.
    fn lets_in(&mut self, who: u8, right: bool) -> bool {
        let now = self.now;
        let locked = |user: &User| user.locked_until.is_some_and(|until| now < until);
        let Some(user) = self.user(who).filter(|user| !user.disabled && !locked(user)) else {
            return false;
        };
        if right && !user.passwords.is_empty() {
            (user.failed, user.locked_until) = (0, None);
            return true;
        }
        let locks = user.failed + 1 == TRIES;
        user.failed = if locks { 0 } else { user.failed + 1 };
        user.locked_until = locks.then_some(now + WINDOW);
        false
    }

    /// A login with the right or a wrong password. Where there are as many key pairs as there may be, the oldest that was
    /// never used makes room.
    pub(super) fn log_in(&mut self, who: u8, right: bool) -> Answer {
        if !self.lets_in(who, right) {
            return NO_LOGIN;
        }
        let mut live: Vec<_> = self.pairs.iter_mut().filter(|pair| pair.live && pair.who == who).collect();
        if live.len() == PAIRS {
            match live.iter_mut().find(|pair| !pair.used) {
                Some(unused) => unused.live = false,
                None => return Answer::Not("err_binding_limit"),
            }
        }
        self.pairs.push(Pair { who, live: true, used: false });
        Answer::Done
    }

    /// A user changes the own password.
    pub(super) fn change_password(&mut self, who: u8, right: bool, new: u8) -> Answer {
        if !self.lets_in(who, right) {
            return NO_LOGIN;
        }
        let again =
            |user: &mut User| user.passwords.iter().rev().take(HISTORY).any(|password| *password == new);
        if self.user(who).is_some_and(again) {
            return Answer::Not("err_password_policy");
        }
        self.end_pairs(who);
        self.change(who, |user| user.set_password(new));
        Answer::Done
    }

    /// A call with a key pair that a login gave, signed now.
    pub(super) fn use_pair(&mut self, pair: usize) -> Answer {
        if !self.pairs[pair].live {
            return NO_SIGNATURE;
        }
        self.pairs[pair].used = true;
        self.out_of_time(self.now).unwrap_or(Answer::Done)
    }

    fn end_pairs(&mut self, who: u8) {
        let of_user = self.pairs.iter_mut().filter(|pair| pair.who == who);
        of_user.for_each(|pair| pair.live = false);
    }
}
