use jiff::Timestamp;
use proptest::prelude::*;
use secrecy::SecretBox;

use super::*;
use crate::application::{AccessKey, Application, Binding};
use crate::password::Policy;
use crate::role::BuiltIn;
use crate::settings::Settings;
use crate::{ApplicationId, BindingId, Principal, UserId};

fn account(n: u8, above: &[u8]) -> Account {
    let id = |n: u8| AccountId::from_bytes([n; 16]);
    Account {
        id: id(n),
        code: AccountCode::parse(&format!("C{n}")).unwrap(),
        name: String::new(),
        above: above.iter().copied().map(id).collect(),
        password_policy: Policy { min_strength: 0, ..Policy::default() },
        settings: Settings::default(),
        epoch: u64::from(n) * 10,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

/// A caller in account 1, the parent of account 2 and unrelated to account 3.
fn caller(role: Option<BuiltIn>) -> Caller {
    let created_at = Timestamp::UNIX_EPOCH;
    let principal = Principal {
        binding: Binding {
            id: BindingId::from_bytes([1; 16]),
            access_key: AccessKey::parse("key").unwrap(),
            secret: SecretBox::new([0; 8].into()),
            user: UserId::from_bytes([1; 16]),
            application: ApplicationId::from_bytes([1; 16]),
            expires_at: None,
            created_at,
        },
        application: Application {
            id: ApplicationId::from_bytes([1; 16]),
            account: AccountId::from_bytes([1; 16]),
            app_id: String::new(),
            name: String::new(),
            app_key: SecretString::from(""),
            created_at,
        },
        address: "admin@one.example".to_owned(),
        account: Arc::new(account(1, &[])),
        role: role.map(BuiltIn::role),
    };
    #[expect(clippy::disallowed_methods, reason = "the rules are tested on their own here")]
    Caller::vouched(Arc::new(principal))
}

fn state() -> State {
    let accounts = [account(2, &[1]), account(3, &[])];
    let domain = |name: &str, n: u8| {
        (
            DomainName::parse(name).unwrap(),
            Evidence { account: AccountId::from_bytes([n; 16]), epoch: u64::from(n) * 10 },
        )
    };
    State {
        accounts: accounts.into_iter().map(|account| (account.code.clone(), Arc::new(account))).collect(),
        domains: [domain("one.example", 1), domain("two.example", 2), domain("three.example", 3)].into(),
    }
}

fn item(address: &str) -> Item {
    Item {
        address: Some(address.to_owned()),
        name: None,
        password: None,
        password_hash: None,
        account_code: None,
        force_password_change: None,
        disabled: None,
        locked: None,
    }
}

fn judge(caller: &Caller, account_code: Option<&str>, items: Vec<Item>) -> Judgement {
    Drafts::read(caller, account_code, items).unwrap().judge(&state())
}

/// The result of an item, in a form to compare.
fn outcome(item: &Result<Planned, Vec<Wrong>>) -> Result<(AccountId, String, bool), Vec<Wrong>> {
    match item {
        Ok(plan) => Ok((plan.account, plan.address.to_string(), plan.password.is_some())),
        Err(refusals) => Err(refusals.clone()),
    }
}

#[test]
fn without_the_permission_no_item_is_looked_at() {
    for role in [None, Some(BuiltIn::PartnerProvisioning)] {
        let denied = Drafts::read(&caller(role), None, vec![item("a@one.example")]).err().unwrap();
        assert_eq!(denied.permission, INTERNAL_EDIT);
    }
}

#[test]
fn only_what_is_needed_is_looked_up() {
    let caller = caller(Some(BuiltIn::PartnerAdministrator));
    let with = |address: &str, code: &str| Item { account_code: Some(code.to_owned()), ..item(address) };
    let items = vec![
        with("a@two.example", "c2"),
        with("b@TWO.example", "C2"),
        with("c@one.example", "C1"),
        item("nobody"),
    ];
    let drafts = Drafts::read(&caller, Some("C3"), items).unwrap();
    assert_eq!(drafts.account_codes().iter().map(AccountCode::as_str).collect::<Vec<_>>(), ["C2", "C3"]);
    assert_eq!(
        drafts.domains().iter().map(DomainName::as_str).collect::<Vec<_>>(),
        ["one.example", "two.example"]
    );
}

#[test]
fn the_evidence_is_all_that_the_judgement_rests_on() {
    let partner = caller(Some(BuiltIn::PartnerAdministrator));
    let mut two = item("a@two.example");
    two.account_code = Some("C2".to_owned());
    let judgement = judge(&partner, None, vec![item("a@one.example"), two, item("x@three.example")]);
    let evidence: Vec<_> = judgement.evidence.iter().map(|e| (e.account.as_bytes()[0], e.epoch)).collect();
    // The caller's account is always evidence; refused items add none.
    assert_eq!(evidence, [(1, 10), (2, 20)]);
    let nothing = judge(&partner, None, vec![item("x@three.example")]);
    assert_eq!(nothing.evidence.len(), 1);
}

#[test]
fn a_domain_that_was_read_at_another_time_is_evidence_of_its_own() {
    let caller = caller(Some(BuiltIn::BasicAdministrator));
    let mut state = state();
    let name = DomainName::parse("one.example").unwrap();
    state.domains.insert(name, Evidence { account: AccountId::from_bytes([1; 16]), epoch: 9 });
    let judgement = Drafts::read(&caller, None, vec![item("a@one.example")]).unwrap().judge(&state);
    let epochs: Vec<_> = judgement.evidence.iter().map(|evidence| evidence.epoch).collect();
    assert_eq!(epochs, [9, 10], "both must hold, and so the write is refused as stale");
}

fn any_item() -> impl Strategy<Value = Item> {
    let address = prop_oneof![
        Just(None),
        Just(Some("no address".to_owned())),
        "[a-c]@(one|two|three|four)\\.example".prop_map(Some),
    ];
    let code = prop_oneof![Just(None), "( |C1|C2|C3|C4|!)".prop_map(Some)];
    let password =
        prop_oneof![Just(None), "( |short|Long enough 1)".prop_map(|text| Some(SecretString::from(text)))];
    let name = prop_oneof![Just(None), Just(Some("\u{7}".to_owned())), Just(Some("Ann".to_owned()))];
    (address, code, password, name, any::<Option<bool>>()).prop_map(
        |(address, account_code, password, name, force_password_change)| Item {
            address,
            name,
            password,
            password_hash: None,
            account_code,
            force_password_change,
            disabled: None,
            locked: None,
        },
    )
}

proptest! {
    #[test]
    fn each_item_is_judged_as_if_it_were_alone(
        items in prop::collection::vec(any_item(), 0..8),
        account in prop_oneof![Just(None), Just(Some("C2")), Just(Some("C3")), Just(Some("!"))],
        role in prop::sample::select(vec![BuiltIn::SuperAdministrator, BuiltIn::PartnerAdministrator]),
    ) {
        let caller = caller(Some(role));
        let together = judge(&caller, account, items.clone());
        prop_assert_eq!(together.items.len(), items.len());
        for (item, outcome_together) in items.iter().zip(&together.items) {
            let alone = judge(&caller, account, vec![item.clone()]);
            prop_assert_eq!(outcome(&alone.items[0]), outcome(outcome_together));
            if let Ok(plan) = outcome_together {
                // Whatever the rules are, this must never happen.
                let n = plan.account.as_bytes()[0];
                let below = role == BuiltIn::PartnerAdministrator && n == 2;
                prop_assert!(n == 1 || below, "planned in account {n}");
                let domain = format!("{}.example", ["", "one", "two", "three"][usize::from(n)]);
                prop_assert_eq!(plan.address.domain(), domain);
            }
        }
    }
}
