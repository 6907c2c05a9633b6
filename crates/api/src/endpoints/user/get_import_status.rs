//! `POST /api/user/get-import-status` (the service's documentation of the endpoint; the values of `status`, `reason` and
//! `refused` are `[ours]`). The state of an import is in the memory of the node that runs it.

use directory::application::Product;
use directory::role::IMPORT_READ;
use uuid::Uuid;
use wire::import_users::{ImportStatus, NamesImport, RefusedRow};
use wire::item::{self, Entry, Item as _, Row as _};
use wire::{Answer, Code, Error};

use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::login::refused_item;
use crate::error::{CallError, wrong};
use crate::import::job::KEPT;
use crate::import::{Job, Progress, Stage};
use crate::secure_id::SecureIds;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/user/get-import-status",
    method: Method::Post,
    summary: "Shows the state of an import.",
    permission: Some(IMPORT_READ),
    products: &[Product::UserAndGroupManagement],
    writes: false,
    takes: Takes::One(NamesImport::FIELDS),
    row: ImportStatus::FIELDS,
    codes: &[Code::InvalidId, Code::NotFound],
    run: Run::Signed(|call| Box::pin(get_import_status(call))),
};

/// The kind of an import's secure id.
const KIND: &str = "import";

/// Refused rows in a response: as many as a finished job keeps.
const SHOWN: usize = KEPT;

const UNKNOWN: &str = "This server has no such import: it is older than a day, runs on another node, or was lost in a restart. To be sure, send the file again with a new request id; users that exist are refused";

async fn get_import_status(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let Entry { key, item } = body.one::<NamesImport>()?;
    let scope = call.scope(&IMPORT_READ, body.account_code.as_deref()).await?;
    let (core, account) = (call.core, scope.account().id);
    let ids = core.secure_ids();
    let found = item.and_then(|item| {
        let id = ids.open_id(KIND, account, &item.id).map_err(|why| vec![wrong("id", &why)])?;
        let unknown = || vec![Error::in_field(Code::NotFound, "id", UNKNOWN)];
        core.imports.find_job(account, &Uuid::from_bytes(id).to_string()).ok_or_else(unknown)
    });
    Ok(match found {
        Ok(job) => Reply::of(&Answer::ran(vec![row(&ids, &job)], Vec::new())),
        Err(errors) => refused_item(key, errors),
    })
}

/// The row of an import.
pub(super) fn row(ids: &SecureIds<'_>, job: &Job) -> ImportStatus {
    let (progress, reason) = (job.progress(), job.why());
    let refused = job.with_rows(|rows| {
        let refused = rows.iter().filter_map(|row| {
            let error = row.errors().first()?;
            Some(RefusedRow {
                line: row.line,
                email_address: row.address.clone(),
                code: error.code.clone(),
                message: error.message.clone(),
            })
        });
        refused.take(SHOWN).collect()
    });
    ImportStatus {
        id: ids.seal(KIND, job.origin.account, job.id.as_bytes()),
        status: status(&progress, reason.is_some() || job.is_stopping()).to_owned(),
        importer: job.origin.by.clone(),
        notify_email_address: job.origin.notify.clone(),
        created: item::time(job.origin.at),
        total_users: progress.rows as u64,
        successful_imported_users: progress.created as u64,
        reason,
        refused,
        ..ImportStatus::default()
    }
}

fn status(progress: &Progress, stopped: bool) -> &'static str {
    match progress.stage {
        Stage::Done => "completed",
        _ if progress.running => "running",
        _ if stopped => "stopped",
        Stage::Columns | Stage::Checking | Stage::Checked | Stage::Creating => "pending",
    }
}
