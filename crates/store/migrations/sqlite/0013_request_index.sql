-- Request ids are random, and an index over them costs each request a page. The newest requests are found in memory; when
-- they are many, they move here in the order of fingerprints. Rows after the end are read into memory at the start.

DROP INDEX requests_by_key;
CREATE TABLE request_index (
    fingerprint INTEGER NOT NULL,
    seq         INTEGER NOT NULL,
    PRIMARY KEY (fingerprint, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE request_index_end (
    id  INTEGER PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL
) STRICT;
