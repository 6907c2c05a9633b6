//! Import jobs: the rows of a file with their results, in the memory of this node. The console and import-users start
//! them; `import_work` does the work.

pub mod job;
pub mod read;
pub mod row;
pub mod stored_jobs;

pub use job::{Job, Origin, Progress, Source, Stage};
pub use stored_jobs::Imports;
