//! A database with standbys: when an acknowledgement can be lost, and a server that refuses to give one.

use server::Location;
use testkit::{Postgres, TestServer};

use crate::user;

#[tokio::test]
async fn without_a_synchronous_standby_nothing_is_written_if_one_is_required() {
    let Some(postgres) = Postgres::start("-c fsync=off -c max_connections=60") else {
        return testkit::left_out("a required standby", "PostgreSQL");
    };
    let _standby = postgres.standby("standby1");
    postgres.set_synchronous("standby1");
    let server = TestServer::start_with(|config| {
        config.store = Location::Postgres(postgres.database());
        config.require_synchronous_replication = true;
    })
    .await;
    let administrator = server.administrator();
    assert_eq!(administrator.create(user("ann@example.com")).await.status, 200);

    postgres.set_synchronous("");
    let signed = administrator.signed("/api/user/create-user");
    let refused = administrator.send("/api/user/create-user", &signed, user("ben@example.com")).await;
    assert_eq!((refused.status, refused.codes()), (503, vec!["err_xdk_unavailable".to_owned()]));
    assert!(refused.header("retry-after").is_some(), "{refused}");
    assert!(
        refused.body.contains("has no second copy at the moment")
            && refused.body.contains("nothing was done")
    );
    // Another kind of change takes another path through the store.
    let changed = administrator.call(
        "/api/user/update-user",
        serde_json::json!([{ "emailAddress": "ann@example.com", "name": "A" }]),
    );
    assert_eq!(changed.await.status, 503);
    let read = administrator.call("/api/user/get-internal-users", serde_json::json!([{}])).await;
    assert_eq!(read.status, 200, "reads are served: {read}");
    assert!(!read.body.contains("ben@example.com"), "{read}");
    assert_eq!(server.get("/readyz").await.status, 200, "no other node could write");

    postgres.set_synchronous("standby1");
    let created = administrator.send("/api/user/create-user", &signed, user("ben@example.com")).await;
    assert_eq!((created.status, created.codes()), (200, Vec::new()), "the same request, sent again");
}
