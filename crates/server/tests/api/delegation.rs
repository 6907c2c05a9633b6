//! Who may act where: random trees of accounts, roles and callers against a model that knows nothing of the server.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};
use testkit::{TestCaller, TestServer};

/// Rights, as far as the model tells them apart: to Read and Edit users, to hand out roles (A), to register Domains, Groups
/// and the dashboard, all Others.
type Rights = BTreeSet<char>;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    None,
    Super,
    Partner,
    Full,
    Basic,
    Custom(u8),
}

impl Role {
    fn rights(self) -> Rights {
        match self {
            Role::None => Rights::new(),
            Role::Super => "READGO".chars().collect(),
            Role::Partner => "REDGO".chars().collect(),
            Role::Full => "REGO".chars().collect(),
            Role::Basic => "REG".chars().collect(),
            Role::Custom(bits) => {
                "REA".chars().enumerate().filter(|(n, _)| bits >> n & 1 == 1).map(|(_, c)| c).collect()
            }
        }
    }

    /// Nobody gives or takes what they do not hold.
    fn covers(self, other: Role) -> bool {
        self.rights().is_superset(&other.rights()) && (other != Role::Partner || self == Role::Partner)
    }

    fn name(self) -> Option<String> {
        match self {
            Role::None => None,
            Role::Super => Some("Super Administrator".to_owned()),
            Role::Partner => Some("Partner Administrator".to_owned()),
            Role::Full => Some("Full Administrator".to_owned()),
            Role::Basic => Some("Basic Administrator".to_owned()),
            Role::Custom(bits) => Some(format!("Custom {bits}")),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    List,
    Read,
    Rename,
    Create,
    Delete,
    Assign(Role),
}

/// One call: the caller, the account (default: its own), the action and the target.
#[derive(Clone, Copy, Debug)]
struct Deed {
    caller: usize,
    account: Option<usize>,
    what: What,
    target: usize,
}

#[derive(Clone, Debug)]
struct Model {
    /// The account above each; of the first there is none.
    parents: Vec<Option<usize>>,
    /// Account, role, name (how often renamed), whether it is still there.
    users: Vec<(usize, Role, u32, bool)>,
    /// Users created in each account.
    created: Vec<u32>,
}

impl Model {
    fn is_below(&self, account: usize, above: usize) -> bool {
        self.parents[account].is_some_and(|parent| parent == above || self.is_below(parent, above))
    }

    /// What the answer must be: a code, or none when it is done.
    fn expect(&mut self, deed: Deed) -> Option<&'static str> {
        let (own, role, _, _) = self.users[deed.caller];
        let right = match deed.what {
            What::List => 'R',
            What::Assign(_) => 'A',
            What::Read | What::Rename | What::Create | What::Delete => 'E',
        };
        if !role.rights().contains(&right) {
            return Some("err_xdk_permission_denied");
        }
        let account = deed.account.unwrap_or(own);
        if account != own && !(role == Role::Partner && self.is_below(account, own)) {
            return Some("err_account_not_permitted");
        }
        match deed.what {
            What::List => return None,
            What::Create => {
                self.created[account] += 1;
                return None;
            }
            _ => {}
        }
        let (of, held, _, there) = self.users[deed.target];
        if of != account || !there {
            return Some("err_xdk_operation_forbidden_for_address");
        }
        if deed.what != What::Read && !role.covers(held) {
            return Some("err_role_not_covered");
        }
        if let What::Assign(given) = deed.what
            && !role.covers(given)
        {
            return Some("err_role_not_covered");
        }
        let supers = self.users.iter().filter(|user| user.0 == of && user.1 == Role::Super && user.3).count();
        let loses =
            deed.what == What::Delete || matches!(deed.what, What::Assign(given) if given != Role::Super);
        if held == Role::Super && loses && supers == 1 {
            return Some("err_last_super_administrator");
        }
        match deed.what {
            What::Rename => self.users[deed.target].2 += 1,
            What::Delete => self.users[deed.target].3 = false,
            What::Assign(given) => self.users[deed.target].1 = given,
            What::List | What::Read | What::Create => {}
        }
        None
    }
}

/// The same world, for real.
struct World {
    server: TestServer,
    callers: Vec<TestCaller>,
}

fn code(account: usize) -> String {
    format!("CTREE{account}")
}

fn address(user: usize, account: usize) -> String {
    format!("user{user}@tree{account}.example")
}

impl World {
    async fn of(model: &Model) -> World {
        let server = TestServer::start_with(|config| config.quota.enabled = false).await;
        let admin = server.admin();
        for (account, parent) in model.parents.iter().enumerate() {
            admin.add_account(&code(account), "", parent.map(code).as_deref()).await.unwrap();
            admin.add_domain(&code(account), &format!("tree{account}.example")).await.unwrap();
            let all = [
                "Directories | Internal | Read",
                "Directories | Internal | Edit",
                "Directories | Roles | Edit",
            ];
            for bits in 0..8_u8 {
                let held =
                    all.iter().enumerate().filter(|(n, _)| bits >> n & 1 == 1).map(|(_, p)| (*p).to_owned());
                admin
                    .add_role(&code(account), &format!("Custom {bits}"), &held.collect::<Vec<_>>())
                    .await
                    .unwrap();
            }
        }
        let mut callers = Vec::new();
        for (user, (account, role, _, _)) in model.users.iter().enumerate() {
            let address = address(user, *account);
            admin
                .add_administrator(&code(*account), &address, "0", "Basic Administrator", None)
                .await
                .unwrap();
            admin.set_role(&address, role.name().as_deref()).await.unwrap();
            callers.push(server.caller_for(&address).await);
        }
        World { server, callers }
    }

    /// Does it, and gives the code of the answer.
    async fn act(&self, model: &Model, deed: Deed) -> Option<String> {
        let caller = &self.callers[deed.caller];
        let own = model.users[deed.caller].0;
        let account = deed.account.unwrap_or(own);
        let (of, _, renamed, _) = model.users[deed.target];
        let target = address(deed.target, of);
        let (path, item) = match deed.what {
            What::List => ("/api/user/get-internal-users", json!({})),
            What::Read => ("/api/user/update-user", json!({"emailAddress": target})),
            What::Rename => {
                let name = (renamed + 1).to_string();
                ("/api/user/update-user", json!({"emailAddress": target, "name": name}))
            }
            What::Create => {
                let new = format!("new{}@tree{account}.example", model.created[account]);
                ("/api/user/create-user", json!({"emailAddress": new}))
            }
            What::Delete => ("/api/user/delete-user", json!({"emailAddress": target})),
            What::Assign(role) => {
                let id = match role.name() {
                    Some(name) => self.role_id(account, &name).await,
                    None => Value::Null,
                };
                ("/api/role/assign-role", json!({"emailAddress": target, "id": id}))
            }
        };
        let meta = deed.account.map_or(json!({}), |account| json!({"accountCode": code(account)}));
        let answer = caller.post(path, json!({"meta": meta, "data": [item]}).to_string()).await;
        if deed.what == What::List && answer.codes().is_empty() {
            let domain = format!("@tree{account}.example");
            let users = answer.json()["data"][0]["users"].as_array().unwrap().clone();
            assert!(
                users.iter().all(|user| user["emailAddress"].as_str().unwrap().ends_with(&domain)),
                "{answer}"
            );
        }
        answer.codes().first().cloned()
    }

    /// What was given out to a user ends when the user comes to hold more; else it goes on working.
    async fn promoted(&mut self, before: &Model, user: usize, given: Role) {
        let (account, held, _, _) = before.users[user];
        let status = self.callers[user].call("/api/account/get-account", json!([])).await.status;
        if held.covers(given) {
            assert_ne!(status, 401, "user {user} held {held:?} and got {given:?}");
        } else {
            assert_eq!(status, 401, "user {user} held {held:?} and got {given:?}");
            self.callers[user] = self.server.caller_for(&address(user, account)).await;
        }
    }

    /// The secure id of a role is bound to the account: somebody of the account must look it up.
    async fn role_id(&self, account: usize, name: &str) -> Value {
        let admin = self.server.admin();
        let address = format!("looker{account}@tree{account}.example");
        if admin.user(&address).await.is_err() {
            admin
                .add_role(&code(account), "Looker", &["Directories | Roles | Read".to_owned()])
                .await
                .unwrap();
            admin.add_administrator(&code(account), &address, "", "Looker", None).await.unwrap();
        }
        let roles =
            self.server.caller_for(&address).await.call("/api/role/get-roles", json!([{"name": name}])).await;
        roles.json()["data"][0]["id"].clone()
    }

    /// Nothing has changed but what the model says.
    async fn compare(&self, model: &Model) {
        let admin = self.server.admin();
        let roles = admin.roles().await.unwrap();
        for (user, (account, role, renamed, there)) in model.users.iter().enumerate() {
            match admin.user(&address(user, *account)).await {
                Ok(found) => {
                    let held = roles
                        .iter()
                        .find(|known| Some(known.id) == found.role)
                        .map(|known| known.name.clone());
                    assert!(there, "user {user} was removed");
                    assert_eq!((found.name, held), (renamed.to_string(), role.name()), "user {user}");
                }
                Err(_) => assert!(!there, "user {user} is there"),
            }
        }
        for (account, created) in model.created.iter().enumerate() {
            let users = model.users.iter().filter(|user| user.0 == account && user.3).count() as u32;
            let page = format!("new{}@tree{account}.example", created);
            assert!(admin.user(&page).await.is_err(), "{users} users: no more than {created} were created");
        }
    }
}

fn any_role() -> impl Strategy<Value = Role> {
    prop_oneof![
        Just(Role::None),
        Just(Role::Super),
        Just(Role::Partner),
        Just(Role::Full),
        Just(Role::Basic),
        (0..8_u8).prop_map(Role::Custom)
    ]
}

fn any_world() -> impl Strategy<Value = (Model, Vec<Deed>)> {
    let accounts = prop::collection::vec(any::<prop::sample::Index>(), 1..5);
    let users = prop::collection::vec((any::<prop::sample::Index>(), any_role()), 2..8);
    let what = prop_oneof![
        Just(What::List),
        Just(What::Read),
        Just(What::Rename),
        Just(What::Create),
        Just(What::Delete),
        any_role().prop_map(What::Assign)
    ];
    let index = any::<prop::sample::Index>;
    let deeds = prop::collection::vec((index(), prop::option::of(index()), what, index()), 1..30);
    (accounts, users, deeds).prop_map(|(accounts, users, deeds)| {
        // Each account hangs below an earlier one, or stands at the top.
        let parent = |n: usize, pick: &prop::sample::Index| pick.index(n + 1).checked_sub(1);
        let parents: Vec<_> = accounts.iter().enumerate().map(|(n, pick)| parent(n, pick)).collect();
        let count = parents.len();
        let users: Vec<_> = users.iter().map(|(pick, role)| (pick.index(count), *role, 0, true)).collect();
        let deed = |(caller, account, what, target): (
            prop::sample::Index,
            Option<prop::sample::Index>,
            What,
            prop::sample::Index,
        )| Deed {
            caller: caller.index(users.len()),
            account: account.map(|pick| pick.index(count)),
            what,
            target: target.index(users.len()),
        };
        let deeds = deeds.into_iter().map(deed).collect();
        (Model { created: vec![0; count], parents, users }, deeds)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 64, ..ProptestConfig::default() })]

    #[test]
    fn nobody_reads_or_writes_outside_what_the_model_allows((mut model, deeds) in any_world()) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let mut world = World::of(&model).await;
            for deed in deeds {
                // Who was removed has no keys any more.
                if !model.users[deed.caller].3 {
                    continue;
                }
                let got = world.act(&model, deed).await;
                let before = model.clone();
                let expected = model.expect(deed);
                assert_eq!(got.as_deref(), expected, "{deed:?} in {before:?}");
                if let (What::Assign(given), None) = (deed.what, expected) {
                    world.promoted(&before, deed.target, given).await;
                }
            }
            world.compare(&model).await;
        });
    }
}
