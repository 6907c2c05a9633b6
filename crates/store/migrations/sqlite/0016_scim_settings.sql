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
