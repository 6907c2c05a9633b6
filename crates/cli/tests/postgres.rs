//! The real binary on PostgreSQL: over TLS, and with a password that is never shown.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "no sandbox here")]
mod running;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use running::{Running, matricula};
use tempfile::TempDir;
use testkit::{Pooler, Postgres};

fn admin(config: &Path, roots: &Path, arguments: &[&str]) -> Output {
    let mut command = matricula(&["admin", "--config"]);
    command.arg(config).args(arguments).env("SSL_CERT_FILE", roots).output().unwrap()
}

#[test]
fn postgresql_is_used_over_tls_and_its_certificate_verified() {
    let Some((postgres, certificate)) = Postgres::start_with_tls() else {
        return testkit::left_out("TLS to the database", "PostgreSQL and openssl");
    };
    let database = postgres.database();
    let name = database.rsplit('/').next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (config, key) = (folder.path().join("matricula.toml"), folder.path().join("master.key"));
    assert!(matricula(&["admin", "new-master-key"]).arg(&key).output().unwrap().status.success());
    let place = format!("localhost:{}/{name}", postgres.port());
    let settings = |options: &str| {
        format!(
            "listen = \"127.0.0.1:0\"\nmaster_key_file = \"master.key\"\n\
             store = \"postgres://matricula:canary-password@{place}?{options}\"\n"
        )
    };

    std::fs::write(&config, settings("sslmode=require")).unwrap();
    let strangers = folder.path().join("strangers.pem");
    std::fs::write(&strangers, "").unwrap();
    let refused = admin(&config, &strangers, &["account", "create", "C1", "--name", "One"]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        told.starts_with(&format!("error: postgres://{place}: ")) && told.contains("ertificate"),
        "{told}"
    );
    assert!(!told.contains("canary"), "{told}");

    std::fs::write(&config, settings("sslmode=disable")).unwrap();
    let refused = admin(&config, &certificate, &["account", "create", "C1", "--name", "One"]);
    assert_eq!(refused.status.code(), Some(1), "the server takes TLS only");

    std::fs::write(&config, settings("sslmode=require")).unwrap();
    let created = admin(&config, &certificate, &["account", "create", "C1", "--name", "One"]);
    assert!(created.status.success(), "{created:?}");
    let mut serve = matricula(&["serve", "--config"]);
    let serve = serve.arg(&config).env("SSL_CERT_FILE", &certificate).stderr(Stdio::piped()).spawn();
    let mut server = Running(serve.unwrap());
    let mut line = String::new();
    let mut log = BufReader::new(server.0.stderr.take().unwrap());
    log.read_line(&mut line).unwrap();
    assert!(line.contains("address") && !line.contains("canary"), "{line}");
    let told: serde_json::Value = serde_json::from_str(&line).unwrap();
    let mut stream = TcpStream::connect(told["address"].as_str().unwrap()).unwrap();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let connections =
        "SELECT count(*), bool_and(s.ssl) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
                       WHERE a.application_name = 'matricula'";
    let connections = postgres.execute(&database, connections);
    let (count, by_tls) = connections.trim().split_once('|').unwrap();
    assert!(count.parse::<u32>().unwrap() >= 1 && by_tls == "t", "{connections}");
}

#[test]
fn a_postgresql_that_is_too_old_is_refused_in_words() {
    let Some(postgres) = Postgres::version(11) else {
        return testkit::left_out("the refusal of an old PostgreSQL", "PostgreSQL 11");
    };
    let folder = tempfile::tempdir().unwrap();
    let (config, key) = (folder.path().join("matricula.toml"), folder.path().join("master.key"));
    assert!(matricula(&["admin", "new-master-key"]).arg(&key).output().unwrap().status.success());
    let store = postgres.database();
    let settings =
        format!("listen = \"127.0.0.1:0\"\nmaster_key_file = \"master.key\"\nstore = \"{store}\"\n");
    std::fs::write(&config, settings).unwrap();
    let backup = folder.path().join("backup");
    let backup = backup.to_str().unwrap();
    for arguments in [
        &["serve"][..],
        &["serve", "--create"],
        &["migrate"],
        &["migrate", "--plan"],
        &["admin", "account", "create", "C1", "--name", "One"],
        &["admin", "account", "list"],
        &["audit", "verify"],
        &["backup", backup],
    ] {
        let refused = matricula(arguments).arg("--config").arg(&config).output().unwrap();
        let told = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{arguments:?}: {told}");
        let needs = "this is PostgreSQL 11.22, and PostgreSQL 12 or newer is needed";
        assert!(told.contains(needs), "{arguments:?}: {told}");
    }
    let tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'";
    assert_eq!(postgres.execute(&store, tables).trim(), "0", "nothing was created");
}

/// A running node: its first line, or the reason why it does not run.
fn serve(config: &Path) -> (Running, String) {
    let mut serve = matricula(&["serve", "--config"]);
    let mut server = Running(serve.arg(config).stderr(Stdio::piped()).spawn().unwrap());
    let log = BufReader::new(server.0.stderr.take().unwrap());
    let told = |line: &String| line.contains("\"address\"") || line.starts_with("error: ");
    let line = log.lines().map(Result::unwrap).find(told).unwrap();
    (server, line)
}

/// A folder with a master key and a configuration, which `use_store` writes, and a directory in the database.
fn site(database: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (config, key) = (folder.path().join("matricula.toml"), folder.path().join("master.key"));
    assert!(matricula(&["admin", "new-master-key"]).arg(&key).output().unwrap().status.success());
    use_store(&config, database);
    let created = admin(&config, Path::new("/dev/null"), &["account", "create", "C1", "--name", "One"]);
    assert!(created.status.success(), "{created:?}");
    (folder, config)
}

fn use_store(config: &Path, store: &str) {
    let settings = "listen = \"127.0.0.1:0\"\nmaster_key_file = \"master.key\"\n";
    std::fs::write(config, format!("{settings}store = \"{store}\"\n")).unwrap();
}

#[test]
fn a_pool_in_session_mode_must_have_room_for_every_node() {
    let Some(postgres) = Postgres::start("-c max_connections=100") else {
        return testkit::left_out("pools of pgbouncer", "PostgreSQL");
    };
    let database = postgres.database();
    let (_folder, config) = site(&database);
    // The size of the pool, and the nodes that start.
    for (size, nodes) in [(1, 0), (13, 0), (14, 1), (28, 2)] {
        let Some(pooler) = Pooler::in_session_mode(&postgres, size) else {
            return testkit::left_out("pools of pgbouncer", "pgbouncer");
        };
        use_store(&config, &format!("{}?connect_timeout=2", pooler.url(&database)));
        let mut running = Vec::new();
        for node in 0..=nodes {
            let (server, line) = serve(&config);
            assert_eq!(line.contains("\"address\""), node < nodes, "pool of {size}, node {node}: {line}");
            let needs = "and a node needs 14 (";
            let told = line.contains(needs) && line.contains("set default_pool_size to 14 for each node");
            assert_eq!(told, node == nodes, "{line}");
            running.push(server);
        }
    }
}

#[test]
fn a_server_with_too_few_connections_is_refused_in_words() {
    let Some(postgres) = Postgres::start("-c max_connections=14 -c superuser_reserved_connections=0") else {
        return testkit::left_out("a server with few connections", "PostgreSQL");
    };
    let (_folder, config) = site(&postgres.database());
    let (_first, line) = serve(&config);
    assert!(line.contains("\"address\""), "{line}");
    let (_second, line) = serve(&config);
    assert!(line.contains("a node needs 14 (") && line.contains("raise max_connections"), "{line}");
}
