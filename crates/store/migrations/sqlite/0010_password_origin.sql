-- Whether the user chose the present password. 0: somebody else set it, or it is older than this column.

ALTER TABLE users ADD COLUMN password_own INTEGER NOT NULL DEFAULT 0;
