//! Failures at every step of every page that works on stored objects.

use serde_json::{Value, json};
use server::console::Method;
use server::console::PAGES;
use testkit::{Browser, PASSWORD, TestServer};

use crate::explore::{CALLER, Plan, Request, explore, tell};
use crate::{link, location, path};

const PLAIN: &str = "plain@example.com";

/// The text between two others on a page.
fn between<'p>(page: &'p str, before: &str, after: &str) -> &'p str {
    let rest = page.split_once(before).unwrap_or_else(|| panic!("no {before} in {page}")).1;
    rest.split_once(after).unwrap_or_else(|| panic!("no {after} in {page}")).0
}

/// The objects that pages are about.
struct Objects {
    user: String,
    group: String,
    app: String,
    key: String,
    client: String,
    token: String,
    role: String,
    own_role: String,
    pending_domain: String,
}

impl Objects {
    async fn create(server: &TestServer, browser: &mut Browser<'_>) -> Self {
        let caller = server.administrator();
        let created = async |endpoint: &str, item: Value| {
            let row = caller.call(endpoint, json!([item])).await.json()["data"][0].clone();
            row["id"].as_str().unwrap().to_owned()
        };
        let user = link(&browser.get(&path("/users")).await, PLAIN);
        let group = location(&browser.post(&path("/groups"), &[("description", "Explored")]).await);
        let group = group.split('?').next().unwrap().to_owned();
        browser.post(&format!("{group}/members"), &[("address", "reader@example.com")]).await;
        let list = browser.get(&path("/applications")).await.body;
        let app = caller.keys().app_id.clone();
        let key = browser.get(&path(&format!("/applications/{app}"))).await.body;
        let client = server.application("Super Administrator", &server::admin::products()).await;
        let own_role = json!({"name": "Gone soon", "permissions": ["Account | Logs | Read"]});
        let domain = json!({"domain": "pending.example", "inboundType": "known"});
        Self {
            user,
            group,
            app,
            key: between(&key, "name=\"key\" value=\"", "\"").to_owned(),
            token: server.admin().add_token(&client.client_id, None).await.unwrap().0.to_string(),
            client: client.client_id,
            role: between(&list, "<select name=\"role\"><option value=\"", "\"").to_owned(),
            own_role: created("/api/role/create-role", own_role).await,
            pending_domain: created("/api/domain/create-domain", domain).await,
        }
    }

    /// The fields of the forms that change something, by the page's path below the account.
    fn forms(&self) -> Vec<(&'static str, Vec<(&'static str, &str)>)> {
        let (key, role) = (self.key.as_str(), self.role.as_str());
        let sure = ("sure", "yes");
        vec![
            ("/domains", vec![("domain", "new.example")]),
            ("/domains/verify", vec![("domain", "pending.example")]),
            ("/domains/drop", vec![("id", &self.pending_domain)]),
            ("/applications", vec![("name", "Explorer")]),
            ("/applications/{app}/keys", vec![("address", "reader@example.com"), ("days", "3")]),
            ("/applications/{app}/revoke", vec![("key", key)]),
            ("/applications/{app}/rotate", vec![("key", key), ("hours", "1")]),
            ("/applications/{app}/disable", vec![("confirm", "An application")]),
            ("/clients", vec![("name", "New"), ("role", role), ("product", "userandgroupmanagement")]),
            ("/clients/{client}/tokens", vec![("days", "3")]),
            ("/clients/{client}/revoke", vec![("id", &self.token), sure]),
            ("/clients/{client}/scim-settings", vec![("address_from", "emails"), ("deletions", "5")]),
            ("/clients/{client}/disable", vec![("confirm", "A program")]),
            ("/audit/verify", vec![]),
            ("/groups", vec![("description", "New")]),
            ("/groups/{group}", vec![("description", "Renamed")]),
            ("/groups/{group}/members", vec![("address", PLAIN)]),
            ("/groups/{group}/remove", vec![("address", "reader@example.com")]),
            ("/groups/{group}/delete", vec![]),
            ("/roles", vec![("name", "New"), ("permission", "Account | Logs | Read")]),
            ("/roles/delete", vec![("id", &self.own_role)]),
            ("/users/bulk", vec![("to", "lock"), ("pick", PLAIN), sure]),
            ("/users/new", vec![("address", "new@example.com"), ("name", "New"), ("how", "generate")]),
            ("/users/{user}", vec![("name", "Renamed")]),
            ("/users/{user}/address", vec![("address", "renamed@example.com")]),
            ("/users/{user}/state", vec![("to", "disable"), sure]),
            ("/users/{user}/password", vec![sure]),
            ("/users/{user}/role", vec![("role", role), sure]),
            ("/users/{user}/alias", vec![("alias", "other@example.com")]),
            ("/users/{user}/remove", vec![("confirm", PLAIN)]),
            ("/users/{user}/purge", vec![]),
            ("/users/{user}/keep", vec![]),
        ]
    }

    fn fill(&self, page: &str) -> String {
        page.replace("/console/{account}", &path(""))
            .replace(&format!("{}/users/{{user}}", path("")), &self.user)
            .replace(&format!("{}/groups/{{group}}", path("")), &self.group)
            .replace("{app}", &self.app)
            .replace("{client}", &self.client)
    }
}

#[tokio::test]
async fn a_failure_during_a_page_leaves_it_done_or_not_done() {
    let mut plan = Plan::new(80);
    let server = TestServer::start_with(|config| config.quota.enabled = false).await;
    server.promote("reader@example.com", "Super Administrator").await;
    let mut browser = server.signed_in(CALLER, PASSWORD).await;
    let objects = Objects::create(&server, &mut browser).await;
    let forms = objects.forms();
    let pair = server.caller_for(CALLER).await;
    let (cookie, token) = (browser.cookie.clone().unwrap(), browser.token().await);
    let fixture = server.fixture().await;
    // Fixtures do not contain what is kept in memory.
    let lasting =
        |path: &&str| !path.contains("{job}") && !path.contains("{entry}") && !path.contains("/journal");
    for page in PAGES.iter().copied().flatten().filter(|page| lasting(&page.path) && !page.takes_file) {
        let below = page.path.strip_prefix("/console/{account}").unwrap();
        let get = matches!(page.method, Method::Get);
        let form = forms.iter().find(|(page, _)| *page == below).map(|(_, form)| form);
        assert!(get || form.is_some(), "{below}: say in `Objects::forms` what its form holds");
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
            path: objects.fill(page.path),
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
