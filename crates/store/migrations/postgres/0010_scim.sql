-- The same tables as in migrations/sqlite/0015_scim.sql.

CREATE TABLE user_details (
    user_id     BYTEA PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    given_name  TEXT COLLATE "C" NOT NULL,
    family_name TEXT COLLATE "C" NOT NULL,
    attributes  TEXT COLLATE "C" NOT NULL
);

CREATE TABLE external_ids (
    client      BYTEA NOT NULL REFERENCES clients (id),
    kind        BIGINT NOT NULL,
    external_id TEXT COLLATE "C" NOT NULL,
    resource    BYTEA NOT NULL,
    PRIMARY KEY (client, kind, external_id)
);
CREATE UNIQUE INDEX external_ids_by_resource ON external_ids (resource, client);

CREATE TABLE client_tokens (
    id         BYTEA PRIMARY KEY,
    client     BYTEA NOT NULL REFERENCES clients (id),
    digest     BYTEA NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX client_tokens_by_client ON client_tokens (client);

ALTER TABLE groups ADD COLUMN updated_at BIGINT;
ALTER TABLE clients ADD COLUMN user_name_domain TEXT COLLATE "C";

CREATE INDEX users_reserved ON users (account, address_key) WHERE reserved = 1;
