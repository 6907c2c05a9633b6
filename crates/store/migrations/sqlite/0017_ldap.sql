-- What LDAP clients see (docs/adr/0035-ldap.md): the base of an account, if it is not that of its first domain, and the
-- numbers of users and groups. A number is assigned when it is first asked for, and never given to another one.

CREATE TABLE ldap_bases (
    account  BLOB PRIMARY KEY REFERENCES accounts (id),
    base     TEXT NOT NULL,
    base_key TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

CREATE TABLE ldap_numbers (
    number INTEGER PRIMARY KEY,
    id     BLOB NOT NULL UNIQUE
) STRICT;

-- Groups by name, at any place of the tree.
CREATE INDEX groups_by_name ON groups (account, description_key, id);

-- Groups with several blanks in a row in their names, which LDAP compares as one.
CREATE INDEX groups_with_blanks ON groups (account, id) WHERE description_key LIKE '%  %';

-- Users that were changed since a time. A new user is not in it.
CREATE INDEX users_by_update ON users (account, updated_at) WHERE updated_at IS NOT NULL;
