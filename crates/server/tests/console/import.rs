//! Users from a file: checked row by row, created on confirmation.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::json;
use testkit::client::wire::import::Rows;
use testkit::test_control::{Fault, What};
use testkit::{Browser, PASSWORD, Response, TestServer};

use crate::{ADMINISTRATOR, administrator, location, path};

/// A password that is unique in all responses.
const SECRET: &str = "Canary-import7word-Zq";

/// About a thousand rows: 900 valid ones, and some of each kind of error.
fn thousand_rows() -> String {
    let mut file = "email,name,password,note\r\n".to_owned();
    for n in 0..1_000 {
        let _ = match n % 20 {
            0 => write!(file, "user{n}@elsewhere.example,Far away,,\r\n"),
            19 => write!(file, "USER{}@Example.com,Twice,,\r\n", n - 1),
            _ => write!(file, "user{n}@example.com,Number {n},,\r\n"),
        };
    }
    file.push_str("admin@example.com,There already,,\r\nnobody,No address,,\r\na@example.com,Weak,1234,\r\n");
    file.push_str("b@example.com,Too,many,fields,by,far\r\n");
    let _ = write!(file, "secret@example.com,=1+1,{SECRET},\r\n");
    file
}

/// This many users with this password.
fn users_file(users: usize, password: &str) -> String {
    let rows = (0..users).map(|n| format!("user{n}@example.com,{password}\n"));
    ["email,password\n".to_owned()].into_iter().chain(rows).collect()
}

async fn upload_file(browser: &mut Browser<'_>, file: &str) -> String {
    let answer = browser.upload(&path("/import"), "users.csv", file.as_bytes()).await;
    location(&answer)
}

/// Waits until the job has ended, which ends the stream of events.
pub(crate) async fn wait_for_end(browser: &mut Browser<'_>, job: &str) -> String {
    loop {
        let events = browser.get(&format!("{job}/events")).await;
        assert_eq!(events.header("content-type"), Some("text/event-stream"), "{events}");
        if events.body.ends_with("event: end\ndata: end\n\n") {
            return events.body;
        }
    }
}

pub(crate) async fn start_job(browser: &mut Browser<'_>, job: &str) {
    assert_eq!(location(&browser.post(&format!("{job}/start"), &[]).await), job);
}

pub(crate) async fn result(browser: &mut Browser<'_>, job: &str) -> Response {
    let result = browser.get(&format!("{job}/result.csv")).await;
    assert_eq!(result.status, 200, "{result}");
    result
}

/// The number of rows with this result in the result file.
fn count(result: &Response, status: &str) -> usize {
    result.body.lines().skip(1).filter(|line| line.split("\",").nth(1).unwrap().starts_with(status)).count()
}

/// A number on the page, by its label.
fn fact(page: &Response, name: &str) -> usize {
    let number =
        page.body.split(&format!("<dt>{name}</dt><dd>")).nth(1).and_then(|rest| rest.split('<').next());
    number.unwrap_or_else(|| panic!("no {name} in {page}")).parse().unwrap()
}

#[tokio::test]
async fn a_file_is_checked_shown_and_created_row_by_row() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let before = server.admin().audit().await.unwrap();
    let job = upload_file(&mut browser, &thousand_rows()).await;
    wait_for_end(&mut browser, &job).await;
    // The check creates no user, and every row has a result.
    let page = browser.get(&job).await;
    assert!(page.body.contains("Checked: no user is created yet"), "{page}");
    assert!(page.body.contains("Ignored columns: <span class=\"mono\">note</span>"), "{page}");
    let facts = ["Rows", "Ready", "Already exists", "Refused", "Unreadable"].map(|name| fact(&page, name));
    assert_eq!(facts, [1_005, 901, 51, 52, 1]);
    assert!(page.body.contains("Create 901 users"), "{page}");
    for said in [
        "A user with this address already exists",
        "An earlier row of the file has this address",
        "Correct the domain, or register it for the account first.",
        "Correct the address.",
        "Choose another password, or none and set it later.",
        "line 1005 has 6 fields, but the header has 4",
    ] {
        assert!(page.body.contains(said), "{said}: {page}");
    }
    assert!(!page.body.contains("user2@example.com"), "problems come first: {page}");
    let all = browser.get(&format!("{job}?show=all&page=6")).await;
    assert!(all.body.contains("secret@example.com") && !all.body.contains("user2@example.com"), "{all}");
    let would = result(&mut browser, &job).await;
    assert_eq!(count(&would, "would be created"), 901);
    assert!(server.admin().user("user2@example.com").await.is_err());
    assert!(server.events_since(&before).await.is_empty());

    start_job(&mut browser, &job).await;
    wait_for_end(&mut browser, &job).await;
    let page = browser.get(&job).await;
    assert!(page.body.contains("Done: 901 users created"), "{page}");
    let done = result(&mut browser, &job).await;
    assert!(done.body.starts_with("row,line,emailAddress,result,id,code,field,message\r\n"), "{done}");
    assert_eq!(done.body.lines().count(), 1_006);
    assert_eq!(["created", "exists", "refused"].map(|result| count(&done, result)), [901, 51, 53]);
    assert_eq!(
        done.header("content-disposition"),
        Some("attachment; filename=\"import-CTEST00001-result.csv\"")
    );
    assert_eq!(server.admin().user("user2@example.com").await.unwrap().name, "Number 2");
    assert_eq!(server.log_in("secret@example.com", SECRET).await.rows(), 1);
    let events = server.events_since(&before).await;
    let created = events.iter().filter(|event| event.action == "user.created");
    assert_eq!(created.filter(|event| event.actor == ADMINISTRATOR).count(), 901);
    // A second confirmation creates no more users.
    start_job(&mut browser, &job).await;
    assert_eq!(count(&result(&mut browser, &job).await, "created"), 901);
    let list = browser.get(&path("/import")).await;
    assert!(list.body.contains("users.csv</a>") && list.body.contains(">done</span>"), "{list}");
    // The same file again has no user to create.
    let again = upload_file(&mut browser, &thousand_rows()).await;
    wait_for_end(&mut browser, &again).await;
    let page = browser.get(&again).await;
    assert!(page.body.contains("Checked: there is no user to create"), "{page}");
    assert_eq!(fact(&page, "Already exists"), 952);
}

#[tokio::test]
async fn it_continues_without_its_page_and_session() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let job = upload_file(&mut browser, &thousand_rows()).await;
    wait_for_end(&mut browser, &job).await;
    start_job(&mut browser, &job).await;
    browser.post("/console/sign-out", &[]).await;
    // Another session of the account sees the result.
    let mut other = administrator(&server).await;
    wait_for_end(&mut other, &job).await;
    let page = other.get(&job).await;
    assert_eq!(fact(&page, "Created"), 901, "{page}");
}

#[tokio::test]
async fn a_stopped_import_continues_and_creates_no_user_twice() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let before = server.admin().audit().await.unwrap();
    let job = upload_file(&mut browser, &users_file(3_000, "")).await;
    browser.post(&format!("{job}/stop"), &[]).await;
    wait_for_end(&mut browser, &job).await;
    // The check continues where it was stopped.
    if browser.get(&job).await.body.contains("The check was stopped") {
        start_job(&mut browser, &job).await;
        wait_for_end(&mut browser, &job).await;
    }
    assert_eq!(fact(&browser.get(&job).await, "Ready"), 3_000);
    let mut rounds = 0;
    loop {
        // Pressed twice, it starts once.
        start_job(&mut browser, &job).await;
        start_job(&mut browser, &job).await;
        browser.post(&format!("{job}/stop"), &[]).await;
        wait_for_end(&mut browser, &job).await;
        rounds += 1;
        let page = browser.get(&job).await;
        assert_eq!(fact(&page, "Refused") + fact(&page, "Already exists"), 0, "{page}");
        if fact(&page, "Created") == 3_000 {
            break;
        }
        assert!(page.body.contains(">Continue</button>"), "{page}");
    }
    assert!(rounds >= 1);
    let events = server.events_since(&before).await;
    assert_eq!(events.iter().filter(|event| event.action == "user.created").count(), 3_000);
}

#[tokio::test]
async fn it_stops_when_its_user_is_disabled_and_another_user_continues_it() {
    let server = TestServer::start().await;
    server.promote("reader@example.com", "Super Administrator").await;
    let mut starter = server.signed_in("reader@example.com", PASSWORD).await;
    let mut other = administrator(&server).await;
    let before = server.admin().audit().await.unwrap();
    let job = upload_file(&mut starter, &users_file(300, SECRET)).await;
    wait_for_end(&mut starter, &job).await;
    // The jobs' passwords wait behind a blocked hashing thread while the user is disabled.
    let (release, held) = std::sync::mpsc::channel::<()>();
    let node = server.server().clone();
    let holding = tokio::spawn(async move { node.hasher().run(move || held.recv()).await });
    while server.server().hasher().waiting() < 1 {
        tokio::task::yield_now().await;
    }
    start_job(&mut starter, &job).await;
    while server.server().hasher().waiting() < 4 {
        tokio::task::yield_now().await;
    }
    server.admin().disable_user("reader@example.com").await.unwrap();
    release.send(()).unwrap();
    holding.await.unwrap().unwrap().unwrap();
    wait_for_end(&mut other, &job).await;
    let page = other.get(&job).await;
    assert!(page.body.contains("It stopped: The session in which it was started has ended."), "{page}");
    assert_eq!(["Ready", "Created", "Refused"].map(|name| fact(&page, name)), [300, 0, 0], "{page}");
    start_job(&mut other, &job).await;
    wait_for_end(&mut other, &job).await;
    assert!(other.get(&job).await.body.contains("Done: 300 users created"));
    let events = server.events_since(&before).await;
    let by_other = |event: &&directory::audit::Event| event.actor == ADMINISTRATOR;
    assert_eq!(events.iter().filter(|event| event.action == "user.created").filter(by_other).count(), 300);
}

#[tokio::test]
async fn a_busy_server_is_waited_for() {
    // The queue has room for the passwords of one slice; the other slices must retry.
    let server = TestServer::start_with(|config| config.passwords.queue = 100).await;
    let mut browser = administrator(&server).await;
    let job = upload_file(&mut browser, &users_file(400, SECRET)).await;
    wait_for_end(&mut browser, &job).await;
    start_job(&mut browser, &job).await;
    wait_for_end(&mut browser, &job).await;
    let page = browser.get(&job).await;
    assert!(page.body.contains("Done: 400 users created"), "{page}");
}

#[tokio::test]
async fn passwords_are_shown_nowhere() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let file = format!(
        "email,name,password\ngood@example.com,Good,{SECRET}\n,No address,{SECRET}\nbad@elsewhere.example,Bad,{SECRET}\n\
         good@example.com,Twice,{SECRET}\nmany@example.com,Many,{SECRET},{SECRET},{SECRET}\n"
    );
    let hashed = format!(
        "{{\"emailAddress\":\"json@example.com\",\"password\":[\"{SECRET}\"]}}\n\
         {{\"emailAddress\":\"hash@example.com\",\"passwordHash\":\"{SECRET}\"}}\n{{\"password\":\"{SECRET}\"\n"
    );
    for file in [file, hashed] {
        let mut shown = Vec::new();
        let job = upload_file(&mut browser, &file).await;
        shown.push(wait_for_end(&mut browser, &job).await);
        for started in [false, true] {
            if started {
                start_job(&mut browser, &job).await;
                shown.push(wait_for_end(&mut browser, &job).await);
            }
            for page in ["", "?show=all", "?show=problems", "/result.csv"] {
                shown.push(browser.get(&format!("{job}{page}")).await.to_string());
            }
        }
        shown.push(browser.get(&path("/import")).await.to_string());
        for text in shown {
            assert!(!text.contains(SECRET), "{text}");
        }
    }
    assert_eq!(server.log_in("good@example.com", SECRET).await.rows(), 1);
}

#[tokio::test]
async fn an_unusable_file_is_refused_at_once() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    for (file, said) in [
        (
            &b"ann@example.com,Ann,Canary\n"[..],
            "the first line contains an address instead of names of columns",
        ),
        (b"\"email\n1,2\n", "the header line has no column `email`"),
        (b"", "it contains no user"),
        (b"PK\x03\x04\x14\0\x06", "save the sheet as CSV"),
    ] {
        let refused = browser.upload(&path("/import"), "users.csv", file).await;
        assert_eq!(refused.status, 422, "{refused}");
        assert!(refused.body.contains(said), "{said}: {refused}");
    }
    let long = format!("email\n{}", "a@b.c\n".repeat(100_001));
    let refused = browser.upload(&path("/import"), "users.csv", long.as_bytes()).await;
    assert!(refused.status == 422 && refused.body.contains("more than 100000 rows"), "{refused}");
    let none = browser.upload(&path("/import"), "", b"").await;
    assert!(none.status == 422 && none.body.contains("No file was sent"), "{none}");
    let large = vec![b'x'; (16 << 20) + 1];
    let refused = browser.upload(&path("/import"), "users.csv", &large).await;
    assert_eq!(refused.status, 413);
    assert!(
        refused.body.contains("at most 16 MiB") && refused.body.contains("matricula import"),
        "{refused}"
    );
    // The form token is checked in forms with files, too.
    let refused = browser.upload_with(&path("/import"), "", "users.csv", b"email\na@example.com\n").await;
    assert_eq!(refused.status, 403, "{refused}");
    assert!(!browser.get(&path("/import")).await.body.contains("users.csv</a>"));
}

#[tokio::test]
async fn files_of_other_systems_are_read_as_by_the_program() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/import");
    let entries = |folder: PathBuf| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for file in entries(root.into()).flat_map(entries) {
        let bytes = std::fs::read(&file).unwrap();
        let rows = Rows::new(&bytes[..], None).and_then(|rows| rows.collect::<Result<Vec<_>, _>>());
        let rows = rows.map_or(0, |rows| rows.len());
        let answer = browser.upload(&path("/import"), "users.csv", &bytes).await;
        if rows == 0 && answer.status == 422 {
            continue;
        }
        let job = location(&answer);
        if job.ends_with("/columns") {
            // No file has an address that its reader finds and the preview doesn't.
            let read = Rows::new(&bytes[..], None)
                .map(|rows| rows.filter_map(Result::ok).all(|row| row.item.is_err()));
            assert!(read.unwrap_or(true), "{}", file.display());
            continue;
        }
        wait_for_end(&mut browser, &job).await;
        let page = browser.get(&job).await;
        let shown = format!("<dt>Rows</dt><dd>{rows}</dd>");
        assert!(page.body.contains(&shown), "{}: {page}", file.display());
        assert!(!page.body.contains("Sunny-Day-4711"), "{}: {page}", file.display());
    }
    // The page says what was noticed.
    let answer =
        browser.upload(&path("/import"), "users.csv", b"email,Enabled\r\ngone@example.com,False\r\n").await;
    let job = location(&answer);
    wait_for_end(&mut browser, &job).await;
    let page = browser.get(&job).await;
    assert!(page.body.contains("1 user is not active in the file; new ones are created disabled"), "{page}");
    start_job(&mut browser, &job).await;
    wait_for_end(&mut browser, &job).await;
    assert_eq!(server.log_in("gone@example.com", PASSWORD).await.status, 401);
}

#[tokio::test]
async fn the_content_of_a_file_is_escaped() {
    const PROBE: &str = "\"\"><script>alert(1)</script><img src=x onerror=alert(1)>";
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let file =
        format!("email,name,\"{PROBE}\"\n\"{PROBE}@example.com\",\"{PROBE}\"\nann@example.com,\"{PROBE}\"\n");
    let answer =
        browser.upload(&path("/import"), "\"><script>alert(1)<img src=x>.csv", file.as_bytes()).await;
    let job = location(&answer);
    let events = wait_for_end(&mut browser, &job).await;
    start_job(&mut browser, &job).await;
    let mut shown = vec![events, wait_for_end(&mut browser, &job).await];
    let probed = "show=%22%3E%3Cscript%3Ealert(1)&page=%22%3E%3Cscript%3Ealert(1)";
    let wrong = format!("\"{PROBE}\",\"<script>\"\n\"<img src=x\",<script>\n");
    for page in [&job, &format!("{job}?show=all"), &format!("{job}?{probed}"), &path("/import")] {
        shown.push(browser.get(page).await.body);
    }
    let columns = location(&browser.upload(&path("/import"), PROBE, wrong.as_bytes()).await);
    shown.push(browser.get(&columns).await.body);
    shown.push(browser.post(&columns, &[("column-0", "<script>"), ("column-1", "email")]).await.body);
    for page in &shown {
        assert!(!page.contains("<script>") && !page.contains("<img src=x"), "{page}");
    }
    assert!(shown.iter().filter(|page| page.contains("&#60;script&#62;")).count() >= 5);
}

#[tokio::test]
async fn other_accounts_do_not_see_it() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let job = upload_file(&mut browser, "email\nann@example.com\n").await;
    wait_for_end(&mut browser, &job).await;
    let mut other = server.signed_in("admin@other.example", PASSWORD).await;
    let elsewhere = job.replace(testkit::ACCOUNT, testkit::OTHER_ACCOUNT);
    for below in ["", "/events", "/result.csv"] {
        assert_eq!(other.get(&format!("{elsewhere}{below}")).await.status, 404, "{below}");
        assert_eq!(other.get(&format!("{job}{below}")).await.status, 403, "{below}");
    }
    for below in ["/start", "/stop"] {
        assert_eq!(other.post(&format!("{elsewhere}{below}"), &[]).await.status, 404, "{below}");
    }
    let list = other.get(&format!("/console/{}/import", testkit::OTHER_ACCOUNT)).await;
    assert!(!list.body.contains("users.csv</a>"), "{list}");
}

#[tokio::test]
async fn twenty_are_kept_and_none_for_longer_than_a_day() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let mut jobs = Vec::new();
    for _ in 0..21 {
        let job = upload_file(&mut browser, "email\nann@example.com\n").await;
        wait_for_end(&mut browser, &job).await;
        jobs.push(job);
    }
    assert_eq!(browser.get(&jobs[0]).await.status, 404);
    assert_eq!(browser.get(&jobs[1]).await.status, 200);
    server.clock().advance(jiff::SignedDuration::from_hours(24));
    let mut browser = administrator(&server).await;
    upload_file(&mut browser, "email\nann@example.com\n").await;
    assert_eq!(browser.get(&jobs[20]).await.status, 404);
}

#[tokio::test]
async fn a_stop_of_the_server_waits_for_no_events() {
    let mut server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let job = upload_file(&mut browser, &thousand_rows()).await;
    wait_for_end(&mut browser, &job).await;
    let cookie = browser.cookie.clone().unwrap();
    start_job(&mut browser, &job).await;
    let mut stream = server.connect().await;
    let host = server.address();
    stream.send(&format!("GET {job}/events HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n")).await;
    assert!(stream.head().await.contains("text/event-stream"));
    server.stop().await;
    stream.closed().await;
}

#[tokio::test]
async fn events_pass_test_control() {
    let server = TestServer::start().await;
    let control = server.control();
    let mut browser = administrator(&server).await;
    let job = upload_file(&mut browser, &thousand_rows()).await;
    let events = wait_for_end(&mut browser, &job).await;
    assert!(events.ends_with("event: end\ndata: end\n\n"), "{events}");
    // Faults of test control do not apply to the console.
    control.inject(Fault { times: Some(1), ..What::DropAnswer.into() }).unwrap();
    assert_eq!(browser.get(&job).await.status, 200);
}

/// The users and aliases of the export, without the time at which each was created.
async fn export(browser: &mut Browser<'_>) -> Vec<String> {
    let file = browser.get(&path("/users.csv")).await.body;
    file.lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned()).collect()
}

#[tokio::test]
async fn an_exported_directory_is_imported_as_it_was() {
    let (from, to) = (TestServer::start().await, TestServer::start().await);
    let administrator_of_it = from.administrator();
    let numbers = 0..130;
    let users: Vec<_> = numbers
        .clone()
        .map(|n| {
            json!({
                "emailAddress": format!("u{n}@example.com"), "name": format!("=cmd({n})"),
                "accountDisabled": n % 3 == 0, "accountLocked": n % 5 == 0,
            })
        })
        .collect();
    assert_eq!(administrator_of_it.call("/api/user/create-user", json!(users)).await.rows(), 130);
    let alias = |n| json!({"aliasFor": format!("u{n}@example.com"), "alias": format!("a{n}@example.com")});
    let aliases: Vec<_> = numbers.map(alias).collect();
    assert_eq!(administrator_of_it.call("/api/user/update-alias", json!(aliases)).await.rows(), 130);

    let exported = export(&mut administrator(&from).await).await;
    let file = administrator(&from).await.get(&path("/users.csv")).await.body;
    let mut browser = administrator(&to).await;
    let job = upload_file(&mut browser, &file).await;
    wait_for_end(&mut browser, &job).await;
    let page = browser.get(&format!("{job}?show=all")).await;
    assert!(page.body.contains("alias of u100@example.com"), "{page}");
    start_job(&mut browser, &job).await;
    wait_for_end(&mut browser, &job).await;
    let done = result(&mut browser, &job).await;
    assert_eq!((count(&done, "created"), count(&done, "refused")), (260, 0), "{done}");
    assert_eq!(export(&mut browser).await, exported);
}

/// Adding aliases needs another permission than creating users.
#[tokio::test]
async fn aliases_are_refused_to_a_person_who_may_only_create_users() {
    let server = TestServer::start().await;
    let role = json!([{"name": "Creators", "permissions": ["Directories | Internal | Edit"]}]);
    let role = server.administrator().call("/api/role/create-role", role).await;
    assert_eq!(role.rows(), 1, "{role}");
    let user = json!([{"emailAddress": "creator@example.com", "password": PASSWORD}]);
    assert_eq!(server.administrator().call("/api/user/create-user", user).await.rows(), 1);
    let assigned = json!([{"emailAddress": "creator@example.com", "id": role.json()["data"][0]["id"]}]);
    assert_eq!(server.administrator().call("/api/role/assign-role", assigned).await.rows(), 1);
    let own = "A password of my own 7";
    assert_eq!(server.change_password("creator@example.com", PASSWORD, own).await.rows(), 1);
    let mut browser = server.signed_in("creator@example.com", own).await;
    let file = "email,aliasOf\nother@example.com,ann@example.com\nann@example.com,\n";
    let job = upload_file(&mut browser, file).await;
    wait_for_end(&mut browser, &job).await;
    start_job(&mut browser, &job).await;
    wait_for_end(&mut browser, &job).await;
    let done = result(&mut browser, &job).await;
    assert_eq!((count(&done, "created"), count(&done, "refused")), (1, 1), "{done}");
    assert!(done.body.contains(",\"aliasOf\",") && done.body.contains("err_xdk_permission_denied"), "{done}");
}
