//! Commits that no standby has confirmed are not acknowledged, however the wait for the standby ended.

use client::{Client, SignedHeaders};
use testkit::Postgres;

use crate::load::PATH;
use crate::site::{Served, Site};

/// No standby has this name, so each commit waits.
const WAIT: &str = "ALTER SYSTEM SET synchronous_standby_names = 'nobody'";
const WAIT_NO_MORE: &str = "ALTER SYSTEM RESET synchronous_standby_names";
const CANCEL: &str = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

/// A node, and a request with a password: a repeated one is looked up before the password is hashed.
struct Trial {
    postgres: Postgres,
    url: String,
    _site: Site,
    _served: Served,
    client: Client,
    signed: SignedHeaders,
    body: Vec<u8>,
}

impl Trial {
    async fn start(password: bool) -> Option<Self> {
        let Some(postgres) = Postgres::start("-c max_connections=200") else {
            testkit::left_out("commits without a standby", "PostgreSQL");
            return None;
        };
        let url = postgres.database();
        let site = Site::on_server(&url, &format!("{url}?connect_timeout=2")).await;
        let served = site.serve();
        let client = site.client(&served);
        let sign =
            || client.signer().unwrap().sign(PATH, client::machine_clock(), &client::random_request_id());
        // The first request also creates a chain of the audit.
        let first = client.send(PATH, &sign(), body("first@example.com", "")).await.unwrap();
        assert_eq!(first.status, 200);
        let signed = sign();
        let password = if password { r#","password":"correct horse battery staple 7""# } else { "" };
        let body = body("ann@example.com", password);
        let trial = Self { postgres, url, _site: site, _served: served, client, signed, body };
        Some(trial)
    }

    /// Changes a setting, which holds after a restart.
    fn restart(&self, setting: Option<&str>) {
        if let Some(setting) = setting {
            self.postgres.execute(&self.url, setting);
        }
        self.postgres.kill();
        self.postgres.start_again();
    }

    /// Sends the request. Gives the response's status, and whether it says that the outcome is not known.
    async fn send(&self) -> (u16, bool) {
        let answer = self.client.send(PATH, &self.signed, self.body.clone()).await.unwrap();
        assert_eq!(answer.header("retry-after").is_some(), answer.status == 503);
        let text = String::from_utf8(answer.body).unwrap();
        println!("{} {text}", answer.status);
        (answer.status, text.contains("may or may not"))
    }

    fn users(&self) -> String {
        let sql = "SELECT count(*) FROM users WHERE address_key = 'example.com@ann'";
        self.postgres.execute(&self.url, sql).trim().to_owned()
    }
}

fn body(address: &str, more: &str) -> Vec<u8> {
    format!(r#"{{"data":[{{"emailAddress":"{address}"{more}}}]}}"#).into_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_request_waits_for_the_standby_after_a_restart_of_the_database() {
    for password in [true, false] {
        let Some(trial) = Trial::start(password).await else { return };
        trial.restart(Some(WAIT));
        assert_eq!(trial.send().await, (503, true));
        trial.restart(None);
        // Now others see the commit.
        assert_eq!(trial.users(), "1");
        assert_eq!(trial.send().await, (503, true), "with a password: {password}");
        trial.restart(Some(WAIT_NO_MORE));
        assert_eq!(trial.send().await, (200, false));
        assert_eq!(trial.users(), "1");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_wait_for_the_standby_is_no_acknowledgement() {
    let Some(trial) = Trial::start(false).await else { return };
    trial.restart(Some(WAIT));
    let cancel = async {
        // Each is ended as soon as it waits, also that of the second attempt.
        while trial.users() == "0" {
            trial.postgres.execute(&trial.url, CANCEL);
            tokio::task::yield_now().await;
        }
    };
    let (sent, ()) = tokio::join!(trial.send(), cancel);
    assert_eq!(sent, (503, true));
    trial.restart(Some(WAIT_NO_MORE));
    assert_eq!(trial.send().await, (200, false));
    assert_eq!(trial.users(), "1");
}
