//! The request journal: list, access and replay.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use playground::sandbox::Sandbox;
use server::System;
use testkit::client::{Keys, Signer, machine_clock, random_request_id};
use testkit::{Browser, PASSWORD, Response, TestServer};
use tokio::sync::oneshot;

use crate::{administrator, location, path, user};

const CREATE: &str = "/api/user/create-user";
const PROBE: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'{{7*7}}";

fn entry(number: u64) -> String {
    path(&format!("/journal/{number}"))
}

async fn replay(browser: &mut Browser<'_>, number: u64, how: &str) -> Response {
    let sent = browser.post(&format!("{}/replay", entry(number)), &[("how", how)]).await;
    browser.get(&location(&sent)).await
}

#[tokio::test]
async fn requests_are_listed_found_and_shown_as_received() {
    let server = TestServer::start().await;
    server.control();
    let (caller, mut browser) = (server.administrator(), administrator(&server).await);
    assert!(browser.get(&path("/journal")).await.body.contains("No request yet"));
    caller.create(user("ann@example.com")).await;
    caller.create("no body").await;
    caller.create(user("ann@elsewhere.example")).await;
    server.create_by(&caller, PROBE, &user(PROBE)).await;
    server.get_with("/api/%3Cscript%3E?a='%22b", &[("x-odd".to_owned(), PROBE.into())]).await;

    let mut numbers = async |query: &str| {
        let page = browser.get(&path(&format!("/journal?{query}"))).await.body;
        assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{page}");
        let links = page.split("href=\"/console/CTEST00001/journal/").skip(1);
        links.map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect::<Vec<u64>>()
    };
    assert_eq!(numbers("").await, [5, 4, 3, 2, 1]);
    assert_eq!(numbers("before=3").await, [2, 1]);
    assert_eq!(numbers("status=4").await, [5, 4, 2]);
    assert_eq!(numbers("q=ELSEWHERE").await, [3]);
    assert_eq!(numbers("path=/api/user/create-user&status=2").await, [3, 1]);
    assert_eq!(numbers("code=err_xdk_operation_forbidden_for_address").await, [3]);
    assert_eq!(numbers("code=err_deserialise").await, [4, 2]);
    assert!(numbers("q=nothing+of+the+kind").await.is_empty());

    // A fragment with the list alone, for the search while typing.
    let cookie = browser.cookie.clone().unwrap().into_bytes();
    let headers = [("cookie".to_owned(), cookie), ("hx-request".to_owned(), b"true".to_vec())];
    let part = server.get_with(&path("/journal?q=elsewhere"), &headers).await.body;
    assert!(part.contains("/journal/3\"") && !part.contains("<html"), "{part}");

    let shown = browser.get(&entry(1)).await.body;
    for part in
        ["POST /api/user/create-user", "admin@example.com", "x-mc-req-id: ", "curl -i -g --path-as-is"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(shown.contains("&#34;status&#34;: 200\n"), "the answer is laid out: {shown}");
    let refused = browser.get(&entry(2)).await.body;
    assert!(refused.contains("The body cannot be read, not even leniently."), "{refused}");
    for number in [4, 5] {
        let shown = browser.get(&entry(number)).await.body;
        assert!(!shown.contains("<script>alert") && !shown.contains("<img src=x"), "{shown}");
        assert!(shown.contains("&#60;script&#62;alert(1)&#60;/script&#62;"), "{shown}");
    }
    for missing in ["6", "0", "x", "-1", "99999999999999999999"] {
        assert_eq!(browser.get(&path(&format!("/journal/{missing}"))).await.status, 404);
    }
}

#[tokio::test]
async fn a_list_goes_on_where_it_stopped() {
    let server = TestServer::start_with(|config| config.quota.enabled = false).await;
    server.control();
    for _ in 0..101 {
        server.administrator().create("").await;
    }
    let mut browser = administrator(&server).await;
    let page = browser.get(&path("/journal?q=deserialise&status=4")).await;
    let next = crate::link(&page, "Older");
    assert!(next.ends_with("?q=deserialise&status=4&before=2"), "{next}");
    let page = browser.get(&next).await.body;
    assert!(page.contains("/journal/1\"") && !page.contains("/journal/2\""), "{page}");
}

#[tokio::test]
async fn a_request_is_replayed_as_received_or_signed_again() {
    let server = TestServer::start().await;
    server.control();
    let (caller, mut browser) = (server.administrator(), administrator(&server).await);
    let total = async || {
        let accounts = server.admin().accounts().await.unwrap();
        let account = accounts.into_iter().find(|one| one.code.as_str() == testkit::ACCOUNT).unwrap().id;
        server.server().telemetry().series(account, None, server::telemetry::Span::Hour).total.requests
    };
    caller.create(user("ann@example.com")).await;
    assert_eq!(total().await, 1);
    // The request id is known: the stored response is returned.
    let again = replay(&mut browser, 1, "received").await;
    assert!(again.body.contains("<h1>Request 2</h1>") && again.body.contains("Sent again"), "{again}");
    let answer = |number| server.server().journal().unwrap().find(&Default::default(), number).unwrap();
    assert_eq!((answer(1).answer, answer(1).headers), (answer(2).answer, answer(2).headers));
    // With a new request id the user already exists.
    let again = replay(&mut browser, 1, "signed-again").await;
    assert!(again.body.contains("err_user_already_exists"), "{again}");
    assert_eq!(total().await, 3);
    // A request with a wrong signature is valid after it is signed again.
    let mut signed = caller.signed("/api/another");
    caller.send(CREATE, &signed, user("bob@example.com")).await;
    assert_eq!(answer(4).code, Some("err_xdk_invalid_signature"));
    assert!(replay(&mut browser, 4, "received").await.body.contains("err_xdk_invalid_signature"));
    let again = replay(&mut browser, 4, "signed-again").await;
    assert!(again.body.contains("<h1>Request 6</h1>") && again.body.contains("bob@example.com"), "{again}");
    assert!(server.admin().user("bob@example.com").await.is_ok());
    // So is one with an unknown application id.
    signed = caller.signed(CREATE);
    signed.app_id = "nobody's".to_owned();
    caller.send(CREATE, &signed, user("cid@example.com")).await;
    replay(&mut browser, 7, "signed-again").await;
    assert!(server.admin().user("cid@example.com").await.is_ok());
    // Without keys no signature is offered or possible.
    server.get("/api/nothing").await;
    let page = browser.get(&entry(9)).await.body;
    assert!(page.contains("As received") && !page.contains("value=\"signed-again\""), "{page}");
    for how in ["signed-again", "", "otherwise"] {
        let refused = browser.post(&format!("{}/replay", entry(9)), &[("how", how)]).await;
        assert_eq!(refused.status, 422, "{refused}");
        assert!(refused.body.contains("It was not sent"), "{refused}");
    }
    assert_eq!(server.server().journal().unwrap().entries().len(), 9);
}

/// A client that is refused before it sends its body keeps it, and the journal does not ask for it.
#[tokio::test]
async fn a_body_that_was_not_sent_is_not_made_up() {
    let server = TestServer::start().await;
    server.control();
    let mut connection = server.connect().await;
    let head =
        format!("POST {CREATE} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n");
    connection.send(&head).await;
    let (answer, _) = connection.answer().await;
    assert!(answer.starts_with("HTTP/1.1 400"), "no leave is given: {answer}");
    let mut browser = administrator(&server).await;
    let sent = browser.post(&format!("{}/replay", entry(1)), &[("how", "received")]).await;
    assert_eq!(sent.status, 422);
    assert!(sent.body.contains("a part of the request was redacted"), "{sent}");
}

#[tokio::test]
async fn keys_of_a_more_powerful_user_sign_no_replay() {
    let server = TestServer::start().await;
    server.control();
    server.administrator().create(user("ann@example.com")).await;
    let logs = vec!["Account | Logs | Read".to_owned()];
    let edit = [logs.clone(), vec!["Services | API Applications | Edit".to_owned()]].concat();
    for (role, permissions) in [("Logs", logs), ("Keys", edit)] {
        let made = server.admin().add_role(testkit::ACCOUNT, role, &permissions).await;
        made.unwrap_or_else(|error| panic!("{role}: {error}"));
        server.promote("reader@example.com", role).await;
        let mut browser = server.signed_in("reader@example.com", PASSWORD).await;
        let page = browser.get(&entry(1)).await.body;
        assert!(page.contains("As received") && !page.contains("value=\"signed-again\""), "{role}: {page}");
        let refused = browser.post(&format!("{}/replay", entry(1)), &[("how", "signed-again")]).await;
        assert_eq!(refused.status, 422, "{role}: {refused}");
    }
}

#[tokio::test]
async fn no_account_sees_the_requests_of_another() {
    for control in [true, false] {
        let server = TestServer::start_with(|config| config.journal.enabled = true).await;
        if control {
            server.control();
        }
        server.administrator().create(user("ann@example.com")).await;
        server.other_administrator().create(user("eve@other.example")).await;
        server.get("/api/nobodys").await;
        let mut own = administrator(&server).await;
        let mut other = server.signed_in("admin@other.example", PASSWORD).await;
        let list = own.get(&path("/journal")).await.body;
        assert!(list.contains("/journal/1\"") && !list.contains("/journal/2\""), "{list}");
        // Requests of unknown callers may belong to any account, so only a sandbox shows them.
        assert_eq!(list.contains("/api/nobodys"), control);
        let theirs = other.get("/console/CTEST00002/journal").await.body;
        assert!(theirs.contains("/journal/2\"") && !theirs.contains("ann@example.com"), "{theirs}");
        for (browser, account, status) in [
            (&mut own, "CTEST00001", [200, 404, if control { 200 } else { 404 }]),
            (&mut other, "CTEST00002", [404, 200, if control { 200 } else { 404 }]),
        ] {
            for (number, status) in (1..).zip(status) {
                let path = format!("/console/{account}/journal/{number}");
                assert_eq!(browser.get(&path).await.status, status, "{path}");
                if status == 404 {
                    let refused = browser.post(&format!("{path}/replay"), &[("how", "received")]).await;
                    assert_eq!(refused.status, 404, "{path}");
                }
            }
        }
        let found = own.get(&path("/journal?q=eve")).await.body;
        assert!(found.contains("Nothing found"), "{found}");
    }
}

#[tokio::test]
async fn a_redacted_journal_replays_nothing() {
    let server = TestServer::start_with(|config| config.journal.enabled = true).await;
    let mut browser = administrator(&server).await;
    server.administrator().create(user("ann@example.com")).await;
    let page = browser.get(&entry(1)).await.body;
    assert!(page.contains("[redacted]") && page.contains("A part of this request is redacted"), "{page}");
    assert!(!page.contains("curl") && !page.contains("/replay"), "{page}");
    for how in ["received", "signed-again"] {
        let refused = browser.post(&format!("{}/replay", entry(1)), &[("how", how)]).await;
        assert_eq!(refused.status, 422, "{refused}");
    }
    assert_eq!(server.server().journal().unwrap().entries().len(), 1);
}

#[tokio::test]
async fn without_a_journal_its_page_says_how_to_enable_it() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let page = browser.get(&path("/journal")).await;
    assert!(page.body.contains("[journal]\nenabled = true"), "{page}");
    assert!(!page.body.contains("href=\"/console/CTEST00001/journal\""), "{page}");
    assert_eq!(browser.get(&entry(1)).await.status, 404);
}

/// Sends one request, and returns the response as text.
async fn exchange(address: SocketAddr, request: String) -> String {
    let exchanged = tokio::task::spawn_blocking(move || {
        let mut connection = TcpStream::connect(address).unwrap();
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).unwrap();
        String::from_utf8(answer).unwrap()
    });
    exchanged.await.unwrap()
}

fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

#[tokio::test]
async fn a_sandbox_journal_is_complete_and_explains_signatures() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = playground::sandbox::config(folder.path());
    config.store = testkit::store(folder.path());
    let Sandbox { server, keys } = Sandbox::open(folder.path(), &config, System::real()).await.unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let listener = server::listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(server.serve(listener, async move { drop(stopped.await) }));

    let wrong = Keys {
        ca_file: None,
        base_url: String::new(),
        app_id: keys.app_id.clone(),
        app_key: keys.app_id.clone(),
        access_key: keys.access_key.clone(),
        secret_key: keys.secret_key.clone(),
    };
    let signed = Signer::new(&wrong).unwrap().sign(CREATE, machine_clock(), &random_request_id());
    let headers: String = signed.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let body = user("ann@example.com");
    let request = |method: &str, path: &str, headers: &str, body: &str| {
        let length = body.len();
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        )
    };
    exchange(address, request("POST", CREATE, &headers, &body)).await;

    let sign_in = form(&[("address", &keys.email), ("password", &keys.password)]);
    let entered = exchange(address, request("POST", "/console/sign-in", "", &sign_in)).await;
    let cookie = entered.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap();
    let cookie = format!("cookie: {cookie}\r\n");
    let path = format!("/console/{}/journal/1", keys.account_code);
    let page = exchange(address, request("GET", &path, &cookie, "")).await;
    assert!(page.contains("Why it was refused") && page.contains("app_key_is_app_id: "), "{page}");
    assert!(page.contains(&signed.authorization), "nothing is left out: {page}");
    // Requests of other sites, by DNS rebinding or by cross-site requests, are refused.
    let from = |host: &str, more: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{cookie}{more}\r\n")
    };
    let own = address.to_string();
    let cross = "Sec-Fetch-Site: cross-site\r\n";
    for (host, more) in [("evil.example", ""), (&*own, cross), (&*own, "Origin: http://evil.example\r\n")] {
        let refused = exchange(address, from(host, more)).await;
        assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
        assert!(refused.contains("err_xdk_foreign_origin"), "{refused}");
    }
    // A user who follows a link of another site sees the page.
    let followed = format!("{cross}Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n");
    assert!(exchange(address, from(&own, &followed)).await.starts_with("HTTP/1.1 200 "));
    let token = page.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let again = form(&[("how", "signed-again"), ("token", token)]);
    let sent = exchange(address, request("POST", &format!("{path}/replay"), &cookie, &again)).await;
    let next = sent.split("location: ").nth(1).unwrap().split("\r\n").next().unwrap();
    let page = exchange(address, request("GET", next, &cookie, "")).await;
    assert!(page.contains("<h1>Request 2</h1>") && page.contains(">200</span>"), "{page}");
    drop(stop);
    serving.await.unwrap();
}
