//! Query plans of lists and searches.

use super::*;

/// Empty tables.
fn tables() -> rusqlite::Connection {
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    crate::sqlite::keep_plans(&connection).unwrap();
    for migration in crate::migrations::SQLITE {
        connection.execute_batch(migration.sql).unwrap();
    }
    connection
}

/// The plans of statements.
fn plans(statements: Vec<String>) -> impl Iterator<Item = (String, String)> {
    let connection = tables();
    statements.into_iter().flat_map(move |statement| {
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
        let values = vec![1; plan.parameter_count()];
        let steps = plan.query_map(rusqlite::params_from_iter(values), |row| row.get(3)).unwrap();
        steps.map(|step| (statement.clone(), step.unwrap())).collect::<Vec<_>>()
    })
}

/// A page costs as much as it returns: each statement of a list reads a range of an index, and nothing is sorted.
#[test]
fn no_statement_of_a_list_scans_or_sorts() {
    for (statement, step) in
        plans([users::lists(), groups::lists(), domains::lists(), scim::lists()].concat())
    {
        assert!(step.starts_with("SEARCH "), "{statement}: {step}");
    }
}

#[test]
fn a_statement_is_compiled_once() {
    let connection = tables();
    for statement in [users::lists(), groups::lists(), scim::lists(), ldap::statements()].concat() {
        let values = vec![Value::Integer(1); connection.prepare(&statement).unwrap().parameter_count()];
        for _ in 0..3 {
            Session::visit(&connection, &statement, &values, &mut |_| {
                Ok(std::ops::ControlFlow::Continue(()))
            })
            .unwrap();
        }
        let compiled = connection.prepare_cached(&statement).unwrap();
        assert_eq!(compiled.get_status(rusqlite::StatementStatus::RePrepare), 0, "{statement}");
    }
}

/// The same holds for LDAP, where a statement may look up in another index.
#[test]
fn no_statement_of_ldap_scans_or_sorts() {
    for (statement, step) in plans([ldap::statements(), ldap::group_statements()].concat()) {
        assert!(!step.contains("SCAN") && !step.contains("TEMP B-TREE"), "{statement}: {step}");
    }
}

/// The same holds for searches, and each reads the index made for it.
#[test]
fn no_statement_of_a_search_scans_or_sorts() {
    for (statement, index) in search::statements() {
        for (statement, step) in plans(vec![statement]) {
            assert!(step.starts_with("SEARCH ") && step.contains(index), "{statement}: {step}");
            let reads_rows = statement.contains("failed_logins");
            assert!(reads_rows || index == "user_words" || step.contains("COVERING"), "{statement}: {step}");
        }
    }
}

struct Still;

impl directory::port::Clock for Still {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }
}

impl directory::port::Entropy for Still {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

/// PostgreSQL plans by its statistics, so the tables are filled first. Statements are planned for any values, like the
/// program's own.
#[test]
fn no_statement_of_a_search_scans_or_sorts_on_postgresql() {
    let Some(server) = testkit::Postgres::shared() else {
        return testkit::left_out("the plans of searches on PostgreSQL", "PostgreSQL");
    };
    let url = server.database();
    let master = crate::MasterKey::parse(&"0f".repeat(32)).unwrap();
    crate::Location::from(url.clone()).create(&master, &Still).unwrap();
    server.execute(
        &url,
        "INSERT INTO users (id, account, address, address_key, name, must_change_password, address_type, source,
                            created_at, locked, disabled_at, locked_until, purge_at, role, alias_of)
         SELECT uuid_send(gen_random_uuid()), decode(repeat('0' || n % 3, 16), 'hex'), 'a' || n || '@example.com',
                'example.com@a' || n, 'Name', (n % 10 = 1)::int, 'created_manually', 'cloud', 5, (n % 10 = 2)::int,
                CASE WHEN n % 10 = 3 THEN 5 END, CASE WHEN n % 10 = 4 THEN 5 END, CASE WHEN n % 10 = 5 THEN 5 END,
                CASE WHEN n % 10 = 6 THEN '\\x01'::bytea END, NULL
         FROM generate_series(1, 20000) AS n;
         UPDATE users SET alias_of = (SELECT id FROM users WHERE address_key = 'example.com@a1')
             WHERE address_key LIKE '%7';
         INSERT INTO user_words (account, word, address_key)
             SELECT account, substr(md5(address_key), 1, 5), address_key FROM users;
         ANALYZE",
    );
    let by_keys =
        users::lists().into_iter().filter(|sql| sql.contains(" IN (")).map(|sql| (sql, "users_by_address"));
    for (statement, index) in search::statements().into_iter().chain(by_keys) {
        let parameters = vec!["NULL"; statement.matches('?').count()];
        let statement = statement.replace('?', "$");
        let plan = server.execute(
            &url,
            &format!(
                "SET plan_cache_mode = force_generic_plan; SET jit = off;
                 PREPARE statement AS {statement}; EXPLAIN EXECUTE statement({})",
                parameters.join(", ")
            ),
        );
        assert!(plan.contains(index), "{statement}: {plan}");
        assert!(!plan.contains("Sort") && !plan.contains("Seq Scan"), "{statement}: {plan}");
    }
}
