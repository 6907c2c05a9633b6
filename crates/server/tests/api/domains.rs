//! Domains: how an account gets one, against a real name server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_server::Server;
use hickory_server::proto::rr::rdata::{SOA, TXT};
use hickory_server::proto::rr::{LowerName, Name, RData, Record};
use hickory_server::store::in_memory::InMemoryZoneHandler;
use hickory_server::zone_handler::{AxfrPolicy, Catalog, ZoneType};
use serde_json::{Value, json};
use server::config::{Domains, Verification};
use testkit::{TestCaller, TestServer};
use tokio::net::{TcpListener, UdpSocket};

const INTERNAL: &str = "/api/domain/get-internal-domain";
const CREATE: &str = "/api/domain/create-domain";
const PENDING: &str = "/api/domain/get-pending-domain";
const CODE: &str = "/api/domain/get-verification-code";
const VERIFY: &str = "/api/domain/verify-domain";
const STATUS: &str = "/api/domain/get-provision-status";
const DELETE: &str = "/api/domain/delete-pending-domain";

/// The row of a call that succeeds.
async fn one(caller: &TestCaller, path: &str, item: Value) -> Value {
    let answer = caller.call(path, json!([item])).await;
    assert_eq!((answer.rows(), answer.codes().len()), (1, 0), "{path}: {answer}");
    answer.json()["data"][0].clone()
}

/// Code and field of the one error of a call, and its message.
async fn refused(caller: &TestCaller, path: &str, item: Value) -> (String, String, String) {
    let answer = caller.call(path, json!([item])).await;
    assert_eq!((answer.status, answer.rows(), answer.codes().len()), (200, 0, 1), "{path}: {answer}");
    let error = &answer.json()["fail"][0]["errors"][0];
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(error["retryable"] == true, text("code") == "err_domain_lookup_failed");
    (text("code"), text("field"), text("message"))
}

async fn code(caller: &TestCaller, path: &str, item: Value) -> String {
    refused(caller, path, item).await.0
}

async fn register(caller: &TestCaller, domain: &str) -> Value {
    one(caller, CREATE, json!({"domain": domain, "inboundType": "known"})).await
}

fn domain(name: &str) -> Value {
    json!({"domain": name})
}

/// A name server of the zone `example`, to which records can be added. It stops when dropped.
struct Zone {
    handler: Arc<InMemoryZoneHandler>,
    address: SocketAddr,
    _server: Server<Catalog>,
}

impl Zone {
    async fn serve() -> Self {
        let root = Name::from_ascii("example.").unwrap();
        let soa = SOA::new(root.clone(), root.clone(), 1, 60, 60, 60, 60);
        let mut handler: InMemoryZoneHandler =
            InMemoryZoneHandler::empty(root.clone(), ZoneType::Primary, AxfrPolicy::Deny);
        assert!(handler.upsert_mut(Record::from_rdata(root.clone(), 60, RData::SOA(soa)), 1));
        let handler = Arc::new(handler);
        let mut catalog = Catalog::new();
        catalog.upsert(LowerName::new(&root), vec![Arc::clone(&handler) as _]);
        let (udp, tcp) = loop {
            let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
            if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()).await {
                break (udp, tcp);
            }
        };
        let address = tcp.local_addr().unwrap();
        let mut server = Server::new(catalog);
        server.register_socket(udp);
        server.register_listener(tcp, Duration::from_secs(5), 32);
        Self { handler, address, _server: server }
    }

    async fn publish(&self, name: &str, text: &str) {
        let txt = RData::TXT(TXT::new(vec![text.to_owned()]));
        let name = Name::from_ascii(format!("{name}.")).unwrap();
        assert!(self.handler.upsert(Record::from_rdata(name, 60, txt), 2).await);
    }

    fn asked(&self) -> Domains {
        asking(self.address)
    }
}

fn asking(resolver: SocketAddr) -> Domains {
    Domains { verification: Verification::Dns, resolvers: vec![resolver], timeout_seconds: 1 }
}

#[tokio::test]
async fn a_domain_is_registered_proven_and_internal() {
    let zone = Zone::serve().await;
    let server = TestServer::start_with(|config| config.domains = zone.asked()).await;
    let caller = server.administrator();
    let registered = register(&caller, "New.Example").await;
    let keys: Vec<_> = registered.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "domain", "token", "created", "expiry"]);
    assert_eq!(registered["domain"], "new.example");
    assert_eq!(registered["created"], "2026-11-24T12:00:00+0000");
    assert_eq!(registered["expiry"], "2026-12-01T12:00:00+0000");
    let token = registered["token"].as_str().unwrap();
    assert!(token.starts_with("matricula-verification=") && token.len() == 55, "{token}");
    assert_eq!(one(&caller, PENDING, json!({})).await, registered);
    let shown = json!({"domain": "new.example", "token": token});
    assert_eq!(one(&caller, CODE, domain("NEW.example")).await, shown);
    assert_eq!(one(&caller, STATUS, domain("new.example")).await["status"], "pending");
    let user = json!({"emailAddress": "ann@new.example"});
    let forbidden = "err_xdk_operation_forbidden_for_address";
    assert_eq!(code(&caller, wire::create_user::PATH, user.clone()).await, forbidden);

    let (code, field, message) = refused(&caller, VERIFY, domain("new.example")).await;
    assert_eq!((code.as_str(), field.as_str()), ("err_domain_not_verified", "domain"));
    assert!(message.contains(token) && message.contains("0 found"), "{message}");
    zone.publish("new.example", "v=spf1 -all").await;
    let (.., message) = refused(&caller, VERIFY, domain("new.example")).await;
    assert!(message.contains("1 found"), "{message}");

    zone.publish("new.example", token).await;
    let signed = caller.signed(VERIFY);
    let body = json!({"data": [{"domain": "new.example", "inboundType": "any"}]}).to_string();
    let verified = caller.send(VERIFY, &signed, body.clone()).await;
    let row = verified.json()["data"][0].clone();
    let shown = json!({"id": row["id"], "domain": "new.example", "sendOnly": false, "local": true, "inboundType": "any"});
    assert_eq!(row.to_string(), shown.to_string(), "{verified}");
    let again = caller.send(VERIFY, &signed, body).await;
    assert_eq!(again.body, verified.body, "the same request gets the same answer");
    assert_eq!(one(&caller, INTERNAL, domain("new.example")).await, row);
    assert_eq!(one(&caller, STATUS, domain("new.example")).await["status"], "provisioned");
    assert_eq!(caller.call(PENDING, json!([])).await.rows(), 0);
    one(&caller, wire::create_user::PATH, user).await;
    for path in [CODE, VERIFY] {
        assert_eq!(refused(&caller, path, domain("new.example")).await.0, "err_not_found", "{path}");
    }
}

#[tokio::test]
async fn of_two_who_register_a_domain_the_first_to_prove_it_gets_it() {
    let zone = Zone::serve().await;
    let server = TestServer::start_with(|config| config.domains = zone.asked()).await;
    let (one_caller, other) = (server.administrator(), server.other_administrator());
    let mut tokens = Vec::new();
    for caller in [&one_caller, &other] {
        let registered = register(caller, "wanted.example").await;
        let token = registered["token"].as_str().unwrap().to_owned();
        zone.publish("wanted.example", &token).await;
        tokens.push(token);
    }
    assert_ne!(tokens[0], tokens[1]);
    let wanted = json!({"domain": "wanted.example", "inboundType": "known"});
    assert_eq!(code(&other, CREATE, wanted.clone()).await, "err_already_exists");
    one(&one_caller, VERIFY, domain("wanted.example")).await;
    for (caller, path) in [(&other, VERIFY), (&other, CREATE), (&one_caller, CREATE)] {
        let (code, _, message) = refused(caller, path, wanted.clone()).await;
        assert_eq!((code.as_str(), message.as_str()), ("err_domain_managed", "This is already managed"));
    }
    assert_eq!(one(&other, STATUS, domain("wanted.example")).await["status"], "pending");

    // A subdomain of the account's own domain needs no proof; one of another account's domain is refused.
    let below = register(&one_caller, "a.b.wanted.example").await;
    let keys: Vec<_> = below.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "domain", "created"]);
    assert_eq!(one(&one_caller, INTERNAL, domain("a.b.wanted.example")).await["id"], below["id"]);
    let (code, _, message) =
        refused(&other, CREATE, json!({"domain": "b.wanted.example", "inboundType": "known"})).await;
    assert_eq!(code, "err_domain_managed");
    assert!(!message.contains("CTEST"), "not told whose: {message}");
}

#[tokio::test]
async fn a_name_server_that_can_t_tell_is_no_proof_and_no_disproof() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let resolver = silent.local_addr().unwrap();
    let server = TestServer::start_with(|config| config.domains = asking(resolver)).await;
    let caller = server.administrator();
    register(&caller, "new.example").await;
    register(&caller, "newer.example").await;
    let (code, field, message) = refused(&caller, VERIFY, domain("new.example")).await;
    assert_eq!((code.as_str(), field.as_str()), ("err_domain_lookup_failed", "domain"));
    assert!(message.contains("DNS lookup of new.example timed out after 1 s"), "{message}");
    // Many are asked about at once, and what needs no question is not held up by it.
    let items = json!([domain("new.example"), domain("newer.example"), domain("other.example"), {}]);
    let answer = caller.call(VERIFY, items).await;
    assert_eq!(
        answer.codes(),
        ["err_domain_lookup_failed", "err_domain_lookup_failed", "err_not_found", "err_validation_null"]
    );
    assert_eq!(one(&caller, STATUS, domain("new.example")).await["status"], "pending");
}

#[tokio::test]
async fn offline_whoever_registered_a_domain_has_it() {
    let server = TestServer::start().await;
    let caller = server.administrator();
    register(&caller, "new.example").await;
    let row = one(&caller, VERIFY, domain("new.example")).await;
    assert_eq!(row["inboundType"], "known", "what it was registered with");
    let told = server.admin().audit().await.unwrap();
    let told: Vec<_> = told
        .iter()
        .filter(|event| event.target == "new.example")
        .map(|event| (event.action.as_str(), event.actor.as_str()))
        .collect();
    assert_eq!(told, [("domain.registered", "admin@example.com"), ("domain.verified", "admin@example.com")]);
}

#[tokio::test]
async fn a_registration_expires_is_renewed_and_given_up() {
    let server = TestServer::start().await;
    let caller = server.administrator();
    let first = register(&caller, "new.example").await;
    server.clock().advance(server::admin::hours(7 * 24));
    assert_eq!(one(&caller, STATUS, domain("new.example")).await["status"], "expired");
    for path in [CODE, VERIFY] {
        let (code, field, _) = refused(&caller, path, domain("new.example")).await;
        assert_eq!((code.as_str(), field.as_str()), ("err_domain_verification_expired", "domain"));
    }
    assert_eq!(one(&caller, PENDING, json!({})).await, first);
    let second = register(&caller, "new.example").await;
    assert_ne!(first["token"], second["token"]);
    assert_eq!(one(&caller, PENDING, json!({})).await, second);

    let give_up = |id: &Value, name: &str| json!({"id": id, "domain": name});
    let not_found = "err_not_found";
    assert_eq!(code(&caller, DELETE, give_up(&first["id"], "new.example")).await, not_found);
    assert_eq!(code(&caller, DELETE, json!({"id": first["id"]})).await, not_found);
    assert_eq!(code(&caller, DELETE, give_up(&second["id"], "other.example")).await, not_found);
    assert_eq!(
        code(&server.other_administrator(), DELETE, give_up(&second["id"], "new.example")).await,
        "err_validation_invalid_id"
    );
    let signed = caller.signed(DELETE);
    let body = json!({"data": [give_up(&second["id"], "new.example")]}).to_string();
    let gone = caller.send(DELETE, &signed, body.clone()).await;
    assert_eq!(gone.json()["data"], json!([{"id": second["id"], "domain": "new.example"}]));
    // Sent again, there is nothing left to give up; the answer is the first one.
    assert_eq!(caller.send(DELETE, &signed, body).await.body, gone.body);
    assert_eq!(code(&caller, STATUS, domain("new.example")).await, not_found);
    let last = register(&caller, "new.example").await;
    one(&caller, DELETE, json!({"id": last["id"]})).await;
}

#[tokio::test]
async fn what_is_no_domain_says_why() {
    let server = TestServer::start().await;
    let caller = server.administrator();
    for (path, item, expected, field) in [
        (CREATE, json!({"inboundType": "any"}), "err_validation_null", "domain"),
        (CREATE, json!({"domain": "a.example"}), "err_validation_null", "inboundType"),
        (
            CREATE,
            json!({"domain": "a.example", "inboundType": "none"}),
            "err_validation_value",
            "inboundType",
        ),
        (
            CREATE,
            json!({"domain": "@a.example", "inboundType": "any"}),
            "err_validation_invalid_domain",
            "domain",
        ),
        (CREATE, json!({"domain": "example.com", "inboundType": "any"}), "err_domain_managed", "domain"),
        (CREATE, json!({"domain": "other.example", "inboundType": "any"}), "err_domain_managed", "domain"),
        (CREATE, json!({"domain": "x.other.example", "inboundType": "any"}), "err_domain_managed", "domain"),
        (CODE, domain("a b"), "err_validation_invalid_domain", "domain"),
        (CODE, domain("unknown.example"), "err_not_found", "domain"),
        (STATUS, domain("other.example"), "err_not_found", "domain"),
        (VERIFY, domain("unknown.example"), "err_not_found", "domain"),
        (
            VERIFY,
            json!({"domain": "unknown.example", "inboundType": "x"}),
            "err_validation_value",
            "inboundType",
        ),
        (DELETE, json!({"id": "x"}), "err_validation_invalid_id", "id"),
        (DELETE, domain("a.example"), "err_validation_null", "id"),
        (INTERNAL, domain("a b"), "err_validation_invalid_domain", "domain"),
    ] {
        let (code, wrong, _) = refused(&caller, path, item.clone()).await;
        assert_eq!((code.as_str(), wrong.as_str()), (expected, field), "{path} {item}");
    }
    for (path, max) in [(CODE, 50), (STATUS, 50), (VERIFY, 10)] {
        let items: Vec<_> = (0..=max).map(|n| domain(&format!("{n}.example"))).collect();
        let answer = caller.call(path, json!(items)).await;
        assert_eq!((answer.status, answer.codes().concat().as_str()), (400, "err_validation_item_count"));
    }
}

#[tokio::test]
async fn a_list_of_domains_comes_whole_unless_a_page_is_asked_for() {
    let server = TestServer::start().await;
    let caller = server.administrator();
    let items: Vec<_> =
        (0..8).map(|n| json!({"domain": format!("{n}.example"), "inboundType": "known"})).collect();
    assert_eq!(caller.call(CREATE, json!(items)).await.rows(), 8);
    for n in 0..3 {
        one(&caller, VERIFY, domain(&format!("{n}.example"))).await;
    }
    let none = caller.call(INTERNAL, json!([domain("other.example")])).await;
    assert_eq!((none.rows(), none.codes().len()), (0, 0), "{none}");

    for (path, total) in [(INTERNAL, 4), (PENDING, 5)] {
        // As recorded: nothing in `meta` but the status.
        let whole = caller.post(path, r#"{"data":[]}"#).await;
        assert_eq!((whole.rows(), whole.json()["meta"].clone()), (total, json!({"status": 200})));
        assert_eq!(caller.post(path, "").await.body, whole.body);
        let mut seen = Vec::new();
        let mut token = Value::Null;
        loop {
            let body = json!({"meta": {"pagination": {"pageSize": 2, "pageToken": token}}});
            let page = caller.post(path, body.to_string()).await.json();
            let rows = page["data"].as_array().unwrap().clone();
            let pagination = &page["meta"]["pagination"];
            assert_eq!(
                (&pagination["pageSize"], &pagination["totalCount"]),
                (&json!(rows.len()), &json!(total))
            );
            seen.extend(rows);
            match pagination.get("next") {
                Some(next) => token = next.clone(),
                None => break,
            }
        }
        assert_eq!(Value::from(seen), whole.json()["data"]);
        let foreign = json!({"meta": {"pagination": {"pageToken": "x"}}}).to_string();
        assert_eq!(caller.post(path, foreign).await.codes(), ["err_validation_invalid_page_token"]);
    }
}
