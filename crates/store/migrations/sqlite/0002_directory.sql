-- The directory around the call: logins, aliases, attributes, delegates, profiles, counts, tombstones.

-- Addresses compare domain first, so that those of a domain lie side by side and a list of them is a range.
UPDATE users SET address_key = substr(address_key, instr(address_key, '@') + 1) || '@'
                            || substr(address_key, 1, instr(address_key, '@') - 1);

CREATE TABLE authentication_profiles (
    id           BLOB PRIMARY KEY,
    account      BLOB NOT NULL REFERENCES accounts (id),
    name         TEXT NOT NULL COLLATE NOCASE,
    binding_life INTEGER,
    max_bindings INTEGER NOT NULL,
    UNIQUE (account, name)
) STRICT, WITHOUT ROWID;
ALTER TABLE accounts ADD COLUMN profile BLOB REFERENCES authentication_profiles (id);

ALTER TABLE users ADD COLUMN password_changed_at INTEGER;
ALTER TABLE users ADD COLUMN password_never_expires INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN locked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN allow_smtp INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN allow_pop INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN archive_start INTEGER;
ALTER TABLE users ADD COLUMN failed_logins INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN locked_until INTEGER;
ALTER TABLE users ADD COLUMN purge_at INTEGER;
ALTER TABLE users ADD COLUMN alias_of BLOB REFERENCES users (id);
ALTER TABLE users ADD COLUMN profile BLOB REFERENCES authentication_profiles (id);
ALTER TABLE users ADD COLUMN updated_at INTEGER;
CREATE INDEX users_by_primary ON users (alias_of) WHERE alias_of IS NOT NULL;
CREATE INDEX users_to_purge ON users (purge_at) WHERE purge_at IS NOT NULL;

-- Users and aliases of an account in a domain: kept as they come and go, so that nobody has to count rows.
CREATE TABLE user_counts (
    account BLOB NOT NULL,
    domain  TEXT NOT NULL,
    users   INTEGER NOT NULL,
    PRIMARY KEY (account, domain)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_counts_by_domain ON user_counts (domain);
INSERT INTO user_counts (account, domain, users)
    SELECT account, substr(address_key, 1, instr(address_key, '@') - 1), count(*) FROM users GROUP BY 1, 2;

-- What stays of a user that was removed.
CREATE TABLE tombstones (
    address_key TEXT NOT NULL,
    removed_at  INTEGER NOT NULL,
    id          BLOB NOT NULL,
    account     BLOB NOT NULL,
    PRIMARY KEY (address_key, removed_at, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE password_history (
    user   BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    set_at INTEGER NOT NULL,
    seq    INTEGER NOT NULL,
    hash   TEXT NOT NULL,
    PRIMARY KEY (user, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_attributes (
    user      BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    attribute INTEGER NOT NULL,
    value     TEXT NOT NULL,
    PRIMARY KEY (user, attribute)
) STRICT, WITHOUT ROWID;

CREATE TABLE delegates (
    id            BLOB PRIMARY KEY,
    primary_user  BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    delegate_user BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    UNIQUE (primary_user, delegate_user)
) STRICT, WITHOUT ROWID;
CREATE INDEX delegates_by_delegate ON delegates (delegate_user);

-- Applications of API 2.0.
CREATE TABLE clients (
    id            BLOB PRIMARY KEY,
    account       BLOB NOT NULL REFERENCES accounts (id),
    client_id     TEXT NOT NULL UNIQUE,
    secret_digest BLOB NOT NULL,
    name          TEXT NOT NULL,
    role          BLOB NOT NULL,
    products      TEXT NOT NULL,
    disabled_at   INTEGER,
    created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Where the clock was behind the event before: between two of these, events stand in the order of their times, and the
-- first after a time is found by halving.
CREATE TABLE audit_steps_back (
    chain INTEGER NOT NULL,
    seq   INTEGER NOT NULL,
    PRIMARY KEY (chain, seq)
) STRICT, WITHOUT ROWID;
