-- What was done with a credential: a binding, or an application of API 2.0. Counted beside the requests and written from
-- time to time; what a node had not written when it died is lost.

CREATE TABLE binding_usage (
    credential BLOB PRIMARY KEY,
    used_at    INTEGER NOT NULL,
    user_agent TEXT NOT NULL,
    peer       TEXT NOT NULL,
    requests   INTEGER NOT NULL,
    refused    INTEGER NOT NULL,
    refusal    TEXT,
    refused_at INTEGER
) STRICT, WITHOUT ROWID;
