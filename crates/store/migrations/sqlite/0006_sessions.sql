-- Sessions of the console. Only a digest of the token is kept: who reads the database can't sign in with it.

CREATE TABLE sessions (
    id         BLOB PRIMARY KEY,
    digest     BLOB NOT NULL UNIQUE,
    user_id    BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_user ON sessions (user_id);

-- The key pairs of an application that still work, or would if they had not expired.
CREATE INDEX bindings_of_application ON bindings (application, id) WHERE revoked_at IS NULL;

-- When the user logged in last, by the API or the console.
ALTER TABLE users ADD COLUMN logged_in_at INTEGER;
