#!/usr/bin/env bash
# Expected: rusqlite's prepare_cached compiles a statement once for each connection, whatever its values are.
# Found: with rusqlite 0.43.0 and its SQLite 3.54.1, a statement with `LIMIT ?` is compiled again at each use, also with the
# same values. This SQLite plans by the value of a limit; rusqlite clears the values of a statement that goes back into the
# cache, and SQLite takes that for a new value. Such a statement took 9 times as long here as one with its limit in the text.
# SQLITE_DBCONFIG_ENABLE_QPSG ends it. With rusqlite 0.32.1 and its SQLite 3.46.0 it does not happen.
# Needs Rust and a C compiler.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/src"
cat >"$folder/src/main.rs" <<'RUST'
use rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG as STABLE_PLANS;
use rusqlite::{Connection, StatementStatus, params};

const IN_TEXT: &str = "SELECT name FROM users WHERE id > ?1 ORDER BY id LIMIT 20";
const BOUND: &str = "SELECT name FROM users WHERE id > ?1 ORDER BY id LIMIT ?2";

fn used(sql: &str, stable: bool) -> (i32, u128) {
    let connection = Connection::open_in_memory().unwrap();
    connection.set_db_config(STABLE_PLANS, stable).unwrap();
    connection.execute_batch("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)").unwrap();
    let started = std::time::Instant::now();
    for _ in 0..1_000 {
        let mut statement = connection.prepare_cached(sql).unwrap();
        let read = |row: &rusqlite::Row| row.get::<_, String>(0);
        match sql {
            BOUND => statement.query_map(params![1, 20], read).unwrap().count(),
            _ => statement.query_map(params![1], read).unwrap().count(),
        };
    }
    let took = started.elapsed().as_nanos() / 1_000;
    let statement = connection.prepare_cached(sql).unwrap();
    (statement.get_status(StatementStatus::RePrepare), took)
}

fn main() {
    let found = [(IN_TEXT, false), (BOUND, false), (BOUND, true)].map(|(sql, stable)| {
        let (compiled, took) = used(sql, stable);
        let plans = if stable { ", stable plans" } else { "" };
        println!("SQLite {}, {sql}{plans}: compiled again {compiled} of 1,000 times, {took} ns a use", rusqlite::version());
        compiled
    });
    println!("compiled {found:?}");
}
RUST
failed=0
for version in 0.32.1 0.43.0; do
    printf '[package]\nname = "uses"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\nrusqlite = { version = "=%s", features = ["bundled"] }\n' \
        "$version" >"$folder/Cargo.toml"
    cargo run --quiet --release --manifest-path "$folder/Cargo.toml" --target-dir "$folder/target" >"$folder/output"
    echo "rusqlite $version"
    grep -v '^compiled' "$folder/output"
    case "$version $(grep '^compiled' "$folder/output")" in
    "0.32.1 compiled [0, 0, 0]" | "0.43.0 compiled [0, 1000, 0]") ;;
    *) failed=1 ;;
    esac
done
((failed == 0)) || { echo "changed"; exit 1; }
