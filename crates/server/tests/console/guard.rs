//! Forms of other sites, security headers, and escaping.

use testkit::{PASSWORD, TestServer};

use crate::{administrator, link, location, path};

#[tokio::test]
async fn no_other_site_can_send_a_form() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let token = browser.token().await;
    let fields = |token: &'static str| [("address", "ann@example.com"), ("how", "none"), ("token", token)];
    let token: &'static str = Box::leak(token.into_boxed_str());
    let new = path("/users/new");
    let own = ("sec-fetch-site", "same-origin");
    let refused = [
        (fields(""), vec![own]),
        (fields("AAAA"), vec![own]),
        (fields(token), vec![("sec-fetch-site", "cross-site")]),
        (fields(token), vec![("sec-fetch-site", "same-site")]),
        (fields(token), vec![("sec-fetch-site", "none")]),
        (fields(token), vec![("origin", "https://evil.example")]),
        (fields(token), vec![("origin", "null")]),
    ];
    for (fields, headers) in refused {
        let answer = browser.send_from(&new, &fields, &headers).await;
        assert_eq!(answer.status, 403, "{fields:?} {headers:?}");
        assert!(answer.body.contains("Nothing was saved"), "{answer}");
    }
    // Other sites can't sign a user in or out, either.
    let credentials = [("address", "admin@example.com"), ("password", PASSWORD)];
    for page in ["/console/sign-in", "/console/password", "/console/sign-out"] {
        let answer = browser.send_from(page, &credentials, &[("sec-fetch-site", "cross-site")]).await;
        assert_eq!(answer.status, 403, "{page}");
    }
    assert!(server.admin().user("ann@example.com").await.is_err());
    // The token of another session is refused.
    let mut other = administrator(&server).await;
    assert_eq!(other.send_from(&new, &fields(token), &[own]).await.status, 403);
    // Old browsers send only Origin, and some clients neither header.
    let origin = format!("http://{}", server.address());
    for headers in [vec![("origin", origin.as_str())], vec![]] {
        let form = [("address", "ann@example.com"), ("how", "none"), ("token", token)];
        let answer = browser.send_from(&new, &form, &headers).await;
        assert_ne!(answer.status, 403, "{answer}");
    }
}

#[tokio::test]
async fn every_response_has_security_headers() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    for page in [
        &path("/users"),
        "/console/sign-in",
        "/console",
        "/console/assets/console.css",
        "/console/assets/none",
        "/console/C0",
    ] {
        let answer = browser.get(page).await;
        let policy = answer.header("content-security-policy").unwrap_or_else(|| panic!("{page}"));
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
        let kept = answer.header("cache-control").unwrap();
        assert_eq!(kept == "no-store", !page.ends_with("console.css"), "{page}: {kept}");
    }
}

/// Markup that would run a script or leave an attribute without escaping.
const PROBE: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'{{7*7}}";

/// Every field of a query string that a page reads.
const QUERY_FIELDS: [&str; 18] = [
    "q",
    "domain",
    "after",
    "before",
    "done",
    "target",
    "actor",
    "action",
    "from",
    "to",
    "page",
    "path",
    "code",
    "status",
    "span",
    "application",
    "again",
    "state",
];

#[tokio::test]
async fn input_is_escaped_on_every_page() {
    let server = TestServer::start().await;
    let mut browser = administrator(&server).await;
    let answers = [
        browser
            .post(&path("/users/new"), &[("address", "ann@example.com"), ("name", PROBE), ("how", "none")])
            .await,
        browser.post(&path("/groups"), &[("description", PROBE)]).await,
        browser
            .post(&path("/roles"), &[("name", PROBE), ("permission", "Directories | Internal | Read")])
            .await,
        browser.post(&path("/applications"), &[("name", PROBE)]).await,
    ];
    for answer in &answers {
        assert!(matches!(answer.status, 200 | 303), "{answer}");
    }
    let group = location(&answers[1]);
    browser
        .post(
            &format!("{}/members", group.split('?').next().unwrap()),
            &[("address", "b@x.example"), ("notes", PROBE)],
        )
        .await;
    let ann = link(&browser.get(&path("/users")).await, "ann@example.com");
    let mut pages = vec![group.clone(), ann.clone(), format!("{ann}/remove")];
    let encoded = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    for page in ["", "/users", "/groups", "/roles", "/applications", "/domains", "/journal", "/audit"] {
        pages.push(path(page));
        for field in QUERY_FIELDS {
            pages.push(path(&format!("{page}?{field}={encoded}")));
        }
    }
    pages.push(format!("/console/sign-in?address={encoded}&next={encoded}&after={encoded}"));
    pages.push(format!("{group}&address={encoded}&notes={encoded}"));
    let mut shown = 0;
    for page in &pages {
        let answer = browser.get(page).await;
        assert!(
            !answer.body.contains("<script>") && !answer.body.contains("<img src=x"),
            "{page}: {}",
            answer.body
        );
        assert!(!answer.body.contains("\"><script"), "{page}");
        shown += usize::from(answer.body.contains("&#60;script&#62;alert(1)"));
    }
    assert!(shown >= 8, "the probe is shown, as text, on {shown} pages");
    // Refused input is shown again.
    for (page, field) in [("/users/new", "address"), ("/groups", "description"), ("/domains", "domain")] {
        let answer = browser.post(&path(page), &[(field, PROBE), ("name", PROBE)]).await;
        assert!(!answer.body.contains("<script>"), "{page}: {}", answer.body);
    }
    let refused = browser.sign_in(PROBE, PROBE).await;
    assert!(refused.body.contains("&#60;script&#62;") && !refused.body.contains("<script>"), "{refused}");
}
