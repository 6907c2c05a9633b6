-- The same table as in migrations/sqlite/0008_usage.sql. Its rows are written over and over: room on their pages spares the
-- index.

CREATE TABLE binding_usage (
    credential BYTEA PRIMARY KEY,
    used_at    BIGINT NOT NULL,
    user_agent TEXT COLLATE "C" NOT NULL,
    peer       TEXT COLLATE "C" NOT NULL,
    requests   BIGINT NOT NULL,
    refused    BIGINT NOT NULL,
    refusal    TEXT COLLATE "C",
    refused_at BIGINT
) WITH (fillfactor = 70);
