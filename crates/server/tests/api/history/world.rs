//! A server, the requests it got, and the result of each step.

use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::{Value, json};
use server::admin::Admin;
use testkit::{ACCOUNT, Response, SEEDED, TestServer};
use wire::create_user::PATH;

use super::model::{Answer, Deed, Entry, Model, PAIRS, RESERVED, Signature};
use super::step::{ADDRESSES, CALLERS, Step};

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

const PROFILE: &str = "/api/user/get-profile";

const WRONG: &str = "Wrong horse 7 history";

pub(super) struct World {
    server: TestServer,
    /// Of each caller, the keys it has had.
    keys: Vec<Vec<client::Keys>>,
    sent: Vec<Sent>,
    /// The users and the key pairs of all logins that gave one.
    pairs: Vec<(u8, client::Keys)>,
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
    if who == RESERVED { "postmaster@example.com".to_owned() } else { format!("h{who}@example.com") }
}

fn password(number: u8) -> String {
    format!("Random horse {number} history")
}

/// A key for an application that nobody else has.
async fn new_key(server: &TestServer, caller: usize) -> client::Keys {
    let admin = server.admin();
    let application = admin.add_application(ACCOUNT, "An application").await.unwrap();
    let pair = admin.add_binding(&caller_address(caller), &application.app_id, None).await.unwrap();
    let mut keys = server.administrator().keys().clone();
    keys.app_id = application.app_id.clone();
    keys.app_key = application.app_key().to_owned();
    keys.access_key = pair.access_key.clone();
    keys.secret_key = pair.secret_key().to_owned();
    keys
}

fn caller_address(caller: usize) -> String {
    format!("caller{caller}@example.com")
}

/// Path and body of a deed.
fn request(deed: Deed) -> (&'static str, String) {
    let (path, item) = match deed {
        Deed::Create { who, password: false } => (PATH, json!({"emailAddress": address(who)})),
        Deed::Create { who, password: true } => {
            (PATH, json!({"emailAddress": address(who), "password": password(0)}))
        }
        Deed::Rename { who, name } => {
            ("/api/user/update-user", json!({"emailAddress": address(who), "name": name.to_string()}))
        }
        Deed::Disable { who, disabled } => {
            ("/api/user/update-user", json!({"emailAddress": address(who), "accountDisabled": disabled}))
        }
        Deed::Reset { who, password: new } => {
            ("/api/user/update-user", json!({"emailAddress": address(who), "password": password(new)}))
        }
        Deed::Delete { who } => ("/api/user/delete-user", json!({"emailAddress": address(who)})),
        Deed::Alias { of, alias } => {
            ("/api/user/update-alias", json!({"aliasFor": address(of), "alias": address(alias)}))
        }
    };
    (path, json!({"data": [item]}).to_string())
}

impl World {
    pub(super) async fn new(strict: bool) -> Self {
        let server = server(strict).await;
        let admin = server.admin();
        admin.add_profile(ACCOUNT, "Few", None, PAIRS as u32).await.unwrap();
        admin.assign_profile(ACCOUNT, Some("Few"), None).await.unwrap();
        let mut keys = Vec::new();
        for caller in 0..CALLERS {
            let address = caller_address(caller);
            let role = "Super Administrator";
            admin.add_administrator(ACCOUNT, &address, "", role, None).await.unwrap();
            keys.push(vec![new_key(&server, caller).await]);
        }
        Self { server, keys, sent: Vec::new(), pairs: Vec::new() }
    }

    /// Signs a request.
    fn sign(&mut self, model: &Model, caller: usize, deed: Deed) -> usize {
        // A caller without a key signs with the last one it had.
        let key = self.keys[caller].len() as u32 - 1;
        let signature = Signature { id: self.sent.len(), caller, key, at: model.now };
        let headers = self.server.caller(self.key(caller)).signed(request(deed).0);
        self.sent.push(Sent { signature, headers, deed, ran: Vec::new() });
        signature.id
    }

    /// Sends a signed request, with the body of a deed.
    async fn send(&self, id: usize, deed: Deed) -> Response {
        let (path, body) = request(deed);
        self.post(path, &self.sent[id].headers, body).await
    }

    /// Sends to where the server is now: keys name the address that it had when they were made.
    async fn post(&self, path: &str, headers: &client::SignedHeaders, body: String) -> Response {
        let headers = headers.iter().map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
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
            Deed::Create { who, .. } | Deed::Reset { who, .. } | Deed::Delete { who } => {
                assert_eq!(row["emailAddress"], address(who));
            }
            Deed::Alias { alias, .. } => assert_eq!(row["alias"], address(alias)),
        }
    }

    pub(super) async fn take(mut self, model: &mut Model, step: Step) -> Self {
        match step {
            Step::Call { caller, deed, times } => self.call(model, caller, deed, times).await,
            Step::Again { pick } if !self.sent.is_empty() => {
                let id = pick % self.sent.len();
                self.send_and_hold(model, id, self.sent[id].deed).await;
            }
            Step::OtherBody { pick, who } if !self.sent.is_empty() => {
                let id = pick % self.sent.len();
                // The path is signed: the body can only be of the same kind.
                if matches!(self.sent[id].deed, Deed::Create { .. }) {
                    self.send_and_hold(model, id, Deed::Create { who, password: false }).await;
                }
            }
            Step::Again { .. } | Step::OtherBody { .. } => {}
            Step::Together { who, callers } => self.create_together(model, who, &callers).await,
            Step::Role { caller, given } => {
                let role = given.then_some("Super Administrator");
                self.server.admin().set_role(&caller_address(caller), role).await.unwrap();
                model.role(caller, given);
            }
            Step::Key { caller, given: true } => self.give_key(model, caller).await,
            Step::Key { caller, given: false } if model.callers[caller].key.is_some() => {
                self.server.admin().revoke_binding(&self.key(caller).access_key).await.unwrap();
                model.callers[caller].key = None;
            }
            Step::Application { caller } if model.callers[caller].key.is_some() => {
                self.server.admin().disable_application(&self.key(caller).app_id).await.unwrap();
                model.callers[caller].key = None;
            }
            // Without a role the answer is a read, which may be a second old.
            Step::RevokedElsewhere { caller, who } if model.callers[caller].role => {
                self.revoke_elsewhere(model, caller, who).await;
            }
            Step::Key { .. } | Step::Application { .. } | Step::RevokedElsewhere { .. } => {}
            Step::LogIn { who, wrong } => self.log_in(model, who, wrong).await,
            Step::UsePair { pick } if !self.pairs.is_empty() => self.use_pair(model, pick).await,
            Step::UsePair { .. } => {}
            Step::OwnPassword { who, right, new } => {
                let present =
                    if right { password(model.password(who).unwrap_or(0)) } else { WRONG.to_owned() };
                let answer = self.server.change_password(&address(who), &present, &password(new)).await;
                assert_eq!(model.change_password(who, right, new), said(&answer), "{answer}");
            }
            Step::Restart => {
                self.server = self.server.restart().await;
                // A server that starts forgets what it may, at some time: here, before anything else.
                self.server.server().forget_requests().await.unwrap();
                model.forget();
            }
            Step::Forget => {
                assert_eq!(self.server.server().forget_requests().await.unwrap(), model.forget());
            }
            Step::Clock { minutes } => self.wait(model, minutes * 60),
        }
        self
    }

    async fn call(&mut self, model: &mut Model, caller: usize, deed: Deed, times: usize) {
        let id = self.sign(model, caller, deed);
        let answers = join_all((0..times).map(|_| self.send(id, deed))).await;
        let same = answers.iter().all(|answer| answer.body == answers[0].body);
        assert!(same, "the same request at the same time, other answers");
        let expected = model.call(self.sent[id].signature, deed);
        self.hold(id, deed, &expected, &answers[0]);
    }

    async fn create_together(&mut self, model: &mut Model, who: u8, callers: &[usize]) {
        let deed = Deed::Create { who, password: false };
        let ids: Vec<_> = callers.iter().map(|caller| self.sign(model, *caller, deed)).collect();
        let answers = join_all(ids.iter().map(|id| self.send(*id, deed))).await;
        // The one that won ran first, whatever the order of the others.
        let mut order: Vec<_> = ids.into_iter().zip(answers).collect();
        order.sort_by_key(|(_, answer)| said(answer) != Answer::Done);
        for (id, answer) in order {
            let expected = model.call(self.sent[id].signature, deed);
            self.hold(id, deed, &expected, &answer);
        }
    }

    async fn give_key(&mut self, model: &mut Model, caller: usize) {
        if model.callers[caller].key.is_none() {
            self.keys[caller].push(new_key(&self.server, caller).await);
            model.callers[caller].key = Some(self.keys[caller].len() as u32 - 1);
        }
    }

    async fn revoke_elsewhere(&mut self, model: &mut Model, caller: usize, who: u8) {
        if model.callers[caller].key.take().is_some() {
            self.server.admin_beside().revoke_binding(&self.key(caller).access_key).await.unwrap();
            let deed = Deed::Create { who, password: false };
            let id = self.sign(model, caller, deed);
            self.send_and_hold(model, id, deed).await;
        }
    }

    async fn use_pair(&mut self, model: &mut Model, pick: usize) {
        let pair = pick % self.pairs.len();
        let (who, keys) = &self.pairs[pair];
        let own = json!({"data": [{"emailAddress": address(*who)}]}).to_string();
        let headers = self.server.caller(keys).signed(PROFILE);
        let answer = self.post(PROFILE, &headers, own).await;
        self.server.server().note_usage().await;
        assert_eq!(model.use_pair(pair), said(&answer), "key pair {pair}, of {}", address(*who));
    }

    /// The last key that a caller has had.
    fn key(&self, caller: usize) -> &client::Keys {
        self.keys[caller].last().unwrap()
    }

    fn wait(&self, model: &mut Model, seconds: i64) {
        self.server.clock().advance(SignedDuration::from_secs(seconds));
        model.now += seconds;
    }

    async fn log_in(&mut self, model: &mut Model, who: u8, wrong: usize) {
        let name = address(who);
        for answer in join_all((0..wrong).map(|_| self.server.log_in(&name, WRONG))).await {
            assert_eq!(model.log_in(who, false), said(&answer), "a wrong password of {name}");
        }
        let right = password(model.password(who).unwrap_or(0));
        let answer = self.server.log_in(&name, &right).await;
        // Only the result: the response contains a secret.
        assert_eq!(model.log_in(who, true), said(&answer), "the password of {name}");
        if said(&answer) == Answer::Done {
            self.pairs.push((who, self.server.logged_in(&answer).keys().clone()));
        }
        // No two key pairs are equally old.
        self.wait(model, 1);
    }

    async fn send_and_hold(&mut self, model: &mut Model, id: usize, deed: Deed) {
        let answer = self.send(id, deed).await;
        let expected = model.call(self.sent[id].signature, deed);
        self.hold(id, deed, &expected, &answer);
    }

    /// What is there is what the model says, and the audit tells of it.
    pub(super) async fn compare(&self, model: &Model) {
        let admin = self.server.admin();
        for who in 0..ADDRESSES {
            let found = admin.user(&address(who)).await.ok();
            let found = found.map(|user| (user.name.clone(), user.disabled, user.alias_of.is_some()));
            let entry = model.entries.get(&who).map(|entry| match entry {
                Entry::User(user) => {
                    (user.name.map(|name| name.to_string()).unwrap_or_default(), user.disabled, false)
                }
                Entry::Reserved => ("Domain postMaster address".to_owned(), false, false),
                Entry::AliasOf(_) => (alias_name(&found), false, true),
            });
            assert_eq!(found, entry, "{}", address(who));
        }
        let users = admin.count_users().await.unwrap();
        // The reserved one is of the start.
        assert_eq!(users, SEEDED + CALLERS as u64 + model.entries.len() as u64 - 1);
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
