-- The same tables as in migrations/sqlite, where each is told of. Times are milliseconds since 1970, truth values 0 and 1,
-- ids UUIDs of version 7 as bytes; text compares byte by byte. What ends in _sealed is encrypted (vault.rs).

CREATE TABLE keys (
    purpose TEXT COLLATE "C" PRIMARY KEY,
    wrapped BYTEA NOT NULL
);

CREATE TABLE accounts (
    id              BYTEA PRIMARY KEY,
    code            TEXT COLLATE "C" NOT NULL UNIQUE,
    name            TEXT COLLATE "C" NOT NULL,
    parent          BYTEA REFERENCES accounts (id),
    epoch           BIGINT NOT NULL DEFAULT 0,
    password_policy TEXT COLLATE "C" NOT NULL,
    disabled_at     BIGINT,
    created_at      BIGINT NOT NULL,
    profile         BYTEA,
    group_count     BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE authentication_profiles (
    id           BYTEA PRIMARY KEY,
    account      BYTEA NOT NULL REFERENCES accounts (id),
    name         TEXT COLLATE "C" NOT NULL,
    binding_life BIGINT,
    max_bindings BIGINT NOT NULL
);
CREATE UNIQUE INDEX authentication_profiles_by_name ON authentication_profiles (account, lower(name));
ALTER TABLE accounts ADD FOREIGN KEY (profile) REFERENCES authentication_profiles (id);

CREATE TABLE domains (
    id           BYTEA PRIMARY KEY,
    name         TEXT COLLATE "C" NOT NULL UNIQUE,
    account      BYTEA NOT NULL REFERENCES accounts (id),
    created_at   BIGINT NOT NULL,
    inbound_type TEXT COLLATE "C" NOT NULL,
    send_only    BIGINT NOT NULL,
    local        BIGINT NOT NULL
);
CREATE INDEX domains_of_account ON domains (account, name);

CREATE TABLE pending_domains (
    id           BYTEA PRIMARY KEY,
    account      BYTEA NOT NULL REFERENCES accounts (id),
    name         TEXT COLLATE "C" NOT NULL,
    inbound_type TEXT COLLATE "C" NOT NULL,
    token        TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    UNIQUE (account, name)
);

CREATE TABLE roles (
    id          BYTEA PRIMARY KEY,
    account     BYTEA NOT NULL REFERENCES accounts (id),
    name        TEXT COLLATE "C" NOT NULL,
    permissions TEXT COLLATE "C" NOT NULL,
    partner     BIGINT NOT NULL
);
CREATE UNIQUE INDEX roles_by_name ON roles (account, lower(name));

CREATE TABLE users (
    id                     BYTEA PRIMARY KEY,
    account                BYTEA NOT NULL,
    address                TEXT COLLATE "C" NOT NULL,
    address_key            TEXT COLLATE "C" NOT NULL,
    name                   TEXT COLLATE "C" NOT NULL,
    password               TEXT COLLATE "C",
    must_change_password   BIGINT NOT NULL,
    role                   BYTEA,
    address_type           TEXT COLLATE "C" NOT NULL,
    source                 TEXT COLLATE "C" NOT NULL,
    disabled_at            BIGINT,
    created_at             BIGINT NOT NULL,
    password_changed_at    BIGINT,
    password_never_expires BIGINT NOT NULL DEFAULT 0,
    locked                 BIGINT NOT NULL DEFAULT 0,
    allow_smtp             BIGINT NOT NULL DEFAULT 0,
    allow_pop              BIGINT NOT NULL DEFAULT 0,
    archive_start          BIGINT,
    failed_logins          BIGINT NOT NULL DEFAULT 0,
    locked_until           BIGINT,
    purge_at               BIGINT,
    alias_of               BYTEA REFERENCES users (id),
    profile                BYTEA REFERENCES authentication_profiles (id),
    updated_at             BIGINT
);
CREATE UNIQUE INDEX users_by_address ON users (address_key);
CREATE INDEX users_with_role ON users (role) WHERE role IS NOT NULL;
CREATE INDEX users_by_primary ON users (alias_of) WHERE alias_of IS NOT NULL;
CREATE INDEX users_to_purge ON users (purge_at) WHERE purge_at IS NOT NULL;

CREATE TABLE user_counts (
    account BYTEA NOT NULL,
    domain  TEXT COLLATE "C" NOT NULL,
    chain   BIGINT NOT NULL,
    users   BIGINT NOT NULL,
    PRIMARY KEY (account, domain, chain)
);
CREATE INDEX user_counts_by_domain ON user_counts (domain);

CREATE TABLE tombstones (
    address_key TEXT COLLATE "C" NOT NULL,
    removed_at  BIGINT NOT NULL,
    id          BYTEA NOT NULL,
    account     BYTEA NOT NULL,
    PRIMARY KEY (address_key, removed_at, id)
);

CREATE TABLE password_history (
    user_id BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    set_at  BIGINT NOT NULL,
    seq     BIGINT NOT NULL,
    hash    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (user_id, seq)
);

CREATE TABLE user_attributes (
    user_id   BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    attribute BIGINT NOT NULL,
    value     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (user_id, attribute)
);

CREATE TABLE delegates (
    id            BYTEA PRIMARY KEY,
    primary_user  BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    delegate_user BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    UNIQUE (primary_user, delegate_user)
);
CREATE INDEX delegates_by_delegate ON delegates (delegate_user);

CREATE TABLE groups (
    id              BYTEA PRIMARY KEY,
    account         BYTEA NOT NULL REFERENCES accounts (id),
    parent          BYTEA REFERENCES groups (id),
    description     TEXT COLLATE "C" NOT NULL,
    description_key TEXT COLLATE "C" NOT NULL,
    source          TEXT COLLATE "C" NOT NULL,
    user_count      BIGINT NOT NULL DEFAULT 0,
    folder_count    BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX groups_by_description ON groups (account, coalesce(parent, ''::bytea), description_key);
CREATE INDEX groups_of_account ON groups (account, id);
CREATE INDEX groups_by_parent ON groups (parent) WHERE parent IS NOT NULL;

CREATE TABLE group_members (
    group_id   BYTEA NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    member_key TEXT COLLATE "C" NOT NULL,
    address    TEXT COLLATE "C",
    domain     TEXT COLLATE "C" NOT NULL,
    notes      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (group_id, member_key)
);
CREATE INDEX group_members_by_key ON group_members (member_key);

CREATE TABLE applications (
    id             BYTEA PRIMARY KEY,
    account        BYTEA NOT NULL REFERENCES accounts (id),
    app_id         TEXT COLLATE "C" NOT NULL UNIQUE,
    name           TEXT COLLATE "C" NOT NULL,
    app_key_sealed BYTEA NOT NULL,
    disabled_at    BIGINT,
    created_at     BIGINT NOT NULL
);

CREATE TABLE bindings (
    id            BYTEA PRIMARY KEY,
    access_key    TEXT COLLATE "C" NOT NULL UNIQUE,
    secret_sealed BYTEA NOT NULL,
    user_id       BYTEA NOT NULL REFERENCES users (id),
    application   BYTEA NOT NULL REFERENCES applications (id),
    expires_at    BIGINT,
    revoked_at    BIGINT,
    created_at    BIGINT NOT NULL
);
CREATE INDEX bindings_by_user ON bindings (user_id);

CREATE TABLE clients (
    id            BYTEA PRIMARY KEY,
    account       BYTEA NOT NULL REFERENCES accounts (id),
    client_id     TEXT COLLATE "C" NOT NULL UNIQUE,
    secret_digest BYTEA NOT NULL,
    name          TEXT COLLATE "C" NOT NULL,
    role          BYTEA NOT NULL,
    products      TEXT COLLATE "C" NOT NULL,
    disabled_at   BIGINT,
    created_at    BIGINT NOT NULL
);

CREATE TABLE requests (
    seq        BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    ran_at     BIGINT NOT NULL,
    binding    BYTEA NOT NULL,
    request_id BYTEA NOT NULL,
    variant    BYTEA NOT NULL,
    digest     BYTEA NOT NULL,
    answer     BYTEA NOT NULL
);
-- Ids are random: whatever a planner believes of the rest, it looks them up.
CREATE UNIQUE INDEX requests_by_key ON requests (request_id, binding, variant);

CREATE TABLE audit_chains (
    chain BIGINT PRIMARY KEY,
    seq   BIGINT NOT NULL,
    hash  BYTEA NOT NULL,
    seal  BYTEA NOT NULL,
    at    BIGINT NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE audit_events (
    chain   BIGINT NOT NULL,
    seq     BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    account BYTEA,
    actor   TEXT COLLATE "C" NOT NULL,
    action  TEXT COLLATE "C" NOT NULL,
    target  TEXT COLLATE "C" NOT NULL,
    detail  TEXT COLLATE "C" NOT NULL,
    hash    BYTEA NOT NULL,
    PRIMARY KEY (chain, seq)
);

CREATE TABLE audit_steps_back (
    chain BIGINT NOT NULL,
    seq   BIGINT NOT NULL,
    PRIMARY KEY (chain, seq)
);

-- What nodes tell each other of quotas. Lost when the server stops, which costs nobody anything.
CREATE UNLOGGED TABLE quota_draws (
    bucket BYTEA NOT NULL,
    node   BYTEA NOT NULL,
    calls  BIGINT NOT NULL,
    until  BIGINT NOT NULL,
    PRIMARY KEY (bucket, node)
);

-- The name that the other engine has for it.
CREATE FUNCTION instr(whole TEXT, part TEXT) RETURNS INTEGER
    LANGUAGE SQL IMMUTABLE AS 'SELECT strpos(whole, part)';
