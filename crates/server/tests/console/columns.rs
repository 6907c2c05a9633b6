//! The columns of a file, chosen before its rows are checked.

use testkit::{Browser, PASSWORD, Response, TestServer};

use crate::import::{result, start_job, wait_for_end};
use crate::{administrator, location, path};

/// A password that is unique in all responses, under a name that tells nothing.
const SECRET: &str = "Canary-columns7word-Zq";

fn unknown_header() -> String {
    format!(
        "Contact;Person;Start;AdminPassword;Badge\nann@example.com;Ann Lee;{SECRET};{SECRET};7\n\
         bob@example.com;Bob;{SECRET}2;;8\n"
    )
}

/// Uploads a file whose columns must be chosen. Returns the page of its columns.
async fn upload(browser: &mut Browser<'_>, file: &[u8]) -> String {
    let columns = location(&browser.upload(&path("/import"), "users.csv", file).await);
    assert!(columns.ends_with("/columns"), "{columns}");
    columns
}

fn job_of(columns: &str) -> &str {
    columns.strip_suffix("/columns").unwrap()
}

/// Sends these choices, one for each column.
async fn choose(browser: &mut Browser<'_>, columns: &str, choices: &[&str]) -> Response {
    let names: Vec<String> = (0..choices.len()).map(|n| format!("column-{n}")).collect();
    let form: Vec<_> = names.iter().map(String::as_str).zip(choices.iter().copied()).collect();
    browser.post(columns, &form).await
}

/// The value that is selected for each column.
fn selected(page: &Response) -> Vec<&str> {
    let selects = page.body.split("<select").skip(1);
    let value = |select: &'_ str| select.split("\" selected>").next().map(|before| before.len());
    selects
        .map(|select| {
            let end = value(select).unwrap();
            select[..end].rsplit('"').next().unwrap()
        })
        .collect()
}

async fn wrong_choices_are_refused(browser: &mut Browser<'_>, columns: &str) -> Vec<Response> {
    let mut shown = Vec::new();
    for (choices, said) in [
        (["name", "ignore", "password", "ignore", "ignore"], "Choose the column that has the address"),
        (
            ["email", "email", "ignore", "ignore", "ignore"],
            "“Contact” and “Person” are both read as “Address”",
        ),
        (["email", "name", "password", "", "ignore"], "Choose what the column “AdminPassword” is"),
        (["email", "name", "password", "password", "ignore"], "are both read as “Password”"),
        (["email", "name", "password", "recognised", "ignore"], "Choose what the column “AdminPassword” is"),
    ] {
        let refused = choose(browser, columns, &choices).await;
        assert!(refused.status == 422 && refused.body.contains(said), "{said}: {refused}");
        assert_eq!(selected(&refused)[..2], choices[..2], "the choices are kept: {refused}");
        shown.push(refused);
    }
    shown
}

#[tokio::test]
async fn columns_are_chosen_and_the_rows_are_read_with_them() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let before = server.admin().audit().await.unwrap();
    let columns = upload(&mut browser, unknown_header().as_bytes()).await;
    let mut shown = vec![browser.get(&columns).await];
    let page = &shown[0];
    assert_eq!(selected(page), ["ignore", "ignore", "ignore", "", "ignore"], "{page}");
    for said in ["ann@example.com", "Ann Lee", "Choose the column that has the address", "Choose …</option>"]
    {
        assert!(page.body.contains(said), "{said}: {page}");
    }
    // Nothing is checked before, and the list leads to the page.
    let list = browser.get(&path("/import")).await;
    assert!(list.body.contains("columns not chosen"), "{list}");
    assert_eq!(location(&browser.get(job_of(&columns)).await), columns);
    assert_eq!(location(&browser.post(&format!("{}/start", job_of(&columns)), &[]).await), job_of(&columns));

    shown.extend(wrong_choices_are_refused(&mut browser, &columns).await);
    let chosen = choose(&mut browser, &columns, &["email", "name", "password", "ignore", "ignore"]).await;
    let job = location(&chosen);
    assert_eq!(job, job_of(&columns));
    wait_for_end(&mut browser, &job).await;
    let page = browser.get(&job).await;
    for said in [
        "Create 2 users",
        "<span class=\"mono\">Contact</span> (Address)",
        "<span class=\"mono\">Start</span> (Password)",
        "Ignored by choice: <span class=\"mono\">AdminPassword</span>",
        "Change columns",
    ] {
        assert!(page.body.contains(said), "{said}: {page}");
    }
    shown.extend([page, browser.get(&columns).await, list]);
    assert!(server.events_since(&before).await.is_empty());
    start_job(&mut browser, &job).await;
    wait_for_end(&mut browser, &job).await;
    let page = browser.get(&job).await;
    assert!(page.body.contains("Done: 2 users created") && page.body.contains("(Password)"), "{page}");
    assert!(!page.body.contains("Change columns"), "{page}");
    shown.extend([page, browser.get(&format!("{job}?show=all")).await, result(&mut browser, &job).await]);
    for page in &shown {
        assert!(!page.to_string().contains(SECRET), "{page}");
    }
    assert_eq!(server.log_in("ann@example.com", SECRET).await.rows(), 1);
    assert_eq!(server.admin().user("bob@example.com").await.unwrap().name, "Bob");
}

#[tokio::test]
async fn columns_are_changed_until_users_are_created() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let file = "email,name,nickname,userAccountControl\nann@example.com,Ann Lee,Annie,514\n";
    let job = location(&browser.upload(&path("/import"), "users.csv", file.as_bytes()).await);
    wait_for_end(&mut browser, &job).await;
    let columns = format!("{job}/columns");
    let page = browser.get(&columns).await;
    assert_eq!(selected(&page), ["email", "name", "ignore", "recognised"], "{page}");
    let choices = ["email", "ignore", "name", "recognised"];
    assert_eq!(location(&choose(&mut browser, &columns, &choices).await), job);
    wait_for_end(&mut browser, &job).await;
    assert_eq!(selected(&browser.get(&columns).await), choices);
    let page = browser.get(&format!("{job}?show=all")).await;
    assert!(page.body.contains("Annie") && !page.body.contains("Ann Lee"), "{page}");
    assert!(page.body.contains("1 user is not active in the file; new ones are created disabled"), "{page}");
    start_job(&mut browser, &job).await;
    wait_for_end(&mut browser, &job).await;
    // The file is no longer in memory.
    let late = choose(&mut browser, &columns, &["email", "name", "ignore", "ignore"]).await;
    assert!(late.status == 422 && late.body.contains("cannot be changed"), "{late}");
    assert_eq!(browser.get(&columns).await.status, 200);
    assert_eq!(server.admin().user("ann@example.com").await.unwrap().name, "Annie");
}

#[tokio::test]
async fn files_of_every_format_have_columns() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let utf16: Vec<u8> =
        "\u{feff}Who,Contact\r\nÅsa,ann@example.com\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (file, choices, name) in [
        (&utf16[..], &["name", "email"][..], "Åsa"),
        (
            b"email,E-Mail,name\nx@elsewhere.example,ann@example.com,Ann\n",
            &["ignore", "email", "name"],
            "Ann",
        ),
        (br#"{"who":{"called":"Bo","contact":"ann@example.com"}}"#, &["name", "email"], "Bo"),
        (b"dn: uid=ann\ncontact: ann@example.com\ncn: Cid\n", &["email", "name"], "Cid"),
    ] {
        let columns = upload(&mut browser, file).await;
        let job = location(&choose(&mut browser, &columns, choices).await);
        wait_for_end(&mut browser, &job).await;
        let page = browser.get(&format!("{job}?show=all")).await;
        assert!(page.body.contains("Create 1 user<") && page.body.contains(name), "{name}: {page}");
    }
}

#[tokio::test]
async fn waiting_files_have_the_limits_of_imports() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    // Two files of the largest size fit into an account; the oldest makes room.
    let large = format!("Contact\n{}", "x".repeat(100).repeat((16 << 20) / 100 - 20));
    let large = large.as_bytes();
    let checked = location(&browser.upload(&path("/import"), "a.csv", b"email\nann@example.com\n").await);
    wait_for_end(&mut browser, &checked).await;
    let long_row = browser.upload(&path("/import"), "users.csv", large).await;
    assert!(long_row.status == 422 && long_row.body.contains("longer than"), "{long_row}");
    let rows = format!("Contact\n{}", format!("{}\n", "x".repeat(1_000)).repeat((16 << 20) / 1_001 - 2));
    let mut pages = Vec::new();
    for _ in 0..3 {
        pages.push(upload(&mut browser, rows.as_bytes()).await);
    }
    let mut statuses = Vec::new();
    for page in &pages {
        statuses.push(browser.get(page).await.status);
    }
    assert_eq!(statuses, [404, 200, 200]);
    // A checked import continues without its file.
    let page = browser.get(&checked).await;
    assert!(page.body.contains("Create 1 user<") && !page.body.contains("Change columns"), "{page}");

    // Another administrator of the account sees them, also after a sign-out; other accounts don't.
    browser.post("/console/sign-out", &[]).await;
    let mut colleague = administrator(&server).await;
    assert_eq!(colleague.get(&pages[2]).await.status, 200);
    let mut other = server.signed_in("admin@other.example", PASSWORD).await;
    let elsewhere = pages[2].replace(testkit::ACCOUNT, testkit::OTHER_ACCOUNT);
    assert_eq!(other.get(&elsewhere).await.status, 404);
    assert_eq!(choose(&mut other, &elsewhere, &["email"]).await.status, 404);
    assert_eq!(choose(&mut other, &pages[2], &["email"]).await.status, 403);
    server.clock().advance(jiff::SignedDuration::from_hours(24));
    let mut browser = administrator(&server).await;
    upload(&mut browser, unknown_header().as_bytes()).await;
    assert_eq!(browser.get(&pages[2]).await.status, 404);
}
