//! `POST /api/user/import-users`: the body is the file, the arguments are in the header `x-mc-arg` (the service's
//! documentation of the endpoint). The job works in the background with create-user and update-alias, in the name of the
//! caller, so these need their permissions too. `[ours]`

use std::sync::Arc;

use directory::application::Product;
use directory::change::Change;
use directory::role::{IMPORT_EDIT, INTERNAL_EDIT};
use directory::{Scope, check};
use wire::body::Body;
use wire::import::Options;
use wire::import_users::{ImportStatus, ImportUsers};
use wire::item::{Entry, Item as _, Row as _};
use wire::{Answer, Code, Error};
use zeroize::Zeroizing;

use super::get_import_status::row;
use crate::answer;
use crate::call::{Call, Reply, json};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::login::refused_item;
use crate::error::{CallError, wrong};
use crate::import::read::{ParsedFile, read_rows};
use crate::import::{Job, Origin};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: "/api/user/import-users",
    method: Method::Post,
    summary: "Starts an import of users from a file.",
    permission: Some(IMPORT_EDIT),
    products: &[Product::UserAndGroupManagement],
    writes: true,
    takes: Takes::File(ImportUsers::FIELDS),
    row: ImportStatus::FIELDS,
    codes: &[Code::NotOneOf, Code::InvalidEmailAddress],
    run: Run::Signed(|call| Box::pin(import_users(call))),
};

async fn import_users(mut call: Call<'_>) -> Result<Reply, CallError> {
    let (arguments, Entry { key, item }) = arguments(&call).map_err(CallError::argument)?;
    let scope = call.scope(&IMPORT_EDIT, arguments.account_code.as_deref()).await?;
    call.caller.require(&INTERNAL_EDIT)?;
    let notify = match item.and_then(supported) {
        Ok(notify) => notify,
        Err(errors) => return Ok(refused_item(key, errors)),
    };
    // A repeated request must not read its file again.
    if let Some(reply) = call.recall().await? {
        return Ok(reply);
    }
    let file = read(&call).await?;
    call.count(file.rows.len());
    let job = Arc::new(new_job(&call, &scope, notify));
    let rows = file.rows.len();
    job.fill_unchecked(file);
    if !call.core.imports.keep(&job, rows, call.core.clock.now()) {
        return Err(CallError::TooManyImports);
    }
    begin(&mut call, &scope, job, rows).await
}

/// The header `x-mc-arg`: `meta` and the item.
fn arguments(call: &Call<'_>) -> Result<(Body, Entry<ImportUsers>), CallError> {
    let mut body = Body::read(json(call.core, call.argument)?)?;
    let entry = body.one::<ImportUsers>()?;
    Ok((body, entry))
}

/// Records the start, once for the same request, and gives the job to the workers. A caller that goes away meanwhile does
/// not leave an import that is recorded and never begins: a repeated request gets its id.
async fn begin(call: &mut Call<'_>, scope: &Scope, job: Arc<Job>, rows: usize) -> Result<Reply, CallError> {
    let row = row(&call.core.secure_ids(), &job);
    let answer = answer::rendered(&Answer::ran(vec![row], Vec::new()));
    let change = Change::StartImport(scope.account().id, rows);
    let (imports, caller) = (Arc::clone(&call.core.imports), call.caller.clone());
    let then = move |ran| if ran { imports.start(job, caller) } else { imports.drop_job(&job) };
    call.write_and(scope.evidence(), vec![change], Box::new(move |_| answer.clone()), then).await
}

/// The address to notify, if everything that is asked for is done here.
fn supported(item: ImportUsers) -> Result<Option<String>, Vec<Error>> {
    let unsupported = |field, message: &str| Error::in_field(Code::NotOneOf, field, message);
    let mut errors = Vec::new();
    if item.file_type.is_some_and(|kind| kind.trim().to_ascii_lowercase().starts_with("xls")) {
        errors.push(unsupported("fileType", "Sheets cannot be read: save the file as CSV, and send csv"));
    }
    let into_group = "Users cannot be imported into a group: call add-group-member";
    if item.group_id.is_some_and(|group| !group.trim().is_empty()) {
        errors.push(unsupported("groupId", into_group));
    }
    if item.clear_group == Some(true) {
        errors.push(unsupported("clearGroup", into_group));
    }
    if item.allow_address_migration == Some(true) {
        errors.push(unsupported("allowAddressMigration", "Addresses cannot move between accounts"));
    }
    let notify = item.notify_email_address.filter(|address| !address.trim().is_empty());
    if let Some(Err(why)) = notify.as_deref().map(check::address) {
        errors.push(wrong("notifyEmailAddress", &why));
    }
    if errors.is_empty() { Ok(notify) } else { Err(errors) }
}

/// Reads the file on another thread: it may have many rows. Their memory is several times that of the file, so only a few
/// are read at once.
async fn read(call: &Call<'_>) -> Result<ParsedFile, CallError> {
    let turn = call.core.imports.reading_turn().await;
    let (bytes, max_body) = (Zeroizing::new(call.body.to_vec()), call.core.limits.body_bytes);
    let reading = tokio::task::spawn_blocking(move || {
        // Until it is read, even if the caller goes away.
        let _turn = turn;
        read_rows(&bytes, &Options::default(), max_body)
    });
    reading.await.map_err(|_| CallError::Panic)?.map_err(CallError::File)
}

fn new_job(call: &Call<'_>, scope: &Scope, notify: Option<String>) -> Job {
    let core = call.core;
    let mut id = [0; 16];
    core.entropy.fill(&mut id);
    let origin = Origin {
        account: scope.account().id,
        code: scope.account().code.to_string(),
        file: "import-users".to_owned(),
        by: call.caller.name().to_owned(),
        at: core.clock.now(),
        notify,
    };
    Job::new(id, origin, None, core.limits.body_bytes)
}
