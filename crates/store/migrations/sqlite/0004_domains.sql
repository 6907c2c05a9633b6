-- Domains that accounts register themselves, and what other systems want to know of one.

ALTER TABLE domains ADD COLUMN inbound_type TEXT NOT NULL DEFAULT 'known';
ALTER TABLE domains ADD COLUMN send_only INTEGER NOT NULL DEFAULT 0;
ALTER TABLE domains ADD COLUMN local INTEGER NOT NULL DEFAULT 1;
CREATE INDEX domains_of_account ON domains (account, name);

-- Several accounts may wait for the same domain: who proves it first gets it, by the uniqueness of `domains`.
CREATE TABLE pending_domains (
    id           BLOB PRIMARY KEY,
    account      BLOB NOT NULL REFERENCES accounts (id),
    name         TEXT NOT NULL,
    inbound_type TEXT NOT NULL,
    token        TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    UNIQUE (account, name)
) STRICT, WITHOUT ROWID;
