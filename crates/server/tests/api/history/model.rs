//! What the directory must do, in as few words as possible. Shares no code with it.

use std::collections::BTreeMap;

/// How far a signature's date may be off, and how long a lockout lasts, in minutes.
const WINDOW: i64 = 15;

/// Wrong passwords that lock out.
const TRIES: u32 = 5;

/// What a request asks for. Users are numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Deed {
    Create { who: u8, password: bool },
    Rename { who: u8, name: u8 },
    Disable { who: u8, disabled: bool },
    Delete { who: u8 },
    Alias { of: u8, alias: u8 },
}

/// A signature: by whom, with which of its keys, when.
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
}

#[derive(Clone, Debug, Default)]
pub(super) struct User {
    pub(super) name: Option<u8>,
    pub(super) disabled: bool,
    password: bool,
    failed: u32,
    locked_until: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) strict: bool,
    pub(super) now: i64,
    pub(super) callers: Vec<Caller>,
    pub(super) entries: BTreeMap<u8, Entry>,
    /// How often each address came to be, as a user or as an alias.
    pub(super) made: BTreeMap<u8, usize>,
    /// What ran under each signature.
    ran: BTreeMap<usize, Vec<Deed>>,
}

impl Model {
    pub(super) fn new(strict: bool, callers: usize) -> Self {
        Self {
            strict,
            now: 0,
            callers: vec![Caller { role: true, key: Some(0) }; callers],
            entries: BTreeMap::new(),
            made: BTreeMap::new(),
            ran: BTreeMap::new(),
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

    /// A request, the first time or again.
    pub(super) fn call(&mut self, signature: Signature, deed: Deed) -> Answer {
        let caller = &self.callers[signature.caller];
        if caller.key != Some(signature.key) {
            return Answer::Refused(401, "err_xdk_invalid_signature");
        }
        if self.now - signature.at > WINDOW {
            return Answer::Refused(401, "err_xdk_request_expired");
        }
        if !caller.role {
            return Answer::Refused(403, "err_xdk_permission_denied");
        }
        let ran = self.ran.get(&signature.id).cloned().unwrap_or_default();
        if ran.contains(&deed) {
            return Answer::AsBefore;
        }
        // What finds nobody to change is a read, and is not remembered.
        if let Some(code) = self.nobody(deed) {
            return Answer::Not(code);
        }
        if self.strict && !ran.is_empty() {
            return Answer::Refused(409, "err_xdk_request_id_reused");
        }
        self.ran.entry(signature.id).or_default().push(deed);
        match self.run(deed) {
            true => Answer::Done,
            false => Answer::Not("err_user_already_exists"),
        }
    }

    /// Why there is nobody to do it to.
    fn nobody(&self, deed: Deed) -> Option<&'static str> {
        let who = match deed {
            Deed::Create { .. } => return None,
            Deed::Rename { who, .. } | Deed::Disable { who, .. } | Deed::Delete { who } => who,
            Deed::Alias { of, .. } => of,
        };
        match self.entries.get(&who) {
            None => Some("err_xdk_operation_forbidden_for_address"),
            Some(Entry::AliasOf(_)) => Some("err_user_is_alias"),
            Some(Entry::User(_)) => None,
        }
    }

    /// Whether it could be done: an address is given once.
    fn run(&mut self, deed: Deed) -> bool {
        match deed {
            Deed::Create { who, password } => {
                self.make(who, Entry::User(User { password, ..User::default() }))
            }
            Deed::Alias { of, alias } => self.make(alias, Entry::AliasOf(of)),
            Deed::Delete { who } => {
                self.entries.retain(|&address, entry| {
                    address != who && !matches!(entry, Entry::AliasOf(of) if *of == who)
                });
                true
            }
            Deed::Rename { who, name } => self.user(who).is_some_and(|user| {
                user.name = Some(name);
                true
            }),
            Deed::Disable { who, disabled } => self.user(who).is_some_and(|user| {
                user.disabled = disabled;
                true
            }),
        }
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

    /// A login with the right or a wrong password.
    pub(super) fn log_in(&mut self, who: u8, right: bool) -> Answer {
        let now = self.now;
        let refused = Answer::Refused(401, "err_login_refused");
        let Some(user) = self.user(who).filter(|user| !user.disabled && user.locked_until <= now) else {
            return refused;
        };
        if !(right && user.password) {
            user.failed += 1;
            if user.failed == TRIES {
                (user.failed, user.locked_until) = (0, now + WINDOW);
            }
            return refused;
        }
        user.failed = 0;
        // No pair of these is ever used: the oldest makes room for the newest.
        Answer::Done
    }
}
