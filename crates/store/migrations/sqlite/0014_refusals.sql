-- Refused requests of applications, by hour, for seven days. Counted beside the requests and written from time to time;
-- what a node had not written when it died is lost.

CREATE TABLE refusals (
    hour    INTEGER NOT NULL,
    app_id  TEXT NOT NULL,
    code    TEXT NOT NULL,
    cause   TEXT NOT NULL,
    times   INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    peer    TEXT NOT NULL,
    PRIMARY KEY (hour, app_id, code, cause)
) STRICT, WITHOUT ROWID;
CREATE INDEX refusals_by_application ON refusals (app_id, hour);
