//! The storage port over SQLite.
