//! Histories: as they are drawn, and as they are kept in files.

use std::fmt;
use std::path::Path;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::model::{Deed, RESERVED};

pub(super) const CALLERS: usize = 3;

/// Addresses that there may be: few, so that deeds meet. The last one belongs to the domain.
pub(super) const ADDRESSES: u8 = RESERVED + 1;

/// A history. One that found something is kept in `history/kept`, as JSON.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct History {
    /// What it once found.
    about: String,
    pub(super) strict: bool,
    pub(super) steps: Vec<Step>,
}

/// A step. What it picks is a number, of which the remainder counts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Step {
    /// A new request, sent so many times at once.
    Call {
        caller: usize,
        deed: Deed,
        times: usize,
    },
    /// An earlier request once more.
    Again {
        pick: usize,
    },
    /// The headers of an earlier create with another body.
    OtherBody {
        pick: usize,
        who: u8,
    },
    /// The same address, created by each of these at once.
    Together {
        who: u8,
        callers: Vec<usize>,
    },
    /// A caller gets a role or loses it.
    Role {
        caller: usize,
        given: bool,
    },
    /// A caller gets a key, for a new application, or loses it.
    Key {
        caller: usize,
        given: bool,
    },
    /// The application of a caller's key is disabled.
    Application {
        caller: usize,
    },
    /// Another process revokes a caller's key, and the caller creates a user before the server can have noticed.
    RevokedElsewhere {
        caller: usize,
        who: u8,
    },
    /// So many wrong passwords at once, then the right one.
    LogIn {
        who: u8,
        wrong: usize,
    },
    /// A key pair that a login gave is used.
    UsePair {
        pick: usize,
    },
    /// A user changes the own password, and knows the present one or not.
    OwnPassword {
        who: u8,
        right: bool,
        new: u8,
    },
    Restart,
    /// The server forgets the requests that it may.
    Forget,
    /// The clock moves by so many minutes.
    Clock {
        minutes: i64,
    },
}

impl History {
    /// The files in which histories are kept.
    pub(super) fn kept() -> Vec<(String, Self)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/history/kept");
        let mut kept = Vec::new();
        for file in std::fs::read_dir(folder).unwrap() {
            let file = file.unwrap();
            let history = serde_json::from_str(&std::fs::read_to_string(file.path()).unwrap());
            let name = file.file_name().into_string().unwrap();
            kept.push((name.clone(), history.unwrap_or_else(|error| panic!("{name}: {error}"))));
        }
        kept.sort_by(|(one, _), (other, _)| one.cmp(other));
        kept
    }
}

/// The text of the file that keeps it: what proptest prints of a history that failed.
impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = |json: serde_json::Result<String>| json.map_err(|_| fmt::Error);
        let about = json(serde_json::to_string(&self.about))?;
        let steps: Vec<_> =
            self.steps.iter().map(|step| json(serde_json::to_string(step))).collect::<Result<_, _>>()?;
        let steps = steps.join(",\n    ");
        write!(
            f,
            "{{\n  \"about\": {about},\n  \"strict\": {},\n  \"steps\": [\n    {steps}\n  ]\n}}",
            self.strict
        )
    }
}

pub(super) fn any_history() -> impl Strategy<Value = History> {
    let history = |(strict, steps)| History { about: String::new(), strict, steps };
    (any::<bool>(), prop::collection::vec(any_step(), 1..40)).prop_map(history)
}

fn any_deed() -> impl Strategy<Value = Deed> {
    let who = || 0..ADDRESSES;
    prop_oneof![
        4 => (who(), any::<bool>()).prop_map(|(who, password)| Deed::Create { who, password }),
        2 => (who(), 0..4_u8).prop_map(|(who, name)| Deed::Rename { who, name }),
        2 => (who(), any::<bool>()).prop_map(|(who, disabled)| Deed::Disable { who, disabled }),
        1 => (who(), 0..3_u8).prop_map(|(who, password)| Deed::Reset { who, password }),
        2 => who().prop_map(|who| Deed::Delete { who }),
        2 => (who(), who()).prop_map(|(of, alias)| Deed::Alias { of, alias }),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let (who, caller, pick) = (|| 0..ADDRESSES, || 0..CALLERS, || 0..1_000_usize);
    // Ten days: far enough for everything that has a time.
    let days = 10 * 24 * 60;
    prop_oneof![
        12 => (caller(), any_deed(), prop_oneof![3 => Just(1_usize), 1 => 2..4_usize])
            .prop_map(|(caller, deed, times)| Step::Call { caller, deed, times }),
        6 => pick().prop_map(|pick| Step::Again { pick }),
        2 => (pick(), who()).prop_map(|(pick, who)| Step::OtherBody { pick, who }),
        2 => (who(), prop::collection::vec(caller(), 2..6))
            .prop_map(|(who, callers)| Step::Together { who, callers }),
        1 => (caller(), any::<bool>()).prop_map(|(caller, given)| Step::Role { caller, given }),
        2 => (caller(), any::<bool>()).prop_map(|(caller, given)| Step::Key { caller, given }),
        1 => caller().prop_map(|caller| Step::Application { caller }),
        1 => (caller(), who()).prop_map(|(caller, who)| Step::RevokedElsewhere { caller, who }),
        // Five lock out, four do not.
        6 => (who(), prop_oneof![3 => Just(0_usize), 1 => 1..7_usize, 1 => 4..6_usize])
            .prop_map(|(who, wrong)| Step::LogIn { who, wrong }),
        3 => pick().prop_map(|pick| Step::UsePair { pick }),
        2 => (who(), prop::bool::weighted(0.8), 0..3_u8)
            .prop_map(|(who, right, new)| Step::OwnPassword { who, right, new }),
        1 => Just(Step::Restart),
        1 => Just(Step::Forget),
        3 => prop::sample::select(vec![1, 4, 11, 20, 31, days, -days, -days])
            .prop_map(|minutes| Step::Clock { minutes }),
    ]
}
