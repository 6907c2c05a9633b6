//! Random histories of many clients against a small model: what is answered, what is there at the end, what the audit
//! tells. Requests come again, ids come with another body, keys and roles are taken away, the server is restarted, and
//! some things happen at once.
//!
//! A few histories in every run; `MATRICULA_HISTORIES=1000` for more.

mod model;

use futures_util::future::join_all;
use jiff::SignedDuration;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use server::admin::Admin;
use testkit::{ACCOUNT, Response, SEEDED, TestServer};
use wire::create_user::PATH;

use model::{Answer, Deed, Entry, Model, Signature};

const CALLERS: usize = 3;

/// Addresses that there may be: few, so that deeds meet.
const ADDRESSES: u8 = 5;

const PASSWORD: &str = "Random horse 7 history";

#[derive(Clone, Debug)]
enum Step {
    /// A new request, sent so many times at once.
    Call {
        caller: usize,
        deed: Deed,
        times: usize,
    },
    /// An earlier request once more.
    Again(Index),
    /// The headers of an earlier create with another body.
    OtherBody(Index, u8),
    /// The same address, created by each of these at once.
    Together(u8, Vec<usize>),
    Role(usize, bool),
    Key(usize, bool),
    /// So many wrong passwords at once, then the right one.
    LogIn(u8, usize),
    Restart,
    Wait(i64),
}

/// The server of a history: the one place that says on which engine it runs.
async fn server(strict: bool) -> TestServer {
    TestServer::start_with(|config| {
        config.quota.enabled = false;
        if !strict {
            config.request_ids = directory::port::RequestIds::Compatible;
        }
    })
    .await
}

struct World {
    server: TestServer,
    /// Of each caller, the keys it has had.
    keys: Vec<Vec<client::Keys>>,
    sent: Vec<Sent>,
}

/// A request that was sent.
struct Sent {
    signature: Signature,
    headers: client::SignedHeaders,
    deed: Deed,
    /// What ran under it, and the answer to that.
    ran: Vec<(Deed, String)>,
}

fn address(who: u8) -> String {
    format!("h{who}@example.com")
}

fn caller_address(caller: usize) -> String {
    format!("caller{caller}@example.com")
}

/// Path and body of a deed.
fn request(deed: Deed) -> (&'static str, String) {
    let (path, item) = match deed {
        Deed::Create { who, password: false } => (PATH, json!({"emailAddress": address(who)})),
        Deed::Create { who, password: true } => {
            (PATH, json!({"emailAddress": address(who), "password": PASSWORD}))
        }
        Deed::Rename { who, name } => {
            ("/api/user/update-user", json!({"emailAddress": address(who), "name": name.to_string()}))
        }
        Deed::Disable { who, disabled } => {
            ("/api/user/update-user", json!({"emailAddress": address(who), "accountDisabled": disabled}))
        }
        Deed::Delete { who } => ("/api/user/delete-user", json!({"emailAddress": address(who)})),
        Deed::Alias { of, alias } => {
            ("/api/user/update-alias", json!({"aliasFor": address(of), "alias": address(alias)}))
        }
    };
    (path, json!({"data": [item]}).to_string())
}

impl World {
    async fn new(strict: bool) -> Self {
        let server = server(strict).await;
        let mut keys = Vec::new();
        for caller in 0..CALLERS {
            let address = caller_address(caller);
            server
                .admin()
                .add_administrator(ACCOUNT, &address, "", "Super Administrator", None)
                .await
                .unwrap();
            keys.push(vec![server.caller_for(&address).await.keys().clone()]);
        }
        Self { server, keys, sent: Vec::new() }
    }

    /// Signs a request.
    fn sign(&mut self, model: &Model, caller: usize, deed: Deed) -> usize {
        // Who has no key signs with the last one it had.
        let key = self.keys[caller].len() as u32 - 1;
        let signature = Signature { id: self.sent.len(), caller, key, at: model.now };
        let headers = self.server.caller(self.keys[caller].last().unwrap()).signed(request(deed).0);
        self.sent.push(Sent { signature, headers, deed, ran: Vec::new() });
        signature.id
    }

    /// Sends a signed request, with the body of a deed.
    async fn send(&self, id: usize, deed: Deed) -> Response {
        let (path, body) = request(deed);
        let headers =
            self.sent[id].headers.iter().map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        self.server.raw(path, &headers.collect::<Vec<_>>(), body).await
    }

    /// Holds an answer to what it must be.
    fn hold(&mut self, id: usize, deed: Deed, expected: &Answer, answer: &Response) {
        let sent = &mut self.sent[id];
        match expected {
            Answer::AsBefore => {
                let first = sent.ran.iter().rfind(|(ran, _)| *ran == deed).map(|(_, first)| &**first);
                assert_eq!(Some(&*answer.body), first, "the same request, another answer");
            }
            expected => {
                assert_eq!(*expected, said(answer), "{deed:?}: {answer}");
                if !matches!(expected, Answer::Refused(..)) {
                    sent.ran.push((deed, answer.body.clone()));
                }
            }
        }
        let row = &answer.json()["data"][0];
        match deed {
            _ if *expected != Answer::Done => {}
            Deed::Rename { name, .. } => assert_eq!(row["name"], name.to_string(), "{answer}"),
            Deed::Disable { disabled, .. } => assert_eq!(row["accountDisabled"], disabled, "{answer}"),
            Deed::Create { who, .. } | Deed::Delete { who } => assert_eq!(row["emailAddress"], address(who)),
            Deed::Alias { alias, .. } => assert_eq!(row["alias"], address(alias)),
        }
    }

    async fn take(mut self, model: &mut Model, step: Step) -> Self {
        match step {
            Step::Call { caller, deed, times } => {
                let id = self.sign(model, caller, deed);
                let answers = join_all((0..times).map(|_| self.send(id, deed))).await;
                let same = answers.iter().all(|answer| answer.body == answers[0].body);
                assert!(same, "the same request at the same time, other answers");
                let expected = model.call(self.sent[id].signature, deed);
                self.hold(id, deed, &expected, &answers[0]);
            }
            Step::Again(pick) if !self.sent.is_empty() => {
                let id = pick.index(self.sent.len());
                self.once_more(model, id, self.sent[id].deed).await;
            }
            Step::OtherBody(pick, who) if !self.sent.is_empty() => {
                let id = pick.index(self.sent.len());
                // The path is signed: the body can only be of the same kind.
                if matches!(self.sent[id].deed, Deed::Create { .. }) {
                    self.once_more(model, id, Deed::Create { who, password: false }).await;
                }
            }
            Step::Again(_) | Step::OtherBody(..) => {}
            Step::Together(who, callers) => {
                let deed = Deed::Create { who, password: false };
                let ids: Vec<_> = callers.iter().map(|caller| self.sign(model, *caller, deed)).collect();
                let answers = join_all(ids.iter().map(|id| self.send(*id, deed))).await;
                // In whatever order they ran, whoever won was the first of those who may.
                let mut order: Vec<_> = ids.into_iter().zip(answers).collect();
                order.sort_by_key(|(_, answer)| said(answer) != Answer::Done);
                for (id, answer) in order {
                    let expected = model.call(self.sent[id].signature, deed);
                    self.hold(id, deed, &expected, &answer);
                }
            }
            Step::Role(caller, given) => {
                let role = given.then_some("Super Administrator");
                self.server.admin().set_role(&caller_address(caller), role).await.unwrap();
                model.role(caller, given);
            }
            Step::Key(caller, true) if model.callers[caller].key.is_none() => {
                self.keys[caller].push(self.server.caller_for(&caller_address(caller)).await.keys().clone());
                model.callers[caller].key = Some(self.keys[caller].len() as u32 - 1);
            }
            Step::Key(caller, false) if model.callers[caller].key.is_some() => {
                let key = &self.keys[caller].last().unwrap().access_key;
                self.server.admin().revoke_binding(key).await.unwrap();
                model.callers[caller].key = None;
            }
            Step::Key(..) => {}
            Step::LogIn(who, guesses) => {
                let name = address(who);
                let guesses = (0..guesses).map(|_| self.server.log_in(&name, "Wrong horse 7 history"));
                for answer in join_all(guesses).await {
                    assert_eq!(model.log_in(who, false), said(&answer), "a wrong password of {name}");
                }
                let answer = self.server.log_in(&name, PASSWORD).await;
                // What came of it and no more: the answer holds a secret.
                assert_eq!(model.log_in(who, true), said(&answer), "the password of {name}");
            }
            Step::Restart => self.server = self.server.restart().await,
            Step::Wait(minutes) => {
                self.server.clock().advance(SignedDuration::from_mins(minutes));
                model.now += minutes;
            }
        }
        self
    }

    async fn once_more(&mut self, model: &mut Model, id: usize, deed: Deed) {
        let answer = self.send(id, deed).await;
        let expected = model.call(self.sent[id].signature, deed);
        self.hold(id, deed, &expected, &answer);
    }

    /// What is there is what the model says, and the audit tells of it.
    async fn compare(&self, model: &Model) {
        let admin = self.server.admin();
        for who in 0..ADDRESSES {
            let found = admin.user(&address(who)).await.ok();
            let found = found.map(|user| (user.name.clone(), user.disabled, user.alias_of.is_some()));
            let entry = model.entries.get(&who).map(|entry| match entry {
                Entry::User(user) => {
                    (user.name.map(|name| name.to_string()).unwrap_or_default(), user.disabled, false)
                }
                Entry::AliasOf(_) => (alias_name(&found), false, true),
            });
            assert_eq!(found, entry, "{}", address(who));
        }
        let users = admin.count_users().await.unwrap();
        assert_eq!(users, SEEDED + CALLERS as u64 + model.entries.len() as u64);
        audit(admin, model).await;
    }
}

/// An alias keeps the name that its user had then, which the model does not keep.
fn alias_name(found: &Option<(String, bool, bool)>) -> String {
    found.as_ref().map(|found| found.0.clone()).unwrap_or_default()
}

async fn audit(admin: &Admin, model: &Model) {
    let reports = admin.verify_audit().await.unwrap();
    assert!(reports.iter().all(|report| report.broken.is_none()), "{reports:?}");
    let events = admin.audit().await.unwrap();
    for who in 0..ADDRESSES {
        let made = |action: &str| action == "user.created" || action == "alias.added";
        let told = events.iter().filter(|event| made(&event.action) && event.target == address(who));
        let made = model.made.get(&who).copied().unwrap_or(0);
        assert_eq!(told.count(), made, "the audit tells of {} as often as it was made", address(who));
    }
}

/// What an answer says.
fn said(answer: &Response) -> Answer {
    let code = answer.codes().into_iter().next();
    let code: Option<&'static str> = code.map(|code| &*code.leak());
    match (answer.status, code) {
        (200, None) if answer.rows() == 1 => Answer::Done,
        (200, Some(code)) if answer.json()["data"] == Value::Array(Vec::new()) => Answer::Not(code),
        (status, Some(code)) => Answer::Refused(status, code),
        _ => panic!("{answer}"),
    }
}

fn any_deed() -> impl Strategy<Value = Deed> {
    let who = || 0..ADDRESSES;
    prop_oneof![
        4 => (who(), any::<bool>()).prop_map(|(who, password)| Deed::Create { who, password }),
        2 => (who(), 0..4_u8).prop_map(|(who, name)| Deed::Rename { who, name }),
        2 => (who(), any::<bool>()).prop_map(|(who, disabled)| Deed::Disable { who, disabled }),
        2 => who().prop_map(|who| Deed::Delete { who }),
        2 => (who(), who()).prop_map(|(of, alias)| Deed::Alias { of, alias }),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let (who, caller) = (|| 0..ADDRESSES, || 0..CALLERS);
    prop_oneof![
        12 => (caller(), any_deed(), prop_oneof![3 => Just(1_usize), 1 => 2..4_usize])
            .prop_map(|(caller, deed, times)| Step::Call { caller, deed, times }),
        6 => any::<Index>().prop_map(Step::Again),
        2 => (any::<Index>(), who()).prop_map(|(pick, who)| Step::OtherBody(pick, who)),
        2 => (who(), prop::collection::vec(caller(), 2..6)).prop_map(|(who, callers)| Step::Together(who, callers)),
        1 => (caller(), any::<bool>()).prop_map(|(caller, given)| Step::Role(caller, given)),
        1 => (caller(), any::<bool>()).prop_map(|(caller, given)| Step::Key(caller, given)),
        // Five lock out, four do not.
        6 => (who(), prop_oneof![2 => Just(0_usize), 1 => 1..7_usize, 1 => 4..6_usize])
            .prop_map(|(who, guesses)| Step::LogIn(who, guesses)),
        1 => Just(Step::Restart),
        2 => prop::sample::select(vec![1, 4, 11, 20]).prop_map(Step::Wait),
    ]
}

fn histories() -> u32 {
    #[expect(clippy::disallowed_methods, reason = "how many histories is for who runs the test to say")]
    std::env::var("MATRICULA_HISTORIES").map_or(12, |histories| histories.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: histories(), max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_is_one_that_the_model_gives(
        strict in any::<bool>(),
        steps in prop::collection::vec(any_step(), 1..40),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let (mut world, mut model) = (World::new(strict).await, Model::new(strict, CALLERS));
            for step in steps {
                world = world.take(&mut model, step).await;
            }
            world.compare(&model).await;
        });
    }
}
