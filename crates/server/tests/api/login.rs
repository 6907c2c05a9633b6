//! Login as clients see it: one answer for everything that is wrong, lockout, lives and limits of key pairs.

use jiff::SignedDuration;
use rstest::rstest;
use serde_json::{Value, json};
use testkit::{ACCOUNT, PASSWORD, TestServer};

const ADMIN: &str = "admin@example.com";

#[tokio::test]
async fn whatever_is_wrong_the_answer_is_the_same() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    for (address, item) in [
        ("locked@example.com", json!({"accountLocked": true})),
        ("disabled@example.com", json!({"accountDisabled": true})),
        ("none@example.com", json!({})),
        ("purged@example.com", json!({})),
    ] {
        let password = if address.starts_with("none") { Value::Null } else { PASSWORD.into() };
        administrator
            .call("/api/user/create-user", json!([{"emailAddress": address, "password": password}]))
            .await;
        let mut item = item;
        item["emailAddress"] = address.into();
        assert_eq!(administrator.call("/api/user/update-user", json!([item])).await.rows(), 1);
    }
    let purge = json!([{"emailAddresses": ["purged@example.com"]}]);
    assert_eq!(administrator.call("/api/user/add-to-purge-list", purge).await.rows(), 1);
    administrator
        .call("/api/user/update-alias", json!([{"aliasFor": ADMIN, "alias": "alias@example.com"}]))
        .await;
    let first = server.log_in(ADMIN, "wrong").await;
    assert_eq!((first.status, first.codes()), (401, vec!["err_login_refused".to_owned()]));
    for (user, password) in [
        ("nobody@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("locked@example.com", PASSWORD),
        ("disabled@example.com", PASSWORD),
        ("purged@example.com", PASSWORD),
        ("alias@example.com", PASSWORD),
        ("none@example.com", "None"),
        ("none@example.com", " "),
    ] {
        let answer = server.log_in(user, password).await;
        assert_eq!((answer.status, &answer.body), (401, &first.body), "{user}");
        let change = server.change_password(user, password, "Another good one 7!").await;
        assert_eq!((change.status, &change.body), (401, &first.body), "{user}");
    }
    // What was typed where the address belongs may be a password: the audit does not keep it.
    let events = server.admin().audit().await.unwrap();
    assert!(events.iter().all(|event| event.target != "no address"));
}

#[tokio::test]
async fn five_wrong_passwords_lock_a_user_out_however_many_come_at_once() {
    let server = TestServer::start().await;
    let guesses = (0..20).map(|n| {
        let server = &server;
        async move { server.log_in(ADMIN, &format!("guess {n}")).await.status }
    });
    let statuses = futures_util::future::join_all(guesses).await;
    assert!(statuses.iter().all(|status| *status == 401));
    assert_eq!(server.log_in(ADMIN, PASSWORD).await.status, 401, "locked out, also with the right one");
    let events = server.admin().audit().await.unwrap();
    let wrong = events.iter().filter(|event| event.detail.starts_with("wrong password")).count();
    assert_eq!(wrong, 5, "no more than five were compared");
    let state = server.partner().call("/api/user/update-user", json!([{"emailAddress": ADMIN}])).await;
    assert_eq!(state.json()["data"][0]["accountLocked"], true);
    // The keys that are there still work: a stranger who guesses must not stop an integration.
    assert_eq!(server.administrator().call("/api/account/get-account", json!([])).await.rows(), 1);
    server.clock().advance(SignedDuration::from_mins(15));
    assert_eq!(server.log_in(ADMIN, PASSWORD).await.rows(), 1);
}

#[tokio::test]
async fn an_administrator_ends_a_lockout() {
    let server = TestServer::start().await;
    server
        .administrator()
        .call("/api/user/create-user", json!([{"emailAddress": "ann@example.com", "password": PASSWORD}]))
        .await;
    for _ in 0..5 {
        server.log_in("ann@example.com", "wrong").await;
    }
    assert_eq!(server.log_in("ann@example.com", PASSWORD).await.status, 401);
    let unlock = json!([{"emailAddress": "ann@example.com", "accountLocked": false}]);
    assert_eq!(
        server.administrator().call("/api/user/update-user", unlock).await.json()["data"][0]["accountLocked"],
        false
    );
    assert_eq!(server.log_in("ann@example.com", PASSWORD).await.rows(), 1);
}

#[tokio::test]
async fn a_login_is_written_as_clients_write_it() {
    let server = TestServer::start().await;
    let app_id = server.administrator().keys().app_id.clone();
    let credentials = testkit::basic("", ADMIN, PASSWORD);
    let cases: [(String, &str, &str); 6] = [
        (format!("Basic-Cloud{credentials}"), &app_id, r#"{"data":[{"userName":"admin@example.com"}]}"#),
        (
            format!("basic-cloud  {}", credentials.trim()),
            &app_id.to_uppercase(),
            r#"{"data":[{"username":"ADMIN@example.com"}]}"#,
        ),
        (format!("Basic-Cloud{credentials}"), &app_id, r#"{'data': [{'userName': 'admin@example.com'}]}"#),
        (
            format!("Basic-Cloud{credentials}"),
            &app_id,
            r#"{"data":[{"userName":"admin@example.com","accessKey":null}]}"#,
        ),
        (format!("Basic-Cloud{credentials}"), &app_id, r#"{"data":[]}"#),
        (format!("Basic-Cloud{credentials}"), &app_id, ""),
    ];
    for (authorization, app_id, body) in cases {
        let headers = [
            ("X-MC-App-Id".to_owned(), app_id.as_bytes().to_vec()),
            ("Authorization".to_owned(), authorization.into_bytes()),
        ];
        let login = server.raw("/api/login/login", &headers, body).await;
        assert_eq!((login.status, login.rows()), (200, 1), "{body}: {login}");
        assert_eq!(server.logged_in(&login).call("/api/account/get-account", json!([])).await.rows(), 1);
    }
    let other = server
        .with_password("/api/login/login", &app_id, ADMIN, PASSWORD, json!({"userName": "x@example.com"}))
        .await;
    assert_eq!(other.codes(), ["err_validation_value"]);
}

#[tokio::test]
async fn key_pairs_live_as_long_as_the_profile_says_and_are_as_many_as_it_allows() {
    let server = TestServer::start().await;
    let admin = server.admin();
    admin.add_profile(ACCOUNT, "Service", None, 2).await.unwrap();
    admin.add_profile(ACCOUNT, "Short", Some(1), 10).await.unwrap();
    admin.assign_profile(ACCOUNT, Some("Short"), None).await.unwrap();
    let hour = server.log_in(ADMIN, PASSWORD).await;
    assert_eq!(hour.json()["data"][0]["duration"], 3_600_000);
    let caller = server.logged_in(&hour);
    server.clock().advance(SignedDuration::from_mins(59));
    assert_eq!(caller.call("/api/account/get-account", json!([])).await.status, 200);
    server.clock().advance(SignedDuration::from_mins(1));
    assert_eq!(caller.call("/api/account/get-account", json!([])).await.status, 418);

    admin.assign_profile(ACCOUNT, Some("Service"), Some(ADMIN)).await.unwrap();
    // The administrator has one pair that never expires from the start.
    assert_eq!(server.administrator().call("/api/account/get-account", json!([])).await.status, 200);
    let forever = server.log_in(ADMIN, PASSWORD).await;
    assert_eq!(forever.json()["data"][0].get("duration"), None, "{forever}");
    assert_eq!(server.logged_in(&forever).call("/api/account/get-account", json!([])).await.status, 200);
    let full = server.log_in(ADMIN, PASSWORD).await;
    assert_eq!((full.status, full.codes()), (200, vec!["err_binding_limit".to_owned()]));
    let caller = server.logged_in(&forever);
    server.clock().advance(SignedDuration::from_hours(24 * 365));
    assert_eq!(caller.call("/api/account/get-account", json!([])).await.status, 200);

    // To log out makes room, also with a form as its body.
    let out = caller.post("/api/login/logout", "accessKey=something").await;
    assert_eq!((out.status, out.rows()), (200, 1), "{out}");
    assert_eq!(caller.call("/api/account/get-account", json!([])).await.status, 401);
    assert_eq!(server.log_in(ADMIN, PASSWORD).await.rows(), 1);
}

#[tokio::test]
async fn a_login_whose_answers_are_lost_takes_the_place_of_what_was_never_used() {
    let server = TestServer::start().await;
    let used = server.logged_in(&server.log_in(ADMIN, PASSWORD).await);
    let works = async |caller: &testkit::TestCaller| {
        caller.call("/api/account/get-account", json!([])).await.status == 200
    };
    assert!(works(&used).await && works(&server.administrator()).await);
    let mut pairs = Vec::new();
    for _ in 0..30 {
        let answer = server.log_in(ADMIN, PASSWORD).await;
        assert_eq!((answer.status, answer.rows()), (200, 1), "{answer}");
        server.clock().advance(SignedDuration::from_secs(1));
        pairs.push(server.logged_in(&answer));
    }
    assert!(works(&used).await && works(&server.administrator()).await, "what is used stays");
    // Ten are allowed, two of which are used.
    for (number, pair) in pairs.iter().enumerate() {
        assert_eq!(works(pair).await, number >= 22, "pair {number}");
    }
    let events = server.admin().audit().await.unwrap();
    let ended = events.iter().filter(|event| event.detail.contains("which was never used")).count();
    assert_eq!(ended, 22);
}

#[tokio::test]
async fn only_one_s_own_live_pair_is_prolonged_or_ended() {
    let server = TestServer::start().await;
    let app_id = server.administrator().keys().app_id.clone();
    let own = server.logged_in(&server.log_in(ADMIN, PASSWORD).await);
    let prolong = async |access_key: &str, password: &str| {
        let item = json!({"userName": ADMIN, "accessKey": access_key});
        server.with_password("/api/login/login", &app_id, ADMIN, password, item).await
    };
    let partner = server.partner();
    for access_key in [partner.keys().access_key.as_str(), "unknown", "with: colon"] {
        assert_eq!(prolong(access_key, PASSWORD).await.codes(), ["err_binding_not_found"], "{access_key}");
        let out = own.call("/api/login/logout", json!([{"accessKey": access_key}])).await;
        assert_eq!(out.codes(), ["err_binding_not_found"]);
    }
    assert_eq!(prolong(&own.keys().access_key, "wrong").await.status, 401);
    let prolonged = prolong(&own.keys().access_key, PASSWORD).await;
    assert_eq!(prolonged.json()["data"][0]["secretKey"], json!(own.keys().secret_key));
    assert_eq!(partner.call("/api/account/get-account", json!([])).await.rows(), 1);
    let other = server.logged_in(&server.log_in(ADMIN, PASSWORD).await);
    assert_eq!(
        other.call("/api/login/logout", json!([{"accessKey": own.keys().access_key}])).await.rows(),
        1
    );
    assert_eq!(own.call("/api/account/get-account", json!([])).await.status, 401);
    assert_eq!(
        prolong(&own.keys().access_key, PASSWORD).await.codes(),
        ["err_binding_not_found"],
        "ended is ended"
    );
}

#[tokio::test]
async fn a_password_is_changed_by_the_rules_and_ends_every_key_pair() {
    let server = TestServer::start().await;
    server
        .admin()
        .change_policy(ACCOUNT, |policy| {
            policy.history = 3;
            policy.max_age_days = Some(30);
        })
        .await
        .unwrap();
    let caller = server.logged_in(&server.log_in(ADMIN, PASSWORD).await);
    let long = |n: u32| format!("A good password, number {n}");
    for (new, unmet) in [
        (PASSWORD.to_owned(), "differ from the last 3 passwords"),
        ("Zx9!".to_owned(), "have at least 8 characters"),
        ("password1A".to_owned(), "harder to guess"),
        (ADMIN.to_owned(), "differ from the address"),
    ] {
        let refused = server.change_password(ADMIN, PASSWORD, &new).await;
        assert_eq!(refused.codes(), ["err_password_policy"], "{new}");
        assert!(refused.body.contains(unmet) && !refused.body.contains(&new), "{refused}");
    }
    assert_eq!(server.change_password(ADMIN, PASSWORD, " ").await.codes(), ["err_validation_blank"]);
    assert_eq!(caller.call("/api/account/get-account", json!([])).await.rows(), 1, "nothing has changed yet");
    let mut present = PASSWORD.to_owned();
    for n in 1..=3 {
        assert_eq!(server.change_password(ADMIN, &present, &long(n)).await.rows(), 1);
        present = long(n);
    }
    assert_eq!(caller.call("/api/account/get-account", json!([])).await.status, 401);
    assert_eq!(server.administrator().call("/api/account/get-account", json!([])).await.status, 401);
    assert_eq!(server.change_password(ADMIN, &present, &long(1)).await.codes(), ["err_password_policy"]);
    assert_eq!(server.change_password(ADMIN, &present, PASSWORD).await.rows(), 1, "long enough ago");
    server.clock().advance(SignedDuration::from_hours(24 * 30));
    assert_eq!(server.log_in(ADMIN, PASSWORD).await.codes(), ["err_user_password_change_required"]);
}

/// A hash of another cost is replaced as soon as its password is known again.
#[tokio::test]
async fn a_login_brings_the_hash_to_the_cost_of_today() {
    let server = TestServer::start().await;
    let hash = async |server: &TestServer| {
        let user = server.admin().user(ADMIN).await.unwrap();
        user.password.unwrap().expose().to_owned()
    };
    assert!(hash(&server).await.contains("m=8,t=1,p=1"));
    let server = server.restart_with(|config| config.passwords.iterations = 2).await;
    assert_eq!(server.log_in(ADMIN, "wrong").await.status, 401);
    assert!(hash(&server).await.contains("t=1"));
    assert_eq!(server.log_in(ADMIN, PASSWORD).await.rows(), 1);
    assert!(hash(&server).await.contains("m=8,t=2,p=1"));
    assert_eq!(server.log_in(ADMIN, PASSWORD).await.rows(), 1);
}

/// Hashes of `Passwort für Ann 7`: by Python's `hashlib`, and by `crypt` of libxcrypt 4.4.33 with the prefix of LDAP
/// directories. A prefix that only repeats the scheme is not stored.
#[rstest]
#[case("{SSHA}xbu/hyepfYZYuDIvR4qphodRH2IBAgMEBQYHCA==", "{SSHA}xbu/hyepfYZYuDIvR4qphodRH2IBAgMEBQYHCA==")]
#[case(
    "{CRYPT}$5$rounds=1400$anotherlongsalts$4xWnRakjDKBUznKU5c6IOghzU2JCW1CL0ouwndHlfqD",
    "$5$rounds=1400$anotherlongsalts$4xWnRakjDKBUznKU5c6IOghzU2JCW1CL0ouwndHlfqD"
)]
#[tokio::test]
async fn a_password_that_another_directory_hashed_logs_in_and_is_hashed_anew(
    #[case] sent: &str,
    #[case] hash: &str,
) {
    let server = TestServer::start().await;
    let ann = json!([{"emailAddress": "ann@example.com", "passwordHash": sent}]);
    assert_eq!(server.administrator().call("/api/user/create-user", ann).await.rows(), 1);
    let stored = async || server.admin().user("ann@example.com").await.unwrap().password.unwrap();
    assert_eq!(stored().await.expose(), hash);
    assert_eq!(server.log_in("ann@example.com", "Passwort für Ann 8").await.status, 401);
    assert_eq!(stored().await.expose(), hash);
    assert_eq!(server.log_in("ann@example.com", "Passwort für Ann 7").await.status, 200);
    assert!(stored().await.expose().starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
    assert_eq!(server.log_in("ann@example.com", "Passwort für Ann 7").await.status, 200);
}

/// A Mac's file and a Windows keyboard write the same letter in two ways.
#[tokio::test]
async fn a_password_may_be_typed_in_another_form_than_it_was_set() {
    let server = TestServer::start().await;
    let (composed, decomposed) = ("Gr\u{fc}ner Garten 7", "Gru\u{308}ner\u{a0}Garten 7");
    for (address, set) in [("ann@example.com", composed), ("bob@example.com", decomposed)] {
        let user = json!([{"emailAddress": address, "password": set}]);
        assert_eq!(server.administrator().call("/api/user/create-user", user).await.rows(), 1);
        for typed in [composed, decomposed] {
            assert_eq!(server.log_in(address, typed).await.status, 200, "{typed:?}");
        }
        assert_eq!(server.log_in(address, "Gruner Garten 7").await.status, 401);
        let change = server.change_password(address, composed, decomposed).await;
        assert_eq!(change.codes(), ["err_password_policy"], "it is the same password");
    }
    // Another directory hashed the decomposed form, by Python's `hashlib`: the first login replaces the hash.
    let hash = "{SSHA}WpFfcgb8zPMHwZNISA7aiV6qXeEHBwcHBwcHBw==";
    let user = json!([{"emailAddress": "cid@example.com", "passwordHash": hash}]);
    assert_eq!(server.administrator().call("/api/user/create-user", user).await.rows(), 1);
    for (typed, status) in [(composed, 401), (decomposed, 200), (composed, 200), (decomposed, 200)] {
        assert_eq!(server.log_in("cid@example.com", typed).await.status, status, "{typed:?}");
    }
}

/// However a user's password was hashed, and whether there is such a user at all: a refusal takes as long as the slowest of
/// late. Who was there first sets the measure, so it does not matter how fast this machine is.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "how long an answer takes is what is looked at")]
async fn the_time_of_a_refusal_does_not_tell_who_there_is() {
    let server = TestServer::start().await;
    let costly = "$2b$10$abcdefghijklmnopqrstuuv47MR6Xpdm.UeNXdkKd39wWtF5IG6.C";
    let imported = json!([{"emailAddress": "imported@example.com", "passwordHash": costly}]);
    assert_eq!(server.administrator().call("/api/user/create-user", imported).await.rows(), 1);
    assert_eq!(server.log_in("imported@example.com", "wrong").await.status, 401);
    let slowest = server.server().hasher().slowest_refusal();
    assert!(!slowest.is_zero());
    for (address, password) in [("nobody@example.com", "wrong"), ("no address", "wrong"), (ADMIN, "wrong")] {
        let started = std::time::Instant::now();
        assert_eq!(server.log_in(address, password).await.status, 401);
        assert!(started.elapsed() >= slowest, "{address}");
    }
}

/// Many refusals at once wait for each other. That tells nobody whether there is such a user, and does not delay later ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "how long answers take is what is looked at")]
async fn many_refusals_at_once_do_not_tell_who_there_is() {
    // One thread, and hashes that take much longer than all else: the last of forty waits for most of the time.
    let change = |config: &mut server::Config| {
        config.passwords.memory_kib = 7 << 10;
        config.passwords.iterations = 5;
    };
    let server = TestServer::start_with(change).await;
    for address in ["nobody@example.com", ADMIN] {
        let started = std::time::Instant::now();
        let logins = (0..40).map(|_| server.log_in(address, "wrong"));
        for response in futures_util::future::join_all(logins).await {
            assert_eq!(response.status, 401, "{address}");
        }
        let slowest = server.server().hasher().slowest_refusal();
        assert!(!slowest.is_zero(), "every refusal counts, also for {address}");
        assert!(slowest < started.elapsed() / 2, "the wait for the others does not count: {slowest:?}");
    }
}

/// A hash that would take too long to compare is not taken.
#[tokio::test]
async fn a_hash_that_costs_too_much_is_not_imported() {
    let server = TestServer::start().await;
    let hash = "$2b$14$abcdefghijklmnopqrstuuv47MR6Xpdm.UeNXdkKd39wWtF5IG6.C";
    let imported = json!([{"emailAddress": "imported@example.com", "passwordHash": hash}]);
    let refused = server.administrator().call("/api/user/create-user", imported).await;
    assert_eq!(refused.codes(), ["err_password_hash"]);
    assert!(
        refused.body.contains("about 40 times as long") && refused.body.contains("at most 10"),
        "{refused}"
    );
}

/// The reason names the scheme and what to do, and quotes nothing.
#[tokio::test]
async fn a_hash_of_a_refused_scheme_says_what_to_do() {
    let server = TestServer::start().await;
    let hash = "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/";
    let imported = json!([{"emailAddress": "imported@example.com", "passwordHash": hash}]);
    let refused = server.administrator().call("/api/user/create-user", imported).await;
    assert_eq!(refused.codes(), ["err_password_hash"]);
    assert!(
        refused.body.contains("MD5-crypt") && refused.body.contains("Create the user without a password"),
        "{refused}"
    );
    assert!(!refused.body.contains("qjXMvbEw8oaL") && !refused.body.contains("saltsalt"), "{refused}");
}
