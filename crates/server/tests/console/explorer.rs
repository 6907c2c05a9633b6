//! Every page whose thing outlives the process, struck at every step.

use serde_json::{Value, json};
use server::Method;
use server::console::PAGES;
use testkit::{Browser, PASSWORD, TestServer};

use crate::explore::{CALLER, Plan, Request, explore, tell};
use crate::{link, location, path};

const PLAIN: &str = "plain@example.com";

/// What stands between two texts of a page.
fn between<'p>(page: &'p str, before: &str, after: &str) -> &'p str {
    let rest = page.split_once(before).unwrap_or_else(|| panic!("no {before} in {page}")).1;
    rest.split_once(after).unwrap_or_else(|| panic!("no {after} in {page}")).0
}

/// The things that pages are about, and what is in the forms of those that change something.
struct Things {
    user: String,
    group: String,
    app: String,
    forms: Vec<(&'static str, Vec<(&'static str, String)>)>,
}

impl Things {
    async fn of(server: &TestServer, browser: &mut Browser<'_>) -> Self {
        let caller = server.administrator();
        let made = async |endpoint: &str, item: Value| {
            caller.call(endpoint, json!([item])).await.json()["data"][0].clone()
        };
        let user = link(&browser.get(&path("/users")).await, PLAIN);
        let group = location(&browser.post(&path("/groups"), &[("description", "Explored")]).await);
        let group = group.split('?').next().unwrap().to_owned();
        browser.post(&format!("{group}/members"), &[("address", "reader@example.com")]).await;
        let list = browser.get(&path("/applications")).await.body;
        let app = caller.keys().app_id.clone();
        let key = browser.get(&path(&format!("/applications/{app}"))).await.body;
        let key = between(&key, "name=\"key\" value=\"", "\"").to_owned();
        let role = between(&list, "<select name=\"role\"><option value=\"", "\"").to_owned();
        let client =
            server.application("Super Administrator", &server::admin::products()).await.client_id.clone();
        let own = made(
            "/api/role/create-role",
            json!({"name": "Gone soon", "permissions": ["Account | Logs | Read"]}),
        )
        .await;
        let pending =
            made("/api/domain/create-domain", json!({"domain": "pending.example", "inboundType": "known"}))
                .await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let of = |text: &str| text.to_owned();
        let sure = ("sure", of("yes"));
        let forms = vec![
            ("/domains", vec![("domain", of("new.example"))]),
            ("/domains/verify", vec![("domain", of("pending.example"))]),
            ("/domains/drop", vec![("id", text(&pending["id"]))]),
            ("/applications", vec![("name", of("Explorer"))]),
            ("/applications/{app}/keys", vec![("address", of("reader@example.com")), ("days", of("3"))]),
            ("/applications/{app}/revoke", vec![("key", key.clone())]),
            ("/applications/{app}/rotate", vec![("key", key), ("hours", of("1"))]),
            ("/applications/{app}/disable", vec![("confirm", of("An application"))]),
            (
                "/clients",
                vec![("name", of("New")), ("role", role.clone()), ("product", of("userandgroupmanagement"))],
            ),
            ("/clients/disable", vec![("client", client)]),
            ("/audit/verify", vec![]),
            ("/groups", vec![("description", of("New"))]),
            ("/groups/{group}", vec![("description", of("Renamed"))]),
            ("/groups/{group}/members", vec![("address", of(PLAIN))]),
            ("/groups/{group}/remove", vec![("address", of("reader@example.com"))]),
            ("/groups/{group}/delete", vec![]),
            ("/roles", vec![("name", of("New")), ("permission", of("Account | Logs | Read"))]),
            ("/roles/delete", vec![("id", text(&own["id"]))]),
            ("/users/bulk", vec![("to", of("lock")), ("pick", of(PLAIN)), sure.clone()]),
            (
                "/users/new",
                vec![("address", of("new@example.com")), ("name", of("New")), ("how", of("generate"))],
            ),
            ("/users/{user}", vec![("name", of("Renamed"))]),
            ("/users/{user}/state", vec![("to", of("disable")), sure.clone()]),
            ("/users/{user}/password", vec![sure.clone()]),
            ("/users/{user}/role", vec![("role", role), sure]),
            ("/users/{user}/alias", vec![("alias", of("other@example.com"))]),
            ("/users/{user}/remove", vec![("confirm", of(PLAIN))]),
            ("/users/{user}/purge", vec![]),
            ("/users/{user}/keep", vec![]),
        ];
        Self { user, group, app, forms }
    }

    fn fill(&self, page: &str) -> String {
        page.replace("/console/{account}", &path(""))
            .replace(&format!("{}/users/{{user}}", path("")), &self.user)
            .replace(&format!("{}/groups/{{group}}", path("")), &self.group)
            .replace("{app}", &self.app)
    }
}

#[tokio::test]
async fn whatever_strikes_in_the_middle_a_visit_came_before_it_or_after_it() {
    let mut plan = Plan::new(80);
    let server = TestServer::start_with(|config| config.quota.enabled = false).await;
    server.promote("reader@example.com", "Super Administrator").await;
    let mut browser = server.signed_in(CALLER, PASSWORD).await;
    let things = Things::of(&server, &mut browser).await;
    let pair = server.caller_for(CALLER).await;
    let (cookie, token) = (browser.cookie.clone().unwrap(), browser.token().await);
    let fixture = server.fixture().await;
    // What is kept in memory is in no copy.
    let lasting =
        |path: &&str| !path.contains("{job}") && !path.contains("{entry}") && !path.contains("/journal");
    for page in PAGES.iter().copied().flatten().filter(|page| lasting(&page.path) && !page.takes_file) {
        let below = page.path.strip_prefix("/console/{account}").unwrap();
        let get = matches!(page.method, Method::Get);
        let form = things.forms.iter().find(|(of, _)| *of == below).map(|(_, form)| form);
        assert!(get || form.is_some(), "{below}: say in `Things` what its form holds");
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.append_pair("token", &token);
        body.extend_pairs(form.into_iter().flatten());
        let headers = [
            ("cookie", cookie.as_str()),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let request = Request {
            get,
            path: things.fill(page.path),
            headers: headers.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).into(),
            body: if get { String::new() } else { body.finish() },
            access_key: pair.keys().access_key.clone(),
            app_id: pair.keys().app_id.clone(),
            once: false,
        };
        explore(&mut plan, &fixture, &request).await;
    }
    tell("pages", &plan.told);
}
