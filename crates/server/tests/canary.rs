//! Searches for recognisable passwords and keys in everything that the server writes. A separate process, because the log
//! is global to the process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod log;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use argon2::{Argon2, PasswordVerifier};
use matricula_server as server;
use matricula_server::config::Passwords;
use testkit::{Browser, Response, TestApplication, TestServer};
use wire::create_user::PATH;

use log::Log;

const PASSWORD: &str = "Canary-pass7word-Zq";
const WEAK: &str = "canaryweak";
const HASH: &str = "{SSHA}xbu/hyepfYZYuDIvR4qphodRH2IBAgMEBQYHCA==";
const NO_HASH: &str = "$canary$no-hash";
const NEW: &str = "Canary-new8password-Xw";

fn item(address: &str, password: &str) -> String {
    format!(r#"{{"data":[{{"emailAddress":"{address}","password":"{password}"}}]}}"#)
}

fn hashed(address: &str, hash: &str) -> String {
    item(address, hash).replace("password", "passwordHash")
}

/// A server that gets secrets, its responses, and the secrets that it made.
struct Canary {
    server: TestServer,
    answers: Vec<String>,
    made: Vec<String>,
}

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
    let keys = server.administrator().keys().clone();
    let made = vec![keys.secret_key.clone(), keys.app_key.clone()];
    let mut canary = Canary { server, answers: Vec::new(), made };
    canary.create_users().await;
    canary.send_hashes().await;
    canary.misplace_secrets().await;
    canary.call_as_application().await;
    canary.provision().await;
    let hash = canary.stored_hash().await;
    canary.log_in().await;
    canary.change_password().await;
    let form_token = canary.use_console().await;
    canary.search(&log.take(), &hash, &form_token).await;
}

impl Canary {
    async fn create_users(&mut self) {
        let good = item("ann@example.com", PASSWORD);
        let many = format!(
            r#"{{"data":[{}]}}"#,
            vec![format!(r#"{{"emailAddress":"m@example.com","password":"{PASSWORD}"}}"#); 3].join(",")
        );
        let bodies = [
            good.clone().into_bytes(),
            item("ANN@example.com", PASSWORD).into_bytes(),
            item("a@elsewhere.example", PASSWORD).into_bytes(),
            item("b@example.com", WEAK).into_bytes(),
            good.replace("}]}", "}").into_bytes(),
            good.replace('"', "'").into_bytes(),
            good.replace(&format!("\"{PASSWORD}\""), PASSWORD).into_bytes(),
            [good.replace("ann@", "lat@").as_bytes(), b" \xff"].concat(),
            many.into_bytes(),
        ];
        let server = &self.server;
        for body in bodies {
            for caller in
                [server.administrator(), server.administrator_without_permission(), server.stranger()]
            {
                self.answers.push(caller.create(body.clone()).await.to_string());
            }
        }
        for (code, why) in [
            ("err_password_policy", "the weak one was judged"),
            ("err_xdk_unavailable", "the queue was full"),
            ("err_deserialise", "a body was not read"),
        ] {
            assert!(self.answers.iter().any(|answer| answer.contains(code)), "{why}");
        }
    }

    async fn send_hashes(&mut self) {
        let administrator = self.server.administrator();
        let (valid, invalid) = (hashed("eve@example.com", HASH), hashed("eve@example.com", NO_HASH));
        let bodies =
            [item("ann@example.com", PASSWORD), item("b@example.com", WEAK), valid.clone(), invalid.clone()];
        for body in bodies {
            self.answers.push(administrator.post("/api/user/check-user", body).await.to_string());
        }
        for body in [invalid, valid] {
            self.answers.push(administrator.create(body).await.to_string());
        }
        assert!(self.answers.iter().any(|answer| answer.contains("err_password_hash")), "the hash is judged");
        let stored = self.server.admin().user("eve@example.com").await.unwrap().password.unwrap();
        assert_eq!(stored.expose(), HASH);
    }

    /// Secrets in the query, in a header and in the wrong fields.
    async fn misplace_secrets(&mut self) {
        let administrator = self.server.administrator();
        let good = item("ann@example.com", PASSWORD);
        let mut signed = administrator.signed(PATH);
        let target = format!("/api/x?password={PASSWORD}");
        self.answers.push(administrator.send(&target, &signed, good.clone()).await.to_string());
        let keys = administrator.keys();
        signed.authorization = format!("MC {}:{}", keys.access_key, keys.secret_key);
        self.answers.push(administrator.send(PATH, &signed, good).await.to_string());
        let misplaced = format!(
            r#"{{"data":[{{"emailAddress":"no address","userPassword":"{PASSWORD}","password":["{PASSWORD}"]}}]}}"#
        );
        let shown = administrator.create(misplaced).await.to_string();
        assert!(shown.contains("no address") && !shown.contains("userPassword"), "{shown}");
        self.answers.push(shown);
    }

    /// The secret of an application, in its place and where the id belongs.
    async fn call_as_application(&mut self) {
        let server = &self.server;
        let application = server.application("Super Administrator", &server::admin::products()).await;
        let token = server.token(&application).await;
        let misplaced =
            TestApplication { client_id: application.client_secret.clone(), ..application.clone() };
        self.answers.push(server.unsigned("/oauth/token", misplaced.form()).await.to_string());
        let user = r#"{"data":[{"emailAddress":"late@example.com"}]}"#;
        self.answers.push(server.post_as(&token, PATH, user).await.to_string());
        self.made.extend([application.client_secret, token]);
    }

    /// Passwords by SCIM: where they belong, in a path, in a filter, of the wrong type, and in Bulk.
    async fn provision(&mut self) {
        let server = &self.server;
        let application = server.application("Super Administrator", &["userandgroupmanagement"]).await;
        let (_, token) = server.admin().add_token(&application.client_id, None).await.unwrap();
        let token = secrecy::ExposeSecret::expose_secret(&token).to_owned();
        let headers = testkit::bearer(&token);
        let user = format!(r#"{{"userName":"scim@example.com","password":"{NEW}"}}"#);
        let patch = |operation: &str| format!(r#"{{"Operations":[{operation}]}}"#);
        let created = server.request("POST", "/scim/v2/Users", &headers, user.clone()).await;
        assert_eq!(created.status, 201, "{}", created.body);
        let path = format!("/scim/v2/Users/{}", created.json()["id"].as_str().unwrap());
        self.answers.push(created.to_string());
        for (method, path, body) in [
            ("POST", "/scim/v2/Users", user.replace(NEW, WEAK)),
            ("POST", "/scim/v2/Users", user.replace(&format!("\"{NEW}\""), &format!("[\"{NEW}\"]"))),
            ("PUT", &path, user.clone()),
            ("PATCH", &path, patch(&format!(r#"{{"op":"add","path":"password","value":"{PASSWORD}"}}"#))),
            (
                "PATCH",
                &path,
                patch(&format!(r#"{{"op":"add","path":"password","value":{{"x":"{PASSWORD}"}}}}"#)),
            ),
            ("PATCH", &path, patch(&format!(r#"{{"op":"add","value":{{"password":"{PASSWORD}"}}}}"#))),
            ("POST", "/scim/v2/Users/.search", format!(r#"{{"filter":"password eq \"{PASSWORD}\""}}"#)),
            ("GET", &format!("/scim/v2/Users?filter=password%20eq%20%22{PASSWORD}%22"), String::new()),
            (
                "POST",
                "/scim/v2/Bulk",
                patch(&format!(r#"{{"method":"POST","path":"/Users","data":{user}}}"#)),
            ),
        ] {
            self.answers.push(server.request(method, path, &headers, body).await.to_string());
        }
        self.made.push(token);
    }

    /// The hash that the server made of the password.
    async fn stored_hash(&self) -> String {
        let stored = self.server.admin().user("ann@example.com").await.unwrap().password.unwrap();
        let hash = stored.expose();
        assert!(hash.starts_with("$argon2id$v=19$m=7168,t=5,p=1$"), "{hash}");
        Argon2::default().verify_password(PASSWORD.as_bytes(), hash).unwrap();
        assert!(Argon2::default().verify_password(WEAK.as_bytes(), hash).is_err());
        hash.to_owned()
    }

    /// Passwords that are right, wrong, in the wrong place, and in a malformed header.
    async fn log_in(&mut self) {
        let server = &self.server;
        let login = server.log_in("ann@example.com", PASSWORD).await;
        self.made.push(server.logged_in(&login).keys().secret_key.clone());
        for (user, password) in
            [("ann@example.com", WEAK), (PASSWORD, WEAK), ("nobody@example.com", PASSWORD)]
        {
            self.answers.push(server.log_in(user, password).await.to_string());
        }
        let app_id = server.administrator().keys().app_id.clone();
        for value in [
            format!("Basic ann@example.com:{PASSWORD}"),
            format!("Basic-Cloud {PASSWORD}"),
            testkit::basic("Basic-AD", "ann@example.com", PASSWORD),
        ] {
            let headers = [("x-mc-app-id", app_id.clone()), ("authorization", value)];
            let headers = headers.map(|(name, value)| (name.to_owned(), value.into_bytes()));
            self.answers.push(server.raw("/api/login/login", &headers, "").await.to_string());
        }
    }

    async fn change_password(&mut self) {
        let server = &self.server;
        self.answers.push(server.change_password("ann@example.com", PASSWORD, WEAK).await.to_string());
        let changed = server.change_password("ann@example.com", PASSWORD, NEW).await;
        assert_eq!(changed.rows(), 1, "{changed}");
        self.answers.push(changed.to_string());
        for password in [PASSWORD, WEAK] {
            let item = serde_json::json!([{"emailAddress": "ann@example.com", "password": password, "name": "\u{7}"}]);
            let answer = server.administrator().call("/api/user/update-user", item).await;
            self.answers.push(answer.to_string());
        }
    }

    /// The console shows a secret once, and never again. Returns the token of its forms.
    async fn use_console(&mut self) -> String {
        let Self { server, answers, made } = self;
        let mut browser = server.browser();
        for (address, password) in [("ann@example.com", PASSWORD), (PASSWORD, NEW)] {
            // The form shows the typed address again, so this answer is not searched.
            assert_eq!(browser.sign_in(address, password).await.status, 422);
        }
        assert_eq!(browser.sign_in("admin@example.com", testkit::PASSWORD).await.status, 303);
        made.push(browser.cookie.clone().unwrap().split_once('=').unwrap().1.to_owned());
        let form_token = browser.token().await;
        let new = [("address", "bob@example.com"), ("how", "generate")];
        made.push(code_text(&browser.post(&console("/users/new"), &new).await, "password"));
        let typed = [("address", "cid@example.com"), ("how", "type"), ("password", WEAK)];
        answers.push(browser.post(&console("/users/new"), &typed).await.to_string());
        let registered = browser.post(&console("/applications"), &[("name", "Canary")]).await;
        made.push(code_text(&registered, "app-key"));
        let application = format!("/applications/{}", code_text(&registered, "app-id"));
        let keys = console(&format!("{application}/keys"));
        let pair = browser.post(&keys, &[("address", "admin@example.com")]).await;
        made.push(code_text(&pair, "secret-key").replace("&#43;", "+"));
        let client = register_client(&mut browser, made).await;
        for page in ["", "/users", "/applications", &application, &client, "/audit", "/audit.jsonl"] {
            answers.push(browser.get(&console(page)).await.to_string());
        }
        import_file(&mut browser, answers).await;
        assert!(server.admin().user("file@example.com").await.is_ok(), "the file was imported");
        form_token
    }

    /// Searches everything that the server wrote.
    async fn search(self, log: &str, stored_hash: &str, form_token: &str) {
        let audit = format!("{:?}", self.server.admin().audit().await.unwrap());
        let files = private_files(self.server.folder());
        let in_files = |text: &str| files.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(log.contains("ann@example.com") || log.contains("admin@example.com"), "the log is searched");
        assert!(in_files("ann@example.com"), "the database is searched");
        assert!(audit.contains("ann@example.com"), "the audit is searched");
        let in_answers = |text: &str| self.answers.iter().any(|answer| answer.contains(text));
        for secret in self.made.iter().map(String::as_str).chain([PASSWORD, WEAK, NEW, NO_HASH]) {
            assert!(!log.contains(secret), "{secret} is in the log");
            assert!(!in_files(secret), "{secret} is in the database");
            assert!(!audit.contains(secret), "{secret} is in the audit");
            assert!(!in_answers(secret), "{secret} is in an answer");
        }
        // The token of a form is on pages, and only there.
        assert!(!log.contains(form_token) && !in_files(form_token), "the form's token is kept");
        for hash in [stored_hash, HASH] {
            assert!(!log.contains(hash) && !audit.contains(hash), "the hash is in the log or the audit");
            assert!(!in_answers(hash), "the hash is in an answer");
        }
    }
}

fn console(below: &str) -> String {
    format!("/console/{}{below}", testkit::ACCOUNT)
}

/// The text of the `<code>` element with this id.
fn code_text(page: &Response, id: &str) -> String {
    let shown = page.body.split(&format!("<code id=\"{id}\">")).nth(1).unwrap();
    shown.split('<').next().unwrap().to_owned()
}

/// Registers an application of API 2.0 with a token. Returns the path of its page.
async fn register_client(browser: &mut Browser<'_>, made: &mut Vec<String>) -> String {
    let list = browser.get(&console("/applications")).await.body;
    let role =
        list.split("<select name=\"role\"><option value=\"").nth(1).unwrap().split('"').next().unwrap();
    let form = [("name", "Canary"), ("role", role), ("product", "userandgroupmanagement")];
    let registered = browser.post(&console("/clients"), &form).await;
    made.push(code_text(&registered, "client-secret"));
    let path = format!("/clients/{}", code_text(&registered, "client-id"));
    let issued = browser.post(&console(&format!("{path}/tokens")), &[("days", "30")]).await;
    made.push(code_text(&issued, "scim-token"));
    path
}

async fn import_file(browser: &mut Browser<'_>, answers: &mut Vec<String>) {
    let file = format!("email,password\nfile@example.com,{PASSWORD}\nweak@example.com,{WEAK}\n,{PASSWORD}\n");
    let import = browser.upload(&console("/import"), "users.csv", file.as_bytes()).await;
    let import = import.header("location").unwrap().to_owned();
    answers.push(browser.get(&format!("{import}/events")).await.to_string());
    answers.push(browser.post(&format!("{import}/start"), &[]).await.to_string());
    for page in ["/events", "", "/result.csv"] {
        answers.push(browser.get(&format!("{import}{page}")).await.to_string());
    }
}

/// The content of all files of a folder, which nobody else may read.
fn private_files(folder: &Path) -> Vec<u8> {
    let mut content = Vec::new();
    for file in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "others can read {:?}", file.file_name());
        content.extend(std::fs::read(file.path()).unwrap());
    }
    content
}
