//! Interrupts a request at every step – each call of the store before it is made and after its answer, each piece of its
//! body – and strikes there: a key is revoked, a role taken, a domain removed, the clock moved, the process ended. Whatever
//! happens in between, the request came either before the blow or after it: what it answered and what the directory holds is
//! what one of the two orders gives, one after the other.
//!
//! A part of all worlds in every run, drawn by a seed; `MATRICULA_EXPLORE=all` for the whole, `MATRICULA_EXPLORE=N` for one
//! world in N, `MATRICULA_EXPLORE_SEED` for others, `MATRICULA_EXPLORE_PATH` for the operations whose path holds a text.

use std::sync::Arc;

use jiff::SignedDuration;
use matricula_server::admin::Admin;
use testkit::{ACCOUNT, DOMAIN, FakeClock, Fixture, Response, TestServer};
use tokio::sync::Notify;

/// The caller of the request, and the target of most actions.
pub(crate) const CALLER: &str = "admin@example.com";

/// A request, ready to be sent to any copy of the directory it was made for.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) get: bool,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: String,
    /// The key pair and application it is signed with; those of a session are the caller's others.
    pub(crate) access_key: String,
    pub(crate) app_id: String,
    /// Whether it is carried out once, however often it is sent.
    pub(crate) once: bool,
}

/// What happens in the middle of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Blow {
    RevokePair,
    DisableUser,
    /// To a role that may read only.
    Demote,
    /// To a role that may do nearly everything, but to nobody who may do more.
    Weaken,
    DisableApplication,
    DisableAccount,
    RemoveDomain,
    RemoveRoles,
    ClockOn(i64),
    ClockBack(i64),
}

pub(crate) const BLOWS: &[Blow] = &[
    Blow::RevokePair,
    Blow::DisableUser,
    Blow::Demote,
    Blow::Weaken,
    Blow::DisableApplication,
    Blow::DisableAccount,
    Blow::RemoveDomain,
    Blow::RemoveRoles,
    Blow::ClockOn(1),
    Blow::ClockOn(240),
    Blow::ClockBack(1),
    Blow::ClockBack(240),
];

impl Blow {
    /// Strikes directly on the database; the server is not told.
    async fn strike(self, admin: &Admin, clock: &FakeClock, request: &Request) {
        let struck = match self {
            Blow::RevokePair => admin.revoke_binding(&request.access_key).await,
            Blow::DisableUser => admin.disable_user(CALLER).await,
            Blow::Demote => admin.set_role(CALLER, Some("Reader")).await,
            Blow::Weaken => admin.set_role(CALLER, Some("Full Administrator")).await,
            Blow::DisableApplication => admin.disable_application(&request.app_id).await,
            Blow::DisableAccount => admin.disable_account(ACCOUNT).await,
            Blow::RemoveDomain => admin.remove_domain(DOMAIN).await,
            // Those that nobody holds; the others are refused.
            Blow::RemoveRoles => {
                for role in admin.roles().await.unwrap().iter().filter(|role| role.account.is_some()) {
                    let _ = admin.remove_role(role.id).await;
                }
                Ok(())
            }
            Blow::ClockOn(hours) => {
                clock.advance(SignedDuration::from_hours(hours));
                Ok(())
            }
            Blow::ClockBack(hours) => {
                clock.advance(-SignedDuration::from_hours(hours));
                Ok(())
            }
        };
        struck.unwrap();
    }

    fn moves_the_clock(self) -> bool {
        matches!(self, Blow::ClockOn(_) | Blow::ClockBack(_))
    }

    /// Whether nothing that its victim sends afterwards may be carried out.
    fn shuts_out(self) -> bool {
        matches!(self, Blow::DisableUser | Blow::DisableAccount)
    }
}

/// What was answered, as far as it is the same from run to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    status: u16,
    codes: Vec<String>,
    rows: usize,
    location: String,
}

impl Said {
    fn of(answer: &Response) -> Self {
        let json = answer.header("content-type") == Some("application/json");
        let location = answer.header("location").unwrap_or_default().split('?').next().unwrap_or_default();
        Self {
            status: answer.status,
            codes: if json { answer.codes() } else { Vec::new() },
            rows: if json { answer.rows() } else { 0 },
            location: location.to_owned(),
        }
    }
}

impl Said {
    fn refuses(&self) -> bool {
        self.rows == 0 && (self.status >= 400 || !self.codes.is_empty())
    }
}

/// The response, and the directory afterwards.
type Outcome = (Said, Vec<String>);

/// What the directory holds: whatever happened to it, told by its audit; and what there is of everything that is listed.
async fn state(server: &TestServer) -> Vec<String> {
    let admin = server.admin();
    let mut state = Vec::new();
    for event in admin.audit().await.unwrap() {
        state.push(format!(
            "{} {} {} {}",
            event.actor,
            event.action,
            same(&event.target),
            same(&event.detail)
        ));
    }
    for user in admin.administrators().await.unwrap() {
        state.push(format!("{} {:?} {}", user.address, user.role, user.is_blocked()));
    }
    for role in admin.roles().await.unwrap() {
        state.push(format!("role {}", role.name));
    }
    for domain in admin.domains().await.unwrap() {
        state.push(format!("domain {}", domain.name));
    }
    let live = admin.bindings(None).await.unwrap().iter().filter(|pair| pair.revoked_at.is_none()).count();
    state.push(format!("{} users, {live} pairs", admin.count_users().await.unwrap()));
    for chain in admin.verify_audit().await.unwrap() {
        assert_eq!(chain.broken, None, "the audit is whole");
    }
    state.sort();
    state
}

/// A text without what is drawn: ids and times.
fn same(text: &str) -> String {
    // Ids and keys; and the code of an account, unless a test gave it.
    let code = |word: &str| word.len() == 10 && word.starts_with('C') && !word.starts_with("CTEST");
    let drawn = |word: &str| {
        word.len() >= 20 && word.bytes().any(|byte| byte.is_ascii_digit())
            || code(word) && word.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
    };
    text.split(' ').map(|word| if drawn(word) { "#" } else { word }).collect::<Vec<_>>().join(" ")
}

async fn send(server: &TestServer, request: &Request) -> Said {
    let answer = match request.get {
        true => server.get_with(&request.path, &request.headers).await,
        false => server.raw(&request.path, &request.headers, request.body.as_bytes()).await,
    };
    Said::of(&answer)
}

/// Which worlds are visited.
pub(crate) struct Plan {
    one_in: u64,
    random: u64,
    /// What the path of an operation must hold.
    path: Option<String>,
    pub(crate) told: Told,
}

/// What was explored.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) operations: usize,
    pub(crate) steps: usize,
    pub(crate) worlds: usize,
}

impl Plan {
    /// `one_in`: one world of so many is visited, unless the environment says otherwise.
    #[expect(clippy::disallowed_methods, reason = "who runs the test says how much of it")]
    pub(crate) fn new(one_in: u64) -> Self {
        let seed = std::env::var("MATRICULA_EXPLORE_SEED").ok().and_then(|seed| seed.parse().ok());
        let one_in = match std::env::var("MATRICULA_EXPLORE").as_deref() {
            Ok("all") => 1,
            Ok(number) => number.parse().unwrap_or_else(|_| panic!("MATRICULA_EXPLORE is all or a number")),
            Err(_) => one_in,
        };
        let path = std::env::var("MATRICULA_EXPLORE_PATH").ok();
        Self { one_in, random: seed.unwrap_or(7), path, told: Told::default() }
    }

    /// Whether an operation is looked at; a small part of all worlds is of a third of the operations.
    fn takes(&mut self, path: &str) -> bool {
        match &self.path {
            Some(part) => path.contains(part.as_str()),
            None => self.one_in < 10 || self.draws(3),
        }
    }

    fn visits(&mut self) -> bool {
        let visits = self.draws(self.one_in);
        self.told.worlds += usize::from(visits);
        visits
    }

    fn draws(&mut self, one_in: u64) -> bool {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33).is_multiple_of(one_in)
    }
}

/// Strikes at each step of a request that the plan visits.
pub(crate) async fn explore(plan: &mut Plan, fixture: &Fixture, request: &Request) {
    if !plan.takes(&request.path) {
        return;
    }
    let server = fixture.start().await;
    let untouched = state(&server).await;
    server.watch().count();
    let undisturbed = send(&server, request).await;
    let steps = server.watch().steps();
    let undisturbed = (undisturbed, state(&server).await);
    // Who may read is asked before what there is to be read: that may hold the blow itself.
    let reads = undisturbed.1 == untouched;
    let comparable = |(mut said, state): Outcome| {
        if reads {
            said.rows = 0;
        }
        (said, state)
    };
    plan.told.operations += 1;
    plan.told.steps += steps;
    for blow in BLOWS {
        let mut orders = None;
        for step in 0..steps {
            if plan.visits() {
                if orders.is_none() {
                    orders = Some(in_turn(fixture, request, *blow).await.map(comparable));
                }
                let outcome = comparable(struck(fixture, request, *blow, step).await);
                let orders = orders.as_ref().unwrap();
                // What is found half gone is refused in other words than what is gone.
                let refused = outcome.0.refuses() && orders[1].0.refuses() && outcome.1 == orders[1].1;
                assert!(
                    orders.contains(&outcome) || refused,
                    "{} struck by {blow:?} at step {step} of {steps}: {outcome:#?}\nis neither of {orders:#?}",
                    request.path
                );
            }
        }
        if !request.body.is_empty() && plan.visits() {
            let after = before(fixture, request, *blow, true).await;
            let outcome = trickled(fixture, request, *blow).await;
            // A signature is as old as it was when it arrived.
            if !blow.moves_the_clock() || outcome.0 != undisturbed.0 {
                assert_eq!(outcome, after, "{} struck by {blow:?} while its body arrived", request.path);
            }
        }
    }
    if request.once && !reads && plan.visits() {
        forgotten(fixture, request).await;
    }
    for step in 0..steps {
        if plan.visits() {
            crashed(fixture, request, step, &undisturbed).await;
        }
    }
}

/// The request and then the blow, and the other way about.
async fn in_turn(fixture: &Fixture, request: &Request, blow: Blow) -> [Outcome; 2] {
    let server = fixture.start().await;
    let said = send(&server, request).await;
    blow.strike(&server.admin_beside(), server.clock(), request).await;
    [(said, state(&server).await), before(fixture, request, blow, false).await]
}

/// The blow and then the request.
async fn before(fixture: &Fixture, request: &Request, blow: Blow, later: bool) -> Outcome {
    let server = fixture.start().await;
    blow.strike(&server.admin_beside(), server.clock(), request).await;
    if later {
        server.clock().advance(SignedDuration::from_secs(TRICKLE));
    }
    let before = server.admin_beside().audit().await.unwrap().len();
    let said = send(&server, request).await;
    let shut_out =
        said.codes.first().is_some_and(|code| code != "err_user_already_exists") || said.status >= 300;
    assert!(!blow.shuts_out() || shut_out, "{} after {blow:?}: {said:?}", request.path);
    if blow.shuts_out() {
        assert_eq!(
            server.admin_beside().audit().await.unwrap().len(),
            before,
            "{} after {blow:?}",
            request.path
        );
    }
    (said, state(&server).await)
}

async fn struck(fixture: &Fixture, request: &Request, blow: Blow, step: usize) -> Outcome {
    let server = fixture.start().await;
    let (admin, clock, victim) = (server.admin_beside(), server.clock_handle(), request.clone());
    server
        .watch()
        .strike_at(step, move || Box::pin(async move { blow.strike(&admin, &clock, &victim).await }));
    let said = send(&server, request).await;
    (said, state(&server).await)
}

/// How long a body takes, in seconds of the server's clock.
const TRICKLE: i64 = 2;

/// A blow after a part of the body. Who sends slowly is not served by what they might when they began.
async fn trickled(fixture: &Fixture, request: &Request, blow: Blow) -> Outcome {
    let server = fixture.start().await;
    let mut connection = server.connect().await;
    let mut head = format!("POST {} HTTP/1.1\r\nHost: {}\r\n", request.path, server.address());
    for (name, value) in &request.headers {
        head.push_str(&format!("{name}: {}\r\n", String::from_utf8_lossy(value)));
    }
    let (first, rest) = request.body.split_at(1);
    connection.send(&format!("{head}Content-Length: {}\r\n\r\n{first}", request.body.len())).await;
    // Another request is answered: the first part has been read.
    assert_eq!(server.get("/healthz").await.status, 200);
    blow.strike(&server.admin_beside(), server.clock(), request).await;
    server.clock().advance(SignedDuration::from_secs(TRICKLE));
    connection.send(rest).await;
    let said = Said::of(&connection.response().await);
    (said, state(&server).await)
}

/// The clock runs far ahead, others call meanwhile, requests are forgotten, and the clock is set back: the request, sent
/// once more, has no second effect.
async fn forgotten(fixture: &Fixture, request: &Request) {
    let server = fixture.start().await;
    let first = send(&server, request).await;
    let far = SignedDuration::from_hours(240);
    server.clock().advance(far);
    let other = server.other_administrator();
    let body = r#"{"data":[{"emailAddress":"meanwhile@other.example"}]}"#;
    assert_eq!(other.create(body).await.rows(), 1);
    server.server().forget_requests().await.unwrap();
    server.clock().advance(-far);
    let before = state(&server).await;
    let again = send(&server, request).await;
    assert!(again == first || again.refuses(), "{} once more: {again:?}, at first {first:?}", request.path);
    assert_eq!(state(&server).await, before, "{} has a second effect", request.path);
}

/// The process ends at a step. The directory holds all of the request or nothing; the same request once more is carried out
/// if it was not, and answered as it would have been.
async fn crashed(fixture: &Fixture, request: &Request, step: usize, undisturbed: &Outcome) {
    let server = fixture.start().await;
    let untouched = state(&server).await;
    let reached = Arc::new(Notify::new());
    let tell = Arc::clone(&reached);
    server.watch().strike_at(step, move || {
        Box::pin(async move {
            tell.notify_one();
            std::future::pending::<()>().await;
        })
    });
    let answered = tokio::select! {
        said = send(&server, request) => Some(said),
        () = reached.notified() => None,
    };
    assert_eq!(answered, None, "{}: step {step} is not reached twice the same way", request.path);
    let server = server.crash().await;
    let held = state(&server).await;
    assert!(
        held == untouched || held == undisturbed.1,
        "{} ended at step {step}: {held:#?}\nis neither {untouched:#?}\nnor {:#?}",
        request.path,
        undisturbed.1
    );
    if !request.once {
        return;
    }
    let again = send(&server, request).await;
    assert_eq!(
        (again, state(&server).await),
        *undisturbed,
        "{} once more, after it ended at step {step}",
        request.path
    );
}

/// Says what was explored.
pub(crate) fn tell(what: &str, told: &Told) {
    let Told { operations, steps, worlds } = told;
    let text = format!("explored {what}: {operations} operations, {steps} steps, {worlds} worlds\n");
    // Past the harness, which shows what a test prints only when it fails.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
}
