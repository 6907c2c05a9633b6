-- The same table as in migrations/sqlite/0014_refusals.sql.

CREATE TABLE refusals (
    hour    BIGINT NOT NULL,
    app_id  TEXT COLLATE "C" NOT NULL,
    code    TEXT COLLATE "C" NOT NULL,
    cause   TEXT COLLATE "C" NOT NULL,
    times   BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    peer    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (hour, app_id, code, cause)
) WITH (fillfactor = 70);
CREATE INDEX refusals_by_application ON refusals (app_id, hour);
