-- The same table as in migrations/sqlite/0009_forgotten.sql.

CREATE TABLE forgotten (
    id    BIGINT PRIMARY KEY CHECK (id = 1),
    up_to BIGINT NOT NULL
);
