//! import-users and get-import-status: a file of users, imported in the background in the name of the caller.

use serde_json::{Value, json};
use testkit::{ACCOUNT, LOWER_ACCOUNT, Response, TestCaller, TestServer};

use crate::user;

const IMPORT: &str = "/api/user/import-users";
const STATUS: &str = "/api/user/get-import-status";

/// Sends a file with these arguments.
async fn import(
    server: &TestServer,
    caller: &TestCaller,
    argument: &str,
    file: impl Into<Vec<u8>>,
) -> Response {
    let signed = caller.signed(IMPORT);
    let mut headers: Vec<_> =
        signed.iter().map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect();
    if !argument.is_empty() {
        headers.push(("x-mc-arg".to_owned(), argument.as_bytes().to_vec()));
    }
    server.raw(IMPORT, &headers, file).await
}

async fn state(server: &TestServer, caller: &TestCaller, started: &Response) -> Value {
    server.server().imports_are_finished().await;
    let state = caller.call(STATUS, json!([{"id": started.json()["data"][0]["id"]}])).await;
    assert_eq!(state.rows(), 1, "{state}");
    state.json()["data"][0].clone()
}

/// The same text with a fixed id.
fn shown(answer: &Response) -> String {
    let id = answer.json()["data"][0]["id"].as_str().unwrap_or("no id").to_owned();
    answer.to_string().replace(&id, "…")
}

#[tokio::test]
async fn a_file_is_imported_row_by_row() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    administrator.create(user("bo@example.com")).await;
    let events = server.events_since(&[]).await;
    let file = "email,name,password,alias of\nann@example.com,Ann,Correct horse 8 battery,\nbo@example.com,Bo,,\nx@other.example,X,,\nno address,,,\nweak@example.com,,12345678,\na.lee@example.com,,,ann@example.com\n";
    let argument = r#"{"data":[{"notifyEmailAddress":"me@example.net","fileType":"csv"}]}"#;
    let started = import(&server, &administrator, argument, file).await;
    server.server().imports_are_finished().await;
    let done = administrator.call(STATUS, json!([{"id": started.json()["data"][0]["id"]}])).await;
    let told = server.events_since(&events).await;
    let mut told: Vec<_> =
        told.iter().map(|e| format!("{} {} {} {}", e.actor, e.action, e.target, e.detail)).collect();
    // With several writers, events are in the order of the writers.
    told.sort();
    insta::assert_snapshot!(format!("{}\n\n{}\n\n{}", shown(&started), shown(&done), told.join("\n")));
    assert_eq!(server.log_in("ann@example.com", "Correct horse 8 battery").await.rows(), 1);
}

#[tokio::test]
async fn the_same_request_imports_once() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let signed = administrator.signed(IMPORT);
    let file = "email\nann@example.com\n";
    let first = administrator.send(IMPORT, &signed, file).await;
    let done = state(&server, &administrator, &first).await;
    assert_eq!((&done["status"], &done["successfulImportedUsers"]), (&json!("completed"), &json!(1)));
    let events = server.events_since(&[]).await;
    let again = administrator.send(IMPORT, &signed, file).await;
    assert_eq!((again.status, &again.body), (200, &first.body));
    server.server().imports_are_finished().await;
    assert_eq!(server.events_since(&events).await.len(), 0, "nothing was done");
    let other = administrator.send(IMPORT, &signed, "email\nbo@example.com\n").await;
    assert_eq!(other.codes(), ["err_xdk_request_id_reused"]);
    // Another request finds the user there.
    let second = import(&server, &administrator, "", file).await;
    let done = state(&server, &administrator, &second).await;
    assert_eq!(done["refused"][0]["code"], "err_user_already_exists", "{done}");
}

/// A finished import keeps its counts and a hundred refused rows.
#[tokio::test]
async fn a_finished_import_says_how_many_rows_there_were() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let file = format!("email\nann@example.com\n{}", "no address\n".repeat(150));
    let started = import(&server, &administrator, "", file).await;
    let done = state(&server, &administrator, &started).await;
    let counts = [&done["totalUsers"], &done["successfulImportedUsers"]].map(|count| count.as_u64().unwrap());
    assert_eq!((counts, done["refused"].as_array().unwrap().len()), ([151, 1], 100), "{done}");
    assert_eq!((&done["refused"][0]["line"], &done["refused"][99]["line"]), (&json!(3), &json!(102)));
}

/// A repeated request gets the id of an import that is recorded, so it must not be one that never begins.
#[tokio::test]
async fn an_import_begins_even_if_its_caller_goes_away() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    // Some go away before the start is recorded, some meanwhile, some later.
    let mut sent = Vec::new();
    for number in 0..20 {
        let signed = administrator.signed(IMPORT);
        let file = format!("email\n{number}@example.com\n");
        let mut request = format!("POST {IMPORT} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n", file.len());
        signed.iter().for_each(|(name, value)| request.push_str(&format!("{name}: {value}\r\n")));
        let mut connection = server.connect().await;
        connection.send(&format!("{request}\r\n{file}")).await;
        sent.push((connection, signed, file));
    }
    let (connections, sent): (Vec<_>, Vec<_>) =
        sent.into_iter().map(|(it, signed, file)| (it, (signed, file))).unzip();
    drop(connections);
    for (signed, file) in sent {
        let again = administrator.send(IMPORT, &signed, file).await;
        let done = state(&server, &administrator, &again).await;
        assert_eq!((&done["status"], &done["successfulImportedUsers"]), (&json!("completed"), &json!(1)));
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_refused() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let file = "email\nann@example.com\n";
    let events = server.events_since(&[]).await;
    let mut all = String::new();
    for (argument, file) in [
        (r#"{"data":[{"fileType":"xlsx"}]}"#, file),
        (r#"{"data":[{"groupId":"x","allowAddressMigration":true,"notifyEmailAddress":"me"}]}"#, file),
        (r#"{"data":[{"clearGroup":"true"}]}"#, file),
        (r#"{"data":[{},{}]}"#, file),
        ("{", file),
        (r#"{"meta":{"accountCode":"CNONE"}}"#, file),
        ("", ""),
        ("", "PK\u{3}\u{4}"),
        ("", "name\nAnn\n"),
    ] {
        let refused = import(&server, &administrator, argument, file).await;
        all.push_str(&format!("# {argument} {file:?}\n{} {}\n", refused.status, refused.body));
    }
    for id in ["", "x", "no-such-id"] {
        let refused = administrator.call(STATUS, json!([{"id": id}])).await;
        all.push_str(&format!("# {id:?}\n{} {}\n", refused.status, refused.body));
    }
    let none = administrator.call(STATUS, json!([])).await;
    all.push_str(&format!("# no item\n{} {}\n", none.status, none.body));
    insta::assert_snapshot!(all);
    // Refused by its length alone, before it is sent.
    let mut connection = server.connect().await;
    let mut head = format!("POST {IMPORT} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n", (16 << 20) + 1);
    for (name, value) in administrator.signed(IMPORT).iter() {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    connection.send(&format!("{head}\r\n")).await;
    let (head, body) = connection.answer().await;
    assert!(head.starts_with("HTTP/1.1 413 ") && body.contains("larger than 16777216 bytes"), "{head}{body}");
    assert_eq!(server.events_since(&events).await.len(), 0);
}

#[tokio::test]
async fn a_large_file_is_imported() {
    let server = TestServer::start().await;
    let rows: String = (0..3_000).map(|n| format!("{n}@example.com,{}\n", "x".repeat(400))).collect();
    let file = format!("email,comment\n{rows}");
    assert!(file.len() > 1 << 20, "larger than other bodies may be");
    let started = import(&server, &server.administrator(), "", file).await;
    let done = state(&server, &server.administrator(), &started).await;
    assert_eq!((&done["totalUsers"], &done["successfulImportedUsers"]), (&json!(3_000), &json!(3_000)));
    let most = format!("email\n{}", "a@b.c\n".repeat(100_001));
    let refused = import(&server, &server.administrator(), "", most).await;
    assert_eq!((refused.status, refused.codes()), (400, vec!["err_deserialise".to_owned()]));
}

/// The rows are calls of create-user: with its permission, in the account of the scope, and no longer than the caller may.
#[tokio::test]
async fn an_import_may_what_its_caller_may() {
    let server = TestServer::start().await;
    let only = ["Directories | Import | Edit", "Directories | Import | Read"].map(str::to_owned);
    server.admin().add_role(ACCOUNT, "Importer", &only).await.unwrap();
    server.admin().set_role("plain@example.com", Some("Importer")).await.unwrap();
    let importer = server.caller_for("plain@example.com").await;
    let file = "email\nann@lower.example\n";
    let denied = import(&server, &importer, "", file).await;
    assert_eq!(denied.status, 403);
    assert!(denied.body.contains("Directories | Internal | Edit"), "{denied}");

    let argument = format!(r#"{{"meta":{{"accountCode":"{LOWER_ACCOUNT}"}}}}"#);
    let partner = server.partner();
    let started = import(&server, &partner, &argument, file).await;
    server.server().imports_are_finished().await;
    let id = started.json()["data"][0]["id"].clone();
    let own = partner.call(STATUS, json!([{"id": id}])).await;
    assert_eq!(own.codes(), ["err_validation_invalid_id"], "it is an import of the lower account");
    let body = json!({"meta": {"accountCode": LOWER_ACCOUNT}, "data": [{"id": id}]}).to_string();
    let there = partner.post(STATUS, body).await;
    assert_eq!(there.json()["data"][0]["successfulImportedUsers"], 1, "{there}");
    let above = import(&server, &server.administrator(), &argument, file).await;
    assert_eq!(above.codes(), ["err_account_not_permitted"], "who is no partner may not");

    // An application imports too, and its token need not live as long.
    let application = server.application("Super Administrator", &["userandgroupmanagement"]).await;
    let token = server.token(&application).await;
    let started = server.post_as(&token, IMPORT, "email\nbo@example.com\n").await;
    let done = state(&server, &server.administrator(), &started).await;
    assert_eq!((&done["status"], &done["importer"]), (&json!("completed"), &json!(application.client_id)));
}

#[tokio::test]
async fn an_import_is_in_the_memory_of_its_node() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let started = import(&server, &administrator, "", "email\nann@example.com\n").await;
    state(&server, &administrator, &started).await;
    let id = json!([{"id": started.json()["data"][0]["id"]}]);
    server.clock().advance(jiff::SignedDuration::from_hours(25));
    // Kept until the next import asks for room.
    let other =
        import(&server, &server.caller_for("admin@example.com").await, "", "email\nbo@example.com\n").await;
    assert_eq!(other.rows(), 1, "{other}");
    let gone = server.caller_for("admin@example.com").await.call(STATUS, id).await;
    insta::assert_snapshot!(gone);
}
