-- One SQL for two engines: `user` is a reserved word in the other one, where several writers count users and keep an
-- audit chain each.

ALTER TABLE bindings RENAME COLUMN user TO user_id;
ALTER TABLE password_history RENAME COLUMN user TO user_id;
ALTER TABLE user_attributes RENAME COLUMN user TO user_id;

CREATE TABLE counts (
    account BLOB NOT NULL,
    domain  TEXT NOT NULL,
    chain   INTEGER NOT NULL,
    users   INTEGER NOT NULL,
    PRIMARY KEY (account, domain, chain)
) STRICT, WITHOUT ROWID;
INSERT INTO counts SELECT account, domain, 1, users FROM user_counts;
DROP TABLE user_counts;
ALTER TABLE counts RENAME TO user_counts;
CREATE INDEX user_counts_by_domain ON user_counts (domain);

-- When the newest event of a chain was.
ALTER TABLE audit_chains ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
UPDATE audit_chains SET at =
    coalesce((SELECT at FROM audit_events e WHERE e.chain = audit_chains.chain AND e.seq = audit_chains.seq), 0);

-- What, beside the id, must be there only once: nothing where an id stands for one request, the body where it may stand
-- for several. Those from before may be either.
ALTER TABLE requests ADD COLUMN variant BLOB NOT NULL DEFAULT x'';
UPDATE requests SET variant = digest;
DROP INDEX requests_by_key;
CREATE UNIQUE INDEX requests_by_key ON requests (binding, request_id, variant);
