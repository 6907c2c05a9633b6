-- How an application provisions by SCIM: the attribute that is the address, its own names of users, deletions an hour.

ALTER TABLE clients ADD COLUMN address_from TEXT NOT NULL DEFAULT 'userName';
ALTER TABLE clients ADD COLUMN deletions_an_hour INTEGER;

CREATE TABLE user_names (
    client   BLOB NOT NULL REFERENCES clients (id),
    name_key TEXT NOT NULL,
    name     TEXT NOT NULL,
    user_id  BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (client, name_key)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX user_names_by_user ON user_names (user_id, client);

-- Users that an application with a limit has deleted, by minute. Rows older than an hour go with the next deletion.
CREATE TABLE client_deletions (
    client BLOB NOT NULL REFERENCES clients (id),
    minute INTEGER NOT NULL,
    users  INTEGER NOT NULL,
    PRIMARY KEY (client, minute)
) STRICT, WITHOUT ROWID;

-- E-mail addresses of users that are no aliases, by which they are found.
CREATE TABLE outside_emails (
    mail_key TEXT NOT NULL,
    user_id  BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (mail_key, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX outside_emails_by_user ON outside_emails (user_id);
INSERT INTO outside_emails (mail_key, user_id)
    SELECT DISTINCT lower(value), user_id FROM user_details, json_each(attributes, '$.outside') WHERE attributes <> '';

-- How often a group or its members were changed.
ALTER TABLE groups ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
