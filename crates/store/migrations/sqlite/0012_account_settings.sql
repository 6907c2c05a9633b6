-- Settings of an account, as JSON. What is not in it has its default.

ALTER TABLE accounts ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
