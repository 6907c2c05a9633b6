-- Users are found by state and by word: see migrations/sqlite/0007_search.sql.

CREATE INDEX users_locked ON users (account, address_key) WHERE locked = 1;
CREATE INDEX users_disabled ON users (account, address_key, disabled_at) WHERE disabled_at IS NOT NULL;
CREATE INDEX users_who_must_change ON users (account, address_key) WHERE must_change_password = 1;
CREATE INDEX users_locked_out ON users (account, address_key, locked_until) WHERE locked_until IS NOT NULL;
CREATE INDEX users_on_purge_list ON users (account, address_key, purge_at) WHERE purge_at IS NOT NULL;
CREATE INDEX users_in_charge ON users (account, address_key, role) WHERE role IS NOT NULL;
CREATE INDEX users_of_users ON users (account, address_key, alias_of) WHERE alias_of IS NOT NULL;

CREATE TABLE user_words (
    account     BYTEA NOT NULL,
    word        TEXT COLLATE "C" NOT NULL,
    address_key TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, word, address_key)
);

CREATE TABLE user_words_read (
    chain BIGINT PRIMARY KEY,
    seq   BIGINT NOT NULL
) WITH (fillfactor = 50);
