-- The same tables as in migrations/sqlite/0017_ldap.sql.

CREATE TABLE ldap_bases (
    account  BYTEA PRIMARY KEY REFERENCES accounts (id),
    base     TEXT COLLATE "C" NOT NULL,
    base_key TEXT COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE ldap_numbers (
    number BIGINT PRIMARY KEY,
    id     BYTEA NOT NULL UNIQUE
);

CREATE INDEX groups_by_name ON groups (account, description_key, id);
CREATE INDEX groups_with_blanks ON groups (account, id) WHERE description_key LIKE '%  %';
CREATE INDEX users_by_update ON users (account, updated_at) WHERE updated_at IS NOT NULL;
