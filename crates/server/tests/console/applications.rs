//! Applications and keys with their use.

use testkit::TestServer;

use crate::{administrator, link, path};

/// A User-Agent that tries to inject a script.
const PROBE: &str = "\"><script>alert(1)</script>'{{7*7}}";

#[tokio::test]
async fn a_key_pair_is_shown_with_its_use() {
    let server = TestServer::start().await;
    let (caller, mut browser) = (server.administrator(), administrator(&server).await);
    let application = path(&format!("/applications/{}", caller.keys().app_id));
    let page = browser.get(&application).await;
    assert!(page.body.contains("never used"), "{page}");
    server.create_by(&caller, "import/1.0", r#"{"data":[{"emailAddress":"ann@example.com"}]}"#).await;
    server.create_by(&caller, "import/2.0", "no body").await;
    let user = link(&browser.get(&path("/users")).await, "admin@example.com");
    for page in [&application, &user] {
        let page = browser.get(page).await.body;
        for shown in ["import/2.0, from 127.0.0.1", "2 requests, 50 % refused", "err_deserialise"] {
            assert!(page.contains(shown), "{shown}: {page}");
        }
        assert!(!page.contains("import/1.0"), "{page}");
    }
    server.create_by(&caller, PROBE, "").await;
    server.create_by(&caller, "", "").await;
    server.create_by(&caller, PROBE, "").await;
    for page in [&application, &user] {
        let page = browser.get(page).await.body;
        assert!(!page.contains("<script>alert") && page.contains("&#60;script&#62;alert(1)"), "{page}");
    }
}

#[tokio::test]
async fn an_application_of_api_2_is_shown_with_its_use() {
    let server = TestServer::start().await;
    let application = server.application("Super Administrator", &server::admin::products()).await;
    let mut browser = administrator(&server).await;
    assert!(browser.get(&path("/applications")).await.body.contains("never used"));
    let token = server.token(&application).await;
    for _ in 0..2 {
        assert_eq!(server.get_as(&token, "/user/cloud-gateway/v1/users").await.status, 200);
    }
    let page = browser.get(&path("/applications")).await.body;
    assert!(page.contains("2 requests, none refused") && !page.contains("never used"), "{page}");
    // The example call of a new application is one that it may make.
    let form = [("name", "Second"), ("product", "userandgroupmanagement")];
    let role =
        page.split("<select name=\"role\"><option value=\"").nth(1).unwrap().split('"').next().unwrap();
    let made = browser.post(&path("/clients"), &[form[0], form[1], ("role", role)]).await.body;
    assert!(made.contains("/user/cloud-gateway/v1/users"), "{made}");
}
