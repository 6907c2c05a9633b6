-- Times are milliseconds since 1970. Ids are UUIDs of version 7. What ends in _sealed is encrypted (vault.rs).

CREATE TABLE keys (
    purpose TEXT PRIMARY KEY,
    wrapped BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    id              BLOB PRIMARY KEY,
    code            TEXT NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    parent          BLOB REFERENCES accounts (id),
    epoch           INTEGER NOT NULL DEFAULT 0,
    password_policy TEXT NOT NULL,
    disabled_at     INTEGER,
    created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE domains (
    id         BLOB PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    account    BLOB NOT NULL REFERENCES accounts (id),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE roles (
    id          BLOB PRIMARY KEY,
    account     BLOB NOT NULL REFERENCES accounts (id),
    name        TEXT NOT NULL COLLATE NOCASE,
    permissions TEXT NOT NULL,
    partner     INTEGER NOT NULL,
    UNIQUE (account, name)
) STRICT, WITHOUT ROWID;

-- The role has no foreign key: built-in roles have fixed ids and no row.
CREATE TABLE users (
    id                   BLOB PRIMARY KEY,
    account              BLOB NOT NULL,
    address              TEXT NOT NULL,
    address_key          TEXT NOT NULL,
    name                 TEXT NOT NULL,
    password             TEXT,
    must_change_password INTEGER NOT NULL,
    role                 BLOB,
    address_type         TEXT NOT NULL,
    source               TEXT NOT NULL,
    disabled_at          INTEGER,
    created_at           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX users_by_address ON users (address_key);
CREATE INDEX users_with_role ON users (role) WHERE role IS NOT NULL;

CREATE TABLE applications (
    id             BLOB PRIMARY KEY,
    account        BLOB NOT NULL REFERENCES accounts (id),
    app_id         TEXT NOT NULL UNIQUE,
    name           TEXT NOT NULL,
    app_key_sealed BLOB NOT NULL,
    disabled_at    INTEGER,
    created_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE bindings (
    id            BLOB PRIMARY KEY,
    access_key    TEXT NOT NULL UNIQUE,
    secret_sealed BLOB NOT NULL,
    user          BLOB NOT NULL REFERENCES users (id),
    application   BLOB NOT NULL REFERENCES applications (id),
    expires_at    INTEGER,
    revoked_at    INTEGER,
    created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX bindings_by_user ON bindings (user);

-- Rows in the order in which they ran, so that the oldest are found without an index of their own.
CREATE TABLE requests (
    seq        INTEGER PRIMARY KEY,
    ran_at     INTEGER NOT NULL,
    binding    BLOB NOT NULL,
    request_id BLOB NOT NULL,
    digest     BLOB NOT NULL,
    answer     BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX requests_by_key ON requests (binding, request_id, digest);

CREATE TABLE audit_chains (
    chain INTEGER PRIMARY KEY,
    seq   INTEGER NOT NULL,
    hash  BLOB NOT NULL,
    seal  BLOB NOT NULL
) STRICT;

CREATE TABLE audit_events (
    chain   INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    account BLOB,
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    target  TEXT NOT NULL,
    detail  TEXT NOT NULL,
    hash    BLOB NOT NULL,
    PRIMARY KEY (chain, seq)
) STRICT, WITHOUT ROWID;
