//! The tables: their reads and changes, in SQL that is the same for every engine.

pub(crate) mod batch;
pub(crate) mod change;
pub(crate) mod forget;
pub(crate) mod memory;
pub(crate) mod numbers;
pub(crate) mod quota;
pub(crate) mod read;
pub(crate) mod refusals;
pub(crate) mod request;
pub(crate) mod row;
pub(crate) mod usage;
pub(crate) mod user_row;
pub(crate) mod words;
pub(crate) mod work;
