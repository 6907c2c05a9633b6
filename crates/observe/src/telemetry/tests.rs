//! Limits that cannot be tested from outside in a short time.

use std::net::Ipv4Addr;

use directory::password::Policy;
use directory::settings::Settings;

use super::*;

/// A clock that does not move by itself.
#[derive(Default)]
struct StoppedClock(Mutex<Timestamp>);

impl StoppedClock {
    fn advance(&self, by: SignedDuration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

fn account() -> Account {
    Account {
        id: AccountId::from_bytes([1; 16]),
        code: AccountCode::parse("C1").unwrap(),
        name: "One".to_owned(),
        above: Vec::new(),
        password_policy: Policy::default(),
        settings: Settings::default(),
        epoch: 0,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

fn request<'a>(app_id: &'a str, line: &'a Line) -> Request<'a> {
    let (took, peer) = (Duration::from_millis(1), Ipv4Addr::LOCALHOST.into());
    let app_id = Some(app_id.as_bytes());
    Request { path: "/", status: 200, took, peer, app_id, user_agent: None, line }
}

#[test]
fn there_are_only_so_many_applications() {
    let clock = Arc::new(StoppedClock::default());
    let telemetry = Telemetry::new(Arc::clone(&clock) as _, []);
    let (own, line) = (account(), Line::default());
    let known = || telemetry.applications(own.id).into_iter().map(|(app_id, _)| app_id).collect::<Vec<_>>();
    let use_it = |app_id: &str| {
        telemetry.know(&own, app_id, "");
        telemetry.record(&request(app_id, &line), 0);
    };
    for number in 0..APPLICATIONS {
        use_it(&format!("app-{number:03}"));
    }
    use_it("late");
    assert_eq!((known().len(), known().contains(&"late".to_owned())), (APPLICATIONS, false));
    assert_eq!(telemetry.counts().unknown.requests, 1);
    // A day later it replaces the one that was unused for longest.
    clock.advance(UNUSED);
    use_it("app-000");
    use_it("late");
    assert_eq!((known().len(), known().contains(&"late".to_owned())), (APPLICATIONS, true));
    assert!(known().contains(&"app-000".to_owned()));
    let total = telemetry.series(own.id, Some("late"), Span::Hour).total;
    assert_eq!((total.requests, total.latency.unwrap().p50 > Duration::ZERO), (1, true));
}

#[test]
fn what_waits_is_shown_at_its_most() {
    let telemetry = Telemetry::new(Arc::new(StoppedClock::default()), []);
    for waiting in [3, 7, 5] {
        telemetry.record(&request("nobody's", &Line::default()), waiting);
    }
    let series = telemetry.series(account().id, None, Span::Day);
    assert_eq!((series.total.requests, series.total.waiting), (0, 7));
}
