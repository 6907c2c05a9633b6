-- Up to which date requests may have been forgotten: one that was signed before can't be told from a repetition, should the
-- clock have been ahead and be set back. One row, or none as long as nothing was forgotten.

CREATE TABLE forgotten (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    up_to INTEGER NOT NULL
) STRICT;
