//! Settings of an account: packages, Basic-AD, the emergency contact.

use serde_json::json;
use testkit::{ACCOUNT, LOWER_ACCOUNT, PASSWORD, Response, TestServer};

const ADMIN: &str = "admin@example.com";
const CONTACT: &str = "/account/cloud-gateway/v1/emergency-contact";

async fn log_in(server: &TestServer, app_id: &str, scheme: &str, password: &str) -> Response {
    let mut headers = vec![("x-mc-app-id".to_owned(), app_id.as_bytes().to_vec())];
    headers.push(("authorization".to_owned(), testkit::basic(scheme, ADMIN, password).into_bytes()));
    server.raw("/api/login/login", &headers, json!({"data": [{"userName": ADMIN}]}).to_string()).await
}

#[tokio::test]
async fn packages_are_what_the_operator_says() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let before = administrator.call("/api/provisioning/get-packages", json!([])).await;
    assert_eq!(before.json()["data"], json!([{"products": {"id": "1", "name": "Internal Directory"}}]));
    let packages = ["Mail [9702]", "Archive, for ever [12]", "Plain", "Mail [9702]"].map(str::to_owned);
    // By another process, while the server runs: noticed within the second of the snapshot.
    let events = server.events_since(&[]).await;
    server.admin_beside().change_settings(ACCOUNT, Some(&packages), None).await.unwrap();
    server.clock().advance(jiff::SignedDuration::from_secs(1));
    let answer = administrator.call("/api/provisioning/get-packages", json!([])).await;
    let account = administrator.call("/api/account/get-account", json!([])).await;
    assert_eq!(
        account.json()["data"][0]["packages"],
        json!(["Mail [9702]", "Archive, for ever [12]", "Plain"]),
        "without the repetition"
    );
    let other = server.other_administrator().call("/api/provisioning/get-packages", json!([])).await;
    assert_eq!(other.json(), before.json(), "another account has its own");
    let told = server.events_since(&events).await;
    let told: Vec<_> =
        told.iter().map(|e| format!("{} {} {} {}", e.actor, e.action, e.target, e.detail)).collect();
    insta::assert_snapshot!(format!("{answer}\n\n{}", told.join("\n")));
    for wrong in [vec![], vec![" ".to_owned()], vec!["x".repeat(257)]] {
        server.admin().change_settings(ACCOUNT, Some(&wrong), None).await.unwrap_err();
    }
    server.admin().change_settings("CNONE", None, Some(true)).await.unwrap_err();
}

#[tokio::test]
async fn basic_ad_is_basic_cloud_where_the_operator_says_so() {
    let server = TestServer::start().await;
    let app_id = server.administrator().keys().app_id.clone();
    let discover = async || {
        let body = json!({"data": [{"emailAddress": ADMIN}]}).to_string();
        let headers = [("x-mc-app-id".to_owned(), app_id.as_bytes().to_vec())];
        server.raw("/api/login/discover-authentication", &headers, body).await.json()["data"][0]["authenticate"].clone()
    };
    let off = log_in(&server, &app_id, "Basic-AD", PASSWORD).await;
    assert_eq!((off.status, off.codes()), (401, vec!["err_login_type_not_supported".to_owned()]));
    assert_eq!(discover().await, json!(["Basic-Cloud"]));

    server.admin_beside().change_settings(ACCOUNT, None, Some(true)).await.unwrap();
    assert_eq!(discover().await, json!(["Basic-Cloud", "Basic-AD"]));
    for scheme in ["Basic-AD", "Basic-Ad", "basic-ad"] {
        let good = log_in(&server, &app_id, scheme, PASSWORD).await;
        assert_eq!((good.status, good.rows()), (200, 1), "{scheme}: {good}");
    }
    // One lockout for both.
    let events = server.events_since(&[]).await;
    for (scheme, password) in
        [("Basic-AD", "1"), ("Basic-Cloud", "2"), ("Basic-AD", "3"), ("Basic-AD", "4"), ("Basic-AD", "5")]
    {
        let wrong = log_in(&server, &app_id, scheme, password).await;
        assert_eq!((wrong.status, wrong.codes()), (401, vec!["err_login_refused".to_owned()]));
    }
    for scheme in ["Basic-AD", "Basic-Cloud"] {
        assert_eq!(log_in(&server, &app_id, scheme, PASSWORD).await.status, 401, "{scheme}: locked out");
    }
    let told = server.events_since(&events).await;
    let told: Vec<_> =
        told.iter().map(|e| format!("{} {} {} {}", e.actor, e.action, e.target, e.detail)).collect();
    insta::assert_snapshot!(told.join("\n"));
    // The account of the application decides.
    let foreign = server.other_administrator().keys().app_id.clone();
    let refused = log_in(&server, &foreign, "Basic-AD", PASSWORD).await;
    assert_eq!(refused.codes(), ["err_login_type_not_supported"]);
    server.admin().change_settings(ACCOUNT, None, Some(false)).await.unwrap();
    assert_eq!(
        log_in(&server, &app_id, "Basic-AD", PASSWORD).await.codes(),
        ["err_login_type_not_supported"]
    );
}

#[tokio::test]
async fn an_emergency_contact_is_replaced_as_a_whole() {
    let server = TestServer::start().await;
    let administrator = server.administrator();
    let mut shown = format!("# at first\n{}\n", server.get_signed(&administrator, CONTACT).await);
    let all = json!({
        "contactName": "Ann Lee", "contactEmailAddress": "ann@example.net", "mobilePhone": "+44 1", "telephone": "+44 2",
        "alternateEmailAddresses": ["b@example.net", "a@example.net"],
    });
    let events = server.events_since(&[]).await;
    // The same request again is carried out once.
    let signed = administrator.signed(CONTACT);
    let headers: Vec<_> =
        signed.iter().map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect();
    let first = server.request("PUT", CONTACT, &headers, all.to_string()).await;
    let again = server.request("PUT", CONTACT, &headers, all.to_string()).await;
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    assert_eq!(server.events_since(&events).await.len(), 1);
    shown.push_str(&format!("# all of it\n{first}\n"));
    assert_eq!(server.get_signed(&administrator, CONTACT).await.body, first.body);
    let less = r#"{"contactName":"Bo","contactEmailAddress":"bo@example.net"}"#;
    let less = server.request_signed(&administrator, "PUT", CONTACT, less).await;
    shown.push_str(&format!("# the rest is gone\n{less}\n"));
    for (about, wrong) in [
        ("nothing", json!({})),
        ("blank", json!({"contactName": " ", "contactEmailAddress": "bo@example.net"})),
        (
            "no address",
            json!({"contactName": "Bo", "contactEmailAddress": "bo", "alternateEmailAddresses": ["x"]}),
        ),
        (
            "too long",
            json!({"contactName": "Bo", "contactEmailAddress": "bo@example.net", "telephone": "1".repeat(65)}),
        ),
        (
            "another account",
            json!({"accountCode": LOWER_ACCOUNT, "contactName": "Bo", "contactEmailAddress": "bo@example.net"}),
        ),
        (
            "too many",
            json!({"contactName": "Bo", "contactEmailAddress": "bo@example.net",
            "alternateEmailAddresses": vec!["a@example.net"; 21]}),
        ),
    ] {
        let refused = server.request_signed(&administrator, "PUT", CONTACT, wrong.to_string()).await;
        shown.push_str(&format!("# {about}\n{refused}\n"));
    }
    let post = server.request_signed(&administrator, "POST", CONTACT, "{}").await;
    shown.push_str(&format!("# another method\n{post}\n"));
    let told = server.events_since(&events).await;
    let told: Vec<_> =
        told.iter().map(|e| format!("{} {} {} {}", e.actor, e.action, e.target, e.detail)).collect();
    insta::assert_snapshot!(format!("{shown}\n{}", told.join("\n")));
}
