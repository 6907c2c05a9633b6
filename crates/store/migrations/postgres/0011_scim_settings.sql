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

-- E-mail addresses of users that are no aliases, by which they are found.
CREATE TABLE outside_emails (
    mail_key TEXT COLLATE "C" NOT NULL,
    user_id  BYTEA NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (mail_key, user_id)
);
CREATE INDEX outside_emails_by_user ON outside_emails (user_id);
INSERT INTO outside_emails (mail_key, user_id)
    SELECT DISTINCT lower(value), user_id FROM user_details, jsonb_array_elements_text(attributes::jsonb -> 'outside') AS value
    WHERE attributes <> '';

-- How often a group or its members were changed.
ALTER TABLE groups ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
