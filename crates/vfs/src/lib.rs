//! A file layer (VFS) for SQLite that collects the writes of a commit.
//!
//! SQLite writes each page of a commit into the write-ahead log with two calls, its header and its content, and then
//! forces all of it to the disk with one call. This layer keeps writes to the log that follow one another in memory, and
//! passes them on as one write. It stands on SQLite's default layer for this system, which does all the rest.
//!
//! **What holds.** The default layer receives the same bytes at the same offsets in the same order. Whenever something
//! else could look at the log, or asks for it to be durable, nothing is held back: before the log is forced, read,
//! measured, truncated, controlled or closed, and before every call on the shared memory of the database, with which
//! SQLite publishes commits and takes and releases locks. So another connection sees what it would see without this
//! layer, and what a commit forced is on the disk. A crash finds a log that ends earlier, as without this layer if the
//! crash had come earlier; SQLite's checksums tell it where the log ends.
//!
//! **What it needs.** A write that fails is reported by the call that passes it on. With `synchronous=FULL` this is the
//! call that forces the log, so the commit fails and is rolled back. With `NORMAL` and `OFF` the shared memory is the
//! first to be asked after a commit's last write, and cannot report; do not use this layer with them.

mod collected;
mod shim;

pub use shim::{NAME, Unregistered, register};

#[cfg(test)]
mod tests;
