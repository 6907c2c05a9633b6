-- What SCIM clients keep (docs/adr/0034-scim.md): further data of users, the clients' own ids, and tokens that last.

CREATE TABLE user_details (
    user_id     BLOB PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    given_name  TEXT NOT NULL,
    family_name TEXT NOT NULL,
    attributes  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE external_ids (
    client      BLOB NOT NULL REFERENCES clients (id),
    kind        INTEGER NOT NULL,
    external_id TEXT NOT NULL,
    resource    BLOB NOT NULL,
    PRIMARY KEY (client, kind, external_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX external_ids_by_resource ON external_ids (resource, client);

CREATE TABLE client_tokens (
    id         BLOB PRIMARY KEY,
    client     BLOB NOT NULL REFERENCES clients (id),
    digest     BLOB NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX client_tokens_by_client ON client_tokens (client);

-- When a group or its members were last changed.
ALTER TABLE groups ADD COLUMN updated_at INTEGER;

-- The domain of user names without one.
ALTER TABLE clients ADD COLUMN user_name_domain TEXT;

-- Users of domains, which SCIM does not list.
CREATE INDEX users_reserved ON users (account, address_key) WHERE reserved = 1;
