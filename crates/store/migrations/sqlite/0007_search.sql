-- Users are found by state and by word.

-- An ordinary new user is in none of these: creating it writes no further tree. Where the
-- column stands in the index, rows need not be read to be counted.
CREATE INDEX users_locked ON users (account, address_key) WHERE locked = 1;
CREATE INDEX users_disabled ON users (account, address_key, disabled_at) WHERE disabled_at IS NOT NULL;
CREATE INDEX users_who_must_change ON users (account, address_key) WHERE must_change_password = 1;
CREATE INDEX users_locked_out ON users (account, address_key, locked_until) WHERE locked_until IS NOT NULL;
CREATE INDEX users_on_purge_list ON users (account, address_key, purge_at) WHERE purge_at IS NOT NULL;
CREATE INDEX users_in_charge ON users (account, address_key, role) WHERE role IS NOT NULL;
CREATE INDEX users_of_users ON users (account, address_key, alias_of) WHERE alias_of IS NOT NULL;

-- The words of addresses and names. They come some time after the user does, by the audit (tables/words.rs).
CREATE TABLE user_words (
    account     BLOB NOT NULL,
    word        TEXT NOT NULL,
    address_key TEXT NOT NULL,
    PRIMARY KEY (account, word, address_key)
) STRICT, WITHOUT ROWID;

-- Up to which event of each chain of the audit they have come.
CREATE TABLE user_words_read (
    chain INTEGER PRIMARY KEY,
    seq   INTEGER NOT NULL
) STRICT;
