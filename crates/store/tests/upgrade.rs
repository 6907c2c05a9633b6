//! The upgrade of a database with the first schema: it keeps its data and gets the schema of a new one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

extern crate matricula_store as store;

mod still;

use std::path::Path;
use std::sync::Arc;

use directory::port::{Clock as _, Indexed, Position, Store};
use directory::settings::Settings;
use directory::user::User;
use directory::{AccountId, EmailAddress, UserQuery};
use rusqlite::{Connection, params};
use still::Still;
use store::{Location, MasterKey};

fn open(path: &Path) -> Arc<dyn Store> {
    let key = MasterKey::parse(&"0f".repeat(32)).unwrap();
    let location = Location::Sqlite(path.to_owned());
    location.create(&key, &Still).unwrap();
    location.open(&key, Arc::new(Still), Arc::new(Still)).unwrap()
}

/// The columns of every table and index, in an order that does not depend on the migrations.
fn schema(path: &Path) -> Vec<(String, String, String)> {
    let connection = Connection::open(path).unwrap();
    let mut tables = connection
        .prepare("SELECT m.name, c.name, c.type || c.\"notnull\" || coalesce(c.dflt_value, '') || c.pk FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'
                  UNION ALL SELECT i.tbl_name, i.name, (SELECT group_concat(coalesce(x.name, '?')) FROM pragma_index_info(i.name) x) FROM sqlite_schema i WHERE i.type = 'index'
                  ORDER BY 1, 2, 3")
        .unwrap();
    let rows = tables.query_map([], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get::<_, Option<String>>(2)?.unwrap_or_default()))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

/// A database with the first schema, an account, three users and their audit events.
fn create_first_schema(path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(include_str!("../migrations/sqlite/0001_initial.sql")).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    let account = [1_u8; 16];
    connection
        .execute("INSERT INTO accounts (id, code, name, password_policy, created_at) VALUES (?1, 'C1', 'One', '{\"min_length\":9,\"min_classes\":3,\"min_strength\":2}', 5)", [account])
        .unwrap();
    for (n, address, key) in [
        (1_u8, "Ann@example.com", "ann@example.com"),
        (2, "zoe@example.com", "zoe@example.com"),
        (3, "Åsa@second.example", "åsa@second.example"),
    ] {
        connection
            .execute(
                "INSERT INTO users (id, account, address, address_key, name, password, must_change_password, address_type, source, created_at)
                 VALUES (?1, ?2, ?3, ?4, 'Name', NULL, 0, 'created_manually', 'cloud', 5)",
                params![[n; 16], account, address, key],
            )
            .unwrap();
        connection
            .execute(
                "INSERT INTO audit_events (chain, seq, at, account, actor, action, target, detail, hash)
                 VALUES (1, ?1, 5, ?2, 'operator', 'user.created', ?3, 'without password', zeroblob(32))",
                params![n, account, address],
            )
            .unwrap();
    }
    let chain = "INSERT INTO audit_chains (chain, seq, hash, seal) VALUES (1, 3, zeroblob(32), zeroblob(32))";
    connection.execute(chain, []).unwrap();
}

fn addresses<'a>(users: impl IntoIterator<Item = &'a User>) -> Vec<&'a str> {
    users.into_iter().map(|user| user.address.as_str()).collect()
}

#[test]
fn an_upgraded_database_has_the_schema_of_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (folder.path().join("old.db"), folder.path().join("new.db"));
    create_first_schema(&old);
    drop((open(&old), open(&new)));
    assert_eq!(schema(&old), schema(&new));
}

#[tokio::test]
async fn an_upgrade_keeps_users_and_accounts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("matricula.db");
    create_first_schema(&path);
    let store = open(&path);
    let account = AccountId::from_bytes([1; 16]);
    let asked =
        ["ANN@example.com", "åsa@second.example"].map(|address| EmailAddress::parse(address).unwrap());
    let found = store.users(&asked).await.unwrap();
    assert_eq!(addresses(found.iter().flatten()), ["Ann@example.com", "Åsa@second.example"]);
    let list = store.list_users(account, None, &Position::Start, 10).await.unwrap();
    assert_eq!(addresses(&list), ["Ann@example.com", "zoe@example.com", "Åsa@second.example"]);
    assert_eq!(
        (store.count_users().await.unwrap(), store.count_listed(account, None).await.unwrap()),
        (3, 3)
    );
    let account = &store.list_accounts().await.unwrap()[0];
    assert_eq!((account.password_policy.min_length, account.password_policy.lockout_tries), (9, 5));
    assert_eq!(account.settings, Settings::default());
    drop(store);
    // The second opening finds nothing to upgrade.
    assert_eq!(open(&path).count_users().await.unwrap(), 3);
}

#[tokio::test]
async fn users_from_before_an_upgrade_are_found_after_indexing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("matricula.db");
    create_first_schema(&path);
    let store = open(&path);
    let find = async |text: &str| {
        let query = UserQuery::new(text, None, None);
        store.find_users(AccountId::from_bytes([1; 16]), &query, None, 10, Still.now()).await.unwrap()
    };
    let found = find("name").await;
    assert_eq!((found.users.len(), found.left), (0, 3));
    assert_eq!(store.index_users(2).await.unwrap(), Indexed { read: 2, left: 1 });
    assert_eq!(store.index_users(2).await.unwrap(), Indexed { read: 1, left: 0 });
    assert_eq!((find("name").await.users.len(), find("åsa@second").await.users.len()), (3, 1));
}
