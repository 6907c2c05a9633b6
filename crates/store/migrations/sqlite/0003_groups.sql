-- Groups and their members. Counts are kept as groups and members come and go, so that nobody has to count rows.

ALTER TABLE accounts ADD COLUMN group_count INTEGER NOT NULL DEFAULT 0;

CREATE TABLE groups (
    id              BLOB PRIMARY KEY,
    account         BLOB NOT NULL REFERENCES accounts (id),
    parent          BLOB REFERENCES groups (id),
    description     TEXT NOT NULL,
    description_key TEXT NOT NULL,
    source          TEXT NOT NULL,
    user_count      INTEGER NOT NULL DEFAULT 0,
    folder_count    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
-- Nulls are all different to an index: the top is the empty id.
CREATE UNIQUE INDEX groups_by_description ON groups (account, coalesce(parent, x''), description_key);
CREATE INDEX groups_of_account ON groups (account);
CREATE INDEX groups_by_parent ON groups (parent) WHERE parent IS NOT NULL;

-- A member is an address, compared as users' are, or a whole domain: then there is no address.
CREATE TABLE group_members (
    group_id   BLOB NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    member_key TEXT NOT NULL,
    address    TEXT,
    domain     TEXT NOT NULL,
    notes      TEXT NOT NULL,
    PRIMARY KEY (group_id, member_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_members_by_key ON group_members (member_key);
