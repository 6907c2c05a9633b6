//! Secrets stay secret: a password and keys that would be recognised anywhere are looked for everywhere the server
//! writes. A separate process, because the log is global to the process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod log;

use std::os::unix::fs::PermissionsExt as _;

use argon2::{Argon2, PasswordVerifier};
use matricula_server as server;
use matricula_server::config::Passwords;
use testkit::{TestApplication, TestServer};
use wire::create_user::PATH;

use log::Log;

const PASSWORD: &str = "Canary-pass7word-Zq";
const WEAK: &str = "canaryweak";
const HASH: &str = "{SSHA}xbu/hyepfYZYuDIvR4qphodRH2IBAgMEBQYHCA==";
const NO_HASH: &str = "$canary$no-hash";
const NEW: &str = "Canary-new8password-Xw";

#[tokio::test]
async fn secrets_are_found_nowhere() {
    let log = Log::default();
    // Every level: what is not logged by default must not be in the log either.
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(log.clone())
        .init();
    let server =
        TestServer::start_with(|config| config.passwords = Passwords { queue: 2, ..Passwords::default() })
            .await;
    let administrator = server.administrator();
    let keys = administrator.keys().clone();
    let user = |address: &str| format!(r#"{{"data":[{{"emailAddress":"{address}"}}]}}"#);
    let with = |address: &str, password: &str| {
        format!(r#"{{"data":[{{"emailAddress":"{address}","password":"{password}"}}]}}"#)
    };
    let (good, taken) = (with("ann@example.com", PASSWORD), with("ANN@example.com", PASSWORD));
    let (foreign, weak) = (with("a@elsewhere.example", PASSWORD), with("b@example.com", WEAK));
    let broken = good.replace("}]}", "}");
    let python = good.replace('"', "'");
    let unquoted = good.replace(&format!("\"{PASSWORD}\""), PASSWORD);
    let latin = [good.replace("ann@", "lat@").as_bytes(), b" \xff"].concat();
    let misplaced = format!(
        r#"{{"data":[{{"emailAddress":"no address","userPassword":"{PASSWORD}","password":["{PASSWORD}"]}}]}}"#
    );
    let many = format!(
        r#"{{"data":[{}]}}"#,
        vec![format!(r#"{{"emailAddress":"m@example.com","password":"{PASSWORD}"}}"#); 3].join(",")
    );

    let mut answers = Vec::new();
    for body in [
        good.as_bytes(),
        taken.as_bytes(),
        foreign.as_bytes(),
        weak.as_bytes(),
        broken.as_bytes(),
        python.as_bytes(),
        unquoted.as_bytes(),
        &latin,
        many.as_bytes(),
    ] {
        for caller in [server.administrator(), server.administrator_without_permission(), server.stranger()] {
            answers.push(caller.create(body).await.to_string());
        }
    }
    // Who only asks, and who has a hash: one that is taken, and one that is none.
    let hashed = |address: &str, hash: &str| {
        good.replace("ann@", address).replace("password", "passwordHash").replace(PASSWORD, hash)
    };
    for body in [good.clone(), weak.clone(), hashed("eve@", HASH), hashed("eve@", NO_HASH)] {
        answers.push(administrator.post("/api/user/check-user", body).await.to_string());
    }
    for hash in [NO_HASH, HASH] {
        answers.push(administrator.create(hashed("eve@", hash)).await.to_string());
    }
    assert!(answers.iter().any(|answer| answer.contains("err_password_hash")), "the hash was looked into");
    let kept = server.admin().user("eve@example.com").await.unwrap().password.unwrap();
    assert_eq!(kept.expose(), HASH);
    // The query and the headers may hold anything too.
    let mut signed = administrator.signed(PATH);
    answers.push(
        administrator.send(&format!("/api/x?password={PASSWORD}"), &signed, good.clone()).await.to_string(),
    );
    signed.authorization = format!("MC {}:{}", keys.access_key, keys.secret_key);
    answers.push(administrator.send(PATH, &signed, good.clone()).await.to_string());
    assert!(answers.iter().any(|answer| answer.contains("err_password_policy")), "the weak one was judged");
    assert!(answers.iter().any(|answer| answer.contains("err_xdk_unavailable")), "the gate was full");
    assert!(answers.iter().any(|answer| answer.contains("err_deserialise")), "a body was not read");
    let shown = administrator.create(misplaced).await.to_string();
    assert!(shown.contains("no address") && !shown.contains("userPassword"), "{shown}");
    answers.push(shown);

    // The secret of an application, in its place and where it does not belong.
    let application = server.application("Super Administrator", &server::admin::products()).await;
    let token = server.token(&application).await;
    let misplaced = TestApplication { client_id: application.client_secret.clone(), ..application.clone() };
    answers.push(server.unsigned("/oauth/token", misplaced.form()).await.to_string());
    answers.push(server.post_as(&token, PATH, user("late@example.com")).await.to_string());

    let stored = server.admin().user("ann@example.com").await.unwrap().password.unwrap();
    assert!(stored.expose().starts_with("$argon2id$v=19$m=7168,t=5,p=1$"), "{}", stored.expose());
    Argon2::default().verify_password(PASSWORD.as_bytes(), stored.expose()).unwrap();
    assert!(Argon2::default().verify_password(WEAK.as_bytes(), stored.expose()).is_err());
    // Where no key is known yet: right, wrong, in the wrong place, in a header that can't be read.
    let login = server.log_in("ann@example.com", PASSWORD).await;
    let issued = server.logged_in(&login).keys().secret_key.clone();
    for (user, password) in [("ann@example.com", WEAK), (PASSWORD, WEAK), ("nobody@example.com", PASSWORD)] {
        answers.push(server.log_in(user, password).await.to_string());
    }
    let app_id = ("x-mc-app-id".to_owned(), keys.app_id.clone().into_bytes());
    for value in [
        format!("Basic ann@example.com:{PASSWORD}"),
        format!("Basic-Cloud {PASSWORD}"),
        testkit::basic("Basic-AD", "ann@example.com", PASSWORD),
    ] {
        let headers = [app_id.clone(), ("authorization".to_owned(), value.into_bytes())];
        answers.push(server.raw("/api/login/login", &headers, "").await.to_string());
    }
    answers.push(server.change_password("ann@example.com", PASSWORD, WEAK).await.to_string());
    let changed = server.change_password("ann@example.com", PASSWORD, NEW).await;
    assert_eq!(changed.rows(), 1, "{changed}");
    answers.push(changed.to_string());
    for password in [PASSWORD, WEAK] {
        let item =
            serde_json::json!([{"emailAddress": "ann@example.com", "password": password, "name": "\u{7}"}]);
        answers.push(administrator.call("/api/user/update-user", item).await.to_string());
    }
    // The console: what is shown once is on no page afterwards, and nowhere kept.
    let mut browser = server.browser();
    for (address, password) in [("ann@example.com", PASSWORD), (PASSWORD, NEW)] {
        // What was typed into the field for the address is the person's own to see again.
        assert_eq!(browser.sign_in(address, password).await.status, 422);
    }
    assert_eq!(browser.sign_in("admin@example.com", testkit::PASSWORD).await.status, 303);
    let session = browser.cookie.clone().unwrap().split_once('=').unwrap().1.to_owned();
    let form = browser.token().await;
    let path = |below: &str| format!("/console/{}{below}", testkit::ACCOUNT);
    let text = |page: &str, id: &str| {
        let shown = page.split(&format!("<code id=\"{id}\">")).nth(1).unwrap();
        shown.split('<').next().unwrap().to_owned()
    };
    let new = [("address", "bob@example.com"), ("how", "generate")];
    let once = text(&browser.post(&path("/users/new"), &new).await.body, "password");
    let typed = [("address", "cid@example.com"), ("how", "type"), ("password", WEAK)];
    answers.push(browser.post(&path("/users/new"), &typed).await.to_string());
    let registered = browser.post(&path("/applications"), &[("name", "Canary")]).await;
    let (app_id, app_key) = (text(&registered.body, "app-id"), text(&registered.body, "app-key"));
    let keys_of = path(&format!("/applications/{app_id}/keys"));
    let pair = browser.post(&keys_of, &[("address", "admin@example.com")]).await;
    let secret_key = text(&pair.body, "secret-key").replace("&#43;", "+");
    for page in ["", "/users", "/applications", &format!("/applications/{app_id}"), "/audit", "/audit.jsonl"]
    {
        answers.push(browser.get(&path(page)).await.to_string());
    }
    // In a file that somebody gives to the console.
    let file = format!("email,password\nfile@example.com,{PASSWORD}\nweak@example.com,{WEAK}\n,{PASSWORD}\n");
    let import = browser.upload(&path("/import"), "users.csv", file.as_bytes()).await;
    let import = import.header("location").unwrap().to_owned();
    answers.push(browser.get(&format!("{import}/events")).await.to_string());
    answers.push(browser.post(&format!("{import}/start"), &[]).await.to_string());
    for page in ["/events", "", "/result.csv"] {
        answers.push(browser.get(&format!("{import}{page}")).await.to_string());
    }
    assert!(server.admin().user("file@example.com").await.is_ok(), "the file was imported");
    let audit = format!("{:?}", server.admin().audit().await.unwrap());

    for file in std::fs::read_dir(server.folder()).unwrap().map(Result::unwrap) {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "others can read {:?}", file.file_name());
    }
    let files = std::fs::read_dir(server.folder()).unwrap();
    let files: Vec<u8> = files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    let log = log.take().into_bytes();
    let holds = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds(&log, "ann@example.com") || holds(&log, "admin@example.com"), "the log is looked into");
    assert!(holds(&files, "ann@example.com"), "the database is looked into");
    assert!(audit.contains("ann@example.com"), "the audit is looked into");
    for secret in [
        PASSWORD,
        WEAK,
        NEW,
        NO_HASH,
        &keys.secret_key,
        &keys.app_key,
        &issued,
        &application.client_secret,
        &token,
        &session,
        &once,
        &app_key,
        &secret_key,
    ] {
        assert!(!holds(&log, secret), "{secret} is in the log");
        assert!(!holds(&files, secret), "{secret} is in the database");
        assert!(!audit.contains(secret), "{secret} is in the audit");
        assert!(!answers.iter().any(|answer| answer.contains(secret)), "{secret} is in an answer");
    }
    // A form's token is on pages, and only there.
    assert!(!holds(&log, &form) && !holds(&files, &form), "the form's token is kept");
    for hash in [stored.expose(), HASH] {
        assert!(!holds(&log, hash) && !audit.contains(hash), "the hash is in the log or the audit");
        assert!(!answers.iter().any(|answer| answer.contains(hash)), "the hash is in an answer");
    }
}
