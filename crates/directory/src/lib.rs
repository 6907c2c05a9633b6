//! The rules of the directory as pure functions, and the storage port.
