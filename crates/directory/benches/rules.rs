//! What the rules of create-user cost: reading the items, and judging them.
//!
//! `cargo bench -p matricula-directory`

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use matricula_directory::create_user::{Drafts, Item, State};
use matricula_directory::password::Policy;
use matricula_directory::port::Evidence;
use matricula_directory::role::BuiltIn;
use matricula_directory::settings::Settings;
use matricula_directory::{
    AccessKey, Account, AccountCode, AccountId, Application, ApplicationId, Binding, BindingId, Caller,
    DomainName, Principal, UserId,
};
use secrecy::{SecretBox, SecretString};

const CREATED: Timestamp = Timestamp::UNIX_EPOCH;

fn account() -> Option<Account> {
    Some(Account {
        id: AccountId::from_bytes([1; 16]),
        code: AccountCode::parse("CBENCH01").ok()?,
        name: String::new(),
        above: Vec::new(),
        password_policy: Policy::default(),
        settings: Settings::default(),
        epoch: 1,
        created_at: CREATED,
    })
}

fn caller() -> Option<Caller> {
    let application = ApplicationId::from_bytes([1; 16]);
    let principal = Principal {
        binding: Binding {
            id: BindingId::from_bytes([1; 16]),
            access_key: AccessKey::parse("key").ok()?,
            secret: SecretBox::new([0; 8].into()),
            user: UserId::from_bytes([1; 16]),
            application,
            expires_at: None,
            created_at: CREATED,
        },
        application: Application {
            id: application,
            account: AccountId::from_bytes([1; 16]),
            app_id: String::new(),
            name: String::new(),
            app_key: SecretString::from(""),
            created_at: CREATED,
        },
        address: "admin@example.com".to_owned(),
        account: Arc::new(account()?),
        role: Some(BuiltIn::SuperAdministrator.role()),
    };
    #[expect(clippy::disallowed_methods, reason = "the rules are measured on their own here")]
    Some(Caller::vouched(Arc::new(principal)))
}

fn state() -> Option<State> {
    let evidence = Evidence { account: AccountId::from_bytes([1; 16]), epoch: 1 };
    let domains = [(DomainName::parse("example.com").ok()?, evidence)].into();
    Some(State { accounts: [].into(), domains })
}

fn item(n: usize, password: bool) -> Item {
    Item {
        address: Some(format!("user{n}@example.com")),
        name: Some(format!("User {n}")),
        password: password.then(|| SecretString::from(format!("Tr7-moreau.0a1b2c3d{n}"))),
        password_hash: None,
        account_code: None,
        force_password_change: Some(false),
        disabled: None,
        locked: None,
    }
}

fn plans(c: &mut Criterion) {
    let (Some(caller), Some(state)) = (caller(), state()) else { return };
    for (password, name) in [(false, "without passwords"), (true, "with passwords")] {
        let mut group = c.benchmark_group(format!("plan, {name}"));
        for items in [1, 100] {
            group.throughput(Throughput::Elements(items as u64));
            group.bench_function(format!("{items} items"), |b| {
                b.iter_batched(
                    || (0..items).map(|n| item(n, password)).collect::<Vec<_>>(),
                    |items| Drafts::read(black_box(&caller), None, items).map(|drafts| drafts.judge(&state)),
                    BatchSize::SmallInput,
                );
            });
        }
        group.finish();
    }
}

criterion_group!(benches, plans);
criterion_main!(benches);
