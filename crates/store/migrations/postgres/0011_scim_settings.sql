-- The same tables as in migrations/sqlite/0016_scim_settings.sql.

ALTER TABLE clients ADD COLUMN address_from TEXT COLLATE "C" NOT NULL DEFAULT 'userName';
ALTER TABLE clients ADD COLUMN deletions_an_hour BIGINT;

CREATE TABLE user_names (
    client   BYTEA NOT NULL REFERENCES clients (id),
    name_key TEXT COLLATE "C" NOT NULL,
    name     TEXT COLLATE "C" NOT NULL,
    user_id  BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (client, name_key)
);
CREATE UNIQUE INDEX user_names_by_user ON user_names (user_id, client);

CREATE TABLE client_deletions (
    client BYTEA NOT NULL REFERENCES clients (id),
    minute BIGINT NOT NULL,
    users  BIGINT NOT NULL,
    PRIMARY KEY (client, minute)
);
