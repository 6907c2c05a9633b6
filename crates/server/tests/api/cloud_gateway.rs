//! Groups and domains in the style of API 2.0, by the calls that tools for infrastructure as code make.

use serde_json::{Value, json};
use testkit::{ACCOUNT, Response, TestServer, bearer};

use crate::user;

const GROUPS: &str = "/directory/cloud-gateway/v1/groups";

/// A server, and the token of an application that may do everything.
struct Walk {
    server: TestServer,
    token: String,
}

impl Walk {
    async fn start() -> Self {
        let server = TestServer::start().await;
        let application = server.application("Super Administrator", &server::admin::products()).await;
        let token = server.token(&application).await;
        Self { server, token }
    }

    async fn get(&self, path: &str) -> Response {
        self.server.get_as(&self.token, path).await
    }

    async fn post(&self, path: &str, body: Value) -> Response {
        self.server.post_as(&self.token, path, body.to_string()).await
    }

    /// The secure id of a new group.
    async fn group(&self, body: Value) -> String {
        let made = self.post(GROUPS, body).await;
        assert_eq!(made.status, 201, "{made}");
        made.json()["id"].as_str().unwrap().to_owned()
    }

    /// The rows of every page.
    async fn all(&self, path: &str, rows: &str, size: usize) -> Vec<Value> {
        let (mut all, mut next) = (Vec::new(), String::new());
        loop {
            let answer = self.get(&format!("{path}?pageSize={size}&pageToken={next}")).await;
            assert_eq!(answer.status, 200, "{answer}");
            let page = answer.json();
            let found = page[rows].as_array().unwrap().clone();
            assert_eq!(page["meta"]["pagination"]["pageSize"], found.len());
            all.extend(found);
            match page["meta"]["pagination"]["next"].as_str() {
                Some(token) => token.clone_into(&mut next),
                None => return all,
            }
        }
    }
}

/// Status and first code.
fn refused(answer: &Response) -> (u16, String) {
    (answer.status, answer.json()["errors"][0]["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_group_is_created_read_filled_emptied_and_deleted() {
    let walk = Walk::start().await;
    walk.server.administrator().create(user("ann@example.com")).await;
    let made = walk.post(GROUPS, json!({"description": "Engineering"})).await;
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let hide = |answer: &Response| answer.to_string().replace(&id, "…");
    insta::assert_snapshot!("created", hide(&made));
    let read = walk.get(&format!("{GROUPS}/{id}")).await;
    let root = read.json()["parentId"].as_str().unwrap().to_owned();
    insta::assert_snapshot!("read", hide(&read).replace(&root, "(root)"));

    let members = format!("{GROUPS}/{id}/members");
    let both = json!({"groupMembers": [{"emailAddress": "ann@example.com", "note": "leads"}, {"domain": "Elsewhere.example"}]});
    insta::assert_snapshot!("added", walk.post(&members, both.clone()).await);
    insta::assert_snapshot!("members", walk.get(&members).await);
    let counted = walk.get(&format!("{GROUPS}/{id}")).await.json()["userCount"].clone();
    assert_eq!(counted, 2);
    // Each fails alone, and the results keep the order.
    let mixed = json!({"groupMembers": [{"domain": "new.example"}, {"emailAddress": "ann@example.com"},
        {"emailAddress": "nobody@example.com"}, {"emailAddress": "x"}, {},
        {"emailAddress": "y@new.example", "note": "\u{7}"}]});
    insta::assert_snapshot!("mixed", walk.post(&members, mixed).await);

    let remove = format!("{GROUPS}/{id}/remove-members");
    let mut one = both["groupMembers"][0].clone();
    one.as_object_mut().unwrap().remove("note");
    insta::assert_snapshot!("removed", walk.post(&remove, json!({"data": [one]})).await);
    let again = walk.post(&remove, json!({"data": [one]})).await;
    assert_eq!((again.status, &again.json()["results"][0]["success"]), (200, &json!(false)), "{again}");
    let left = walk.all(&members, "groupMembers", 1).await;
    assert_eq!(
        left.iter().map(|row| row["domain"].clone()).collect::<Vec<_>>(),
        ["elsewhere.example", "new.example"]
    );

    // The classic endpoints take the same id: tools update and delete with them.
    let renamed = json!({"data": [{"id": id, "description": "Platform"}]});
    assert_eq!(walk.post("/api/directory/update-group", renamed).await.rows(), 1);
    assert_eq!(walk.get(&format!("{GROUPS}/{id}")).await.json()["description"], "Platform");
    assert_eq!(walk.post("/api/directory/delete-group", json!({"data": [{"id": id}]})).await.rows(), 1);
    for answer in
        [walk.get(&format!("{GROUPS}/{id}")).await, walk.get(&members).await, walk.post(&members, both).await]
    {
        assert_eq!(refused(&answer), (404, "err_not_found".to_owned()), "{answer}");
    }
}

#[tokio::test]
async fn what_can_not_be_done_with_a_group_says_why() {
    let walk = Walk::start().await;
    let id = walk.group(json!({"description": "Engineering"})).await;
    let members = format!("{GROUPS}/{id}/members");
    let many: Vec<_> = (0..1_001).map(|n| json!({"domain": format!("d{n}.example")})).collect();
    for (path, body, expected) in [
        (GROUPS, json!({"description": "engineering "}), (409, "err_already_exists")),
        (GROUPS, json!({}), (400, "err_validation_null")),
        (GROUPS, json!({"description": "x", "parentId": "x"}), (400, "err_validation_invalid_id")),
        (GROUPS, json!([]), (400, "err_deserialise")),
        (&*members, json!({}), (400, "err_validation_null")),
        (&members, json!({"groupMembers": []}), (400, "err_validation_null")),
        (&members, json!({"groupMembers": "ann@example.com"}), (400, "err_validation_type")),
        (&members, json!({"groupMembers": many}), (400, "err_validation_item_count")),
    ] {
        let answer = walk.post(path, body).await;
        assert_eq!(refused(&answer), (expected.0, expected.1.to_owned()), "{path}: {answer}");
    }
    // The token of a page is one of this group.
    for n in 0..3 {
        walk.post(&members, json!({"groupMembers": [{"domain": format!("d{n}.example")}]})).await;
    }
    let next = walk.get(&format!("{members}?pageSize=1")).await.json()["meta"]["pagination"]["next"].clone();
    let other = walk.group(json!({"description": "Other"})).await;
    let foreign = format!("{GROUPS}/{other}/members?pageToken={}", next.as_str().unwrap());
    for path in [foreign.as_str(), &format!("{GROUPS}?pageToken=x"), &format!("{GROUPS}?pageSize=0")] {
        assert_eq!(walk.get(path).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn lists_page_to_the_end() {
    let walk = Walk::start().await;
    let mut made = Vec::new();
    for n in 0..5 {
        made.push(walk.group(json!({"description": format!("Group {n}")})).await);
    }
    let groups = walk.all(GROUPS, "groups", 2).await;
    // Those of one moment have no order among them.
    let mut ids: Vec<_> = groups.iter().map(|group| group["id"].as_str().unwrap()).collect();
    let mut expected: Vec<_> = made.iter().map(String::as_str).collect();
    ids.sort_unstable();
    expected.sort_unstable();
    assert_eq!(ids, expected);
    assert_eq!(walk.all(GROUPS, "groups", 5).await, groups);

    let internal = walk.all("/domain/cloud-gateway/v1/internal-domains", "domains", 1).await;
    let classic = walk.post("/api/domain/get-internal-domain", json!({"data": []})).await.json();
    assert_eq!(json!(internal), classic["data"], "the rows are those of the classic list");
    let register = |name: &str| json!({"data": [{"domain": name, "inboundType": "known"}]});
    for name in ["b.pending.example", "a.pending.example"] {
        assert_eq!(walk.post("/api/domain/create-domain", register(name)).await.rows(), 1);
    }
    let pending = walk.all("/domain/cloud-gateway/v1/pending-domains", "domains", 1).await;
    let classic = walk.post("/api/domain/get-pending-domain", json!({"data": []})).await.json();
    assert_eq!((json!(pending), pending.len()), (classic["data"].clone(), 2));

    let external = "/domain/cloud-gateway/v1/external-domains";
    assert!(walk.all(external, "domains", 1).await.is_empty());
    let outside = json!({"groupMembers": [{"emailAddress": "a@two.elsewhere.example"}, {"domain": "one.elsewhere.example"},
        {"emailAddress": "b@two.elsewhere.example"}, {"domain": "example.com"}]});
    walk.post(&format!("{GROUPS}/{}/members", made[0]), outside).await;
    let found = walk.all(external, "domains", 1).await;
    let names: Vec<_> = found.iter().map(|row| row["domain"].clone()).collect();
    assert_eq!(names, ["one.elsewhere.example", "two.elsewhere.example"]);
    assert!(found.iter().all(|row| row["id"].is_string()));
}

/// With a request id, a call is carried out once; the id in the path is a part of what is compared.
#[tokio::test]
async fn members_are_changed_once_for_a_request_id() {
    let walk = Walk::start().await;
    let (one, other) =
        (walk.group(json!({"description": "One"})).await, walk.group(json!({"description": "Other"})).await);
    let mut headers = bearer(&walk.token);
    headers.push(("x-mc-req-id".to_owned(), b"8578fcfc-a305-4d9a-99cb-f4d5ecefe297".to_vec()));
    let add = async |group: &str| {
        let body = json!({"groupMembers": [{"domain": "elsewhere.example"}]}).to_string();
        walk.server.raw(&format!("{GROUPS}/{group}/members"), &headers, body).await
    };
    let first = add(&one).await;
    assert_eq!((first.status, &first.json()["results"][0]["success"]), (200, &json!(true)), "{first}");
    assert_eq!(add(&one).await.body, first.body);
    assert_eq!(add(&other).await.status, 409, "the same id for another group");
}

/// Who adds or removes a user must hold every permission of that user.
#[tokio::test]
async fn a_weaker_application_changes_no_membership_of_a_stronger_user() {
    let walk = Walk::start().await;
    walk.server.administrator().create(user("ann@example.com")).await;
    let id = walk.group(json!({"description": "Engineering"})).await;
    let member = json!({"groupMembers": [{"emailAddress": "ann@example.com"}]}).to_string();
    let (members, remove) = (format!("{GROUPS}/{id}/members"), format!("{GROUPS}/{id}/remove-members"));
    walk.server
        .admin()
        .add_role(ACCOUNT, "Weaker", &["Directories | Groups | Edit".to_owned()])
        .await
        .unwrap();
    let weaker = walk.server.application("Weaker", &server::admin::products()).await;
    let weaker = walk.server.token(&weaker).await;
    let change = async |path: &str| {
        let answer = walk.server.post_as(&weaker, path, member.clone()).await;
        let result = answer.json()["results"][0].clone();
        (result["success"].clone(), result["errors"][0]["code"].clone())
    };
    walk.server.admin().set_role("ann@example.com", Some("Super Administrator")).await.unwrap();
    assert_eq!(change(&members).await, (json!(false), json!("err_role_not_covered")));
    assert_eq!(
        walk.server.post_as(&walk.token, &members, member.clone()).await.json()["results"][0]["success"],
        true
    );
    assert_eq!(change(&remove).await, (json!(false), json!("err_role_not_covered")));
    walk.server.admin().set_role("ann@example.com", None).await.unwrap();
    assert_eq!(change(&remove).await, (json!(true), Value::Null));
}
