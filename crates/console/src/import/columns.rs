//! The columns of a file: what each is read as, by its name or as a person chooses.

use std::sync::Arc;

use askama::Template;
use wire::import::{ChoiceError, FieldPreview, Options, Preview, SHOWN_ROWS, Use, preview, printable};

use super::{TOO_MANY, named_job, redirect_to_job, work, work_session};
use crate::request::PageRequest;
use crate::shell::Shell;
use crate::{PageError, PageResponse};
use api::error::CallError;
use api::import::read::{ParsedFile, Report, read_rows};
use api::import::{Job, Source};

#[derive(Template)]
#[template(path = "import/columns.html")]
struct ColumnsPage {
    shell: Shell,
    path: String,
    file: String,
    /// What must be chosen before the rows can be checked.
    wrong: Option<String>,
    /// Blank if the columns can no longer be changed.
    columns: Vec<Column>,
    has_more: bool,
    first_rows: usize,
}

struct Column {
    field: String,
    name: String,
    /// The first values; `None`: hidden.
    values: Vec<Option<String>>,
    /// Value, label and whether it is selected.
    choices: Vec<(&'static str, String, bool)>,
    is_undecided: bool,
    is_wrong: bool,
}

/// Why the rows can't be checked, and the columns that must be changed.
struct Wrong {
    text: String,
    places: Vec<usize>,
}

/// Reads the rows of a file by the names of its columns; `None`: a person must choose the columns first.
pub(super) fn read_recognised(bytes: &[u8], max_body: usize) -> Result<Option<ParsedFile>, String> {
    let preview = preview(bytes).map_err(|error| error.to_string())?;
    if !preview.fields.is_empty() && !preview.is_understood() {
        return Ok(None);
    }
    let mut file = read_rows(bytes, &Options::default(), max_body)?;
    add_columns(&mut file.report, &preview, &preview.recognised());
    Ok(Some(file))
}

/// Reads the rows of a file with the chosen columns.
fn read_chosen(
    bytes: &[u8],
    preview: &Preview,
    choices: &[Use],
    max_body: usize,
) -> Result<ParsedFile, Wrong> {
    let options = preview.choose(choices).map_err(|error| wrong_choice(preview, &error))?;
    let file = read_rows(bytes, &options, max_body);
    let mut file = file.map_err(|why| Wrong { text: format!("The file: {why}."), places: Vec::new() })?;
    add_columns(&mut file.report, preview, choices);
    let ignored = preview.fields.iter().zip(choices).filter(|(_, choice)| **choice == Use::Ignored);
    file.report.ignored = ignored.map(|(field, _)| printable(&field.name)).collect();
    Ok(file)
}

/// Adds the used columns to the report.
fn add_columns(report: &mut Report, preview: &Preview, choices: &[Use]) {
    let used = preview.fields.iter().zip(choices);
    let used = used.filter(|(_, choice)| matches!(choice, Use::Field(_) | Use::Recognised(_)));
    report.columns = used.map(|(field, choice)| (printable(&field.name), label(*choice))).collect();
}

fn wrong_choice(preview: &Preview, error: &ChoiceError) -> Wrong {
    let name = |place: usize| preview.fields.get(place).map_or(String::new(), |field| printable(&field.name));
    match error {
        ChoiceError::NoAddress => Wrong {
            text: "Choose the column that has the address: without one, no user can be created.".to_owned(),
            places: Vec::new(),
        },
        ChoiceError::Twice { field, places: [one, other] } => Wrong {
            text: format!(
                "The columns “{}” and “{}” are both read as “{}”. Choose one, and ignore the other.",
                name(*one),
                name(*other),
                label(Use::Field(field)),
            ),
            places: vec![*one, *other],
        },
        ChoiceError::Undecided(place) => Wrong {
            text: format!(
                "Choose what the column “{}” is, or ignore it: its name suggests a password, a state or a forced change.",
                name(*place)
            ),
            places: vec![*place],
        },
    }
}

pub(super) async fn show(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let job = named_job(request)?;
    let Some(source) = changeable_source(&job) else {
        return render_fixed(request, &job).map(PageResponse::Html);
    };
    let preview = read_preview(&source).await?;
    let choices = source.choices.unwrap_or_else(|| preview.recognised());
    let wrong = preview.choose(&choices).err().map(|error| wrong_choice(&preview, &error));
    render(request, &job, &preview, &choices, wrong).map(PageResponse::Html)
}

/// Checks the rows of the file with the chosen columns.
pub(super) async fn choose(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let job = named_job(request)?;
    let Some(source) = changeable_source(&job) else {
        return render_fixed(request, &job).map(PageResponse::Invalid);
    };
    let preview = read_preview(&source).await?;
    let sent = |(place, field): (usize, &FieldPreview)| {
        parse(request.form.text(&format!("column-{place}")), field.read_as)
    };
    let choices: Vec<Use> = preview.fields.iter().enumerate().map(sent).collect();
    let max_body = request.console.core.limits.body_bytes;
    let reading = tokio::task::spawn_blocking(move || {
        let file = read_chosen(&source.bytes, &preview, &choices, max_body);
        (file, preview, choices)
    });
    let (file, preview, choices) = reading.await.map_err(|_| CallError::Panic)?;
    let file = match file {
        Ok(file) => file,
        Err(wrong) => {
            return render(request, &job, &preview, &choices, Some(wrong)).map(PageResponse::Invalid);
        }
    };
    let session = work_session(request)?;
    if !request.console.core.imports.keep(&job, file.rows.len(), request.console.core.clock.now()) {
        let wrong = Wrong { text: TOO_MANY.to_owned(), places: Vec::new() };
        return render(request, &job, &preview, &choices, Some(wrong)).map(PageResponse::Invalid);
    }
    // Of two forms sent at the same time the first one starts the check.
    if job.fill(file, Some(choices)) && job.begin() {
        work(request, &job, session);
    }
    Ok(redirect_to_job(request, &job))
}

/// The file of a job whose columns can be changed.
fn changeable_source(job: &Job) -> Option<Source> {
    job.source().filter(|_| !job.progress().running)
}

async fn read_preview(source: &Source) -> Result<Preview, PageError> {
    let bytes = Arc::clone(&source.bytes);
    let read = tokio::task::spawn_blocking(move || preview(&bytes[..])).await;
    // The same bytes were read when they were uploaded.
    Ok(read.map_err(|_| CallError::Panic)?.map_err(|_| CallError::Panic)?)
}

fn render(
    request: &PageRequest<'_>,
    job: &Job,
    preview: &Preview,
    choices: &[Use],
    wrong: Option<Wrong>,
) -> Result<String, PageError> {
    let (wrong, places) = wrong.map_or((None, Vec::new()), |wrong| (Some(wrong.text), wrong.places));
    let column = |(place, (field, choice)): (usize, (&FieldPreview, &Use))| {
        column(place, field, *choice, places.contains(&place))
    };
    let page = ColumnsPage {
        shell: request.shell("/users", format!("Columns of {}", job.origin.file)),
        path: request.path(&format!("/import/{}", job.id)),
        file: job.origin.file.clone(),
        wrong,
        columns: preview.fields.iter().zip(choices).enumerate().map(column).collect(),
        has_more: preview.has_more,
        first_rows: SHOWN_ROWS,
    };
    Ok(page.render()?)
}

/// The page of a job whose columns can no longer be changed.
fn render_fixed(request: &PageRequest<'_>, job: &Job) -> Result<String, PageError> {
    let empty = Preview::default();
    render(request, job, &empty, &[], None)
}

fn column(place: usize, field: &FieldPreview, choice: Use, is_wrong: bool) -> Column {
    let hidden = choice.is_secret() || field.read_as.is_secret();
    let shown = |value: &Option<String>| value.clone().filter(|value| !hidden || value.is_empty());
    let recognised = Some(field.read_as).filter(|read| matches!(read, Use::Recognised(_)));
    let fields = Use::fields().map(Use::Field);
    let all = recognised.into_iter().chain(fields).chain([Use::Ignored]);
    Column {
        field: format!("column-{place}"),
        name: printable(&field.name),
        values: field.values.iter().map(shown).collect(),
        choices: all.map(|known| (value(known), label(known), known == choice)).collect(),
        is_undecided: choice == Use::Undecided,
        is_wrong,
    }
}

/// The value of a choice in the form.
fn value(choice: Use) -> &'static str {
    match choice {
        Use::Field(name) => name,
        Use::Recognised(_) => "recognised",
        Use::Ignored => "ignore",
        Use::Undecided => "",
    }
}

fn parse(text: &str, read_as: Use) -> Use {
    match text {
        "ignore" => Use::Ignored,
        "recognised" if matches!(read_as, Use::Recognised(_)) => read_as,
        text => Use::fields().find(|name| *name == text).map_or(Use::Undecided, Use::Field),
    }
}

fn label(choice: Use) -> String {
    let label = match choice {
        Use::Field("email") => "Address",
        Use::Field("name") => "Name",
        Use::Field("firstName") => "First name",
        Use::Field("lastName") => "Last name",
        Use::Field("password") => "Password",
        Use::Field("passwordHash") => "Password hash",
        Use::Field("accountCode") => "Account code",
        Use::Field("forcePasswordChange") => "Must change password",
        Use::Field("active") => "Active: yes or no",
        Use::Field("disabled") => "Disabled: yes or no",
        Use::Field("locked") => "Locked: yes or no",
        Use::Field("status") => "State in words",
        Use::Field("aliasOf") => "Alias of: the address of its user",
        Use::Field(other) => other,
        Use::Recognised(what) => return format!("As recognised: {what}"),
        Use::Ignored => "Ignore",
        Use::Undecided => "Choose …",
    };
    label.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_a_label_and_is_read_back() {
        for name in Use::fields() {
            assert_ne!(label(Use::Field(name)), name);
        }
        let recognised = Use::Recognised("alias");
        let all = Use::fields().map(Use::Field).chain([Use::Ignored, recognised, Use::Undecided]);
        for choice in all {
            assert_eq!(parse(value(choice), recognised), choice);
        }
        assert_eq!(parse("recognised", Use::Ignored), Use::Undecided);
        assert_eq!(parse("nonsense", Use::Ignored), Use::Undecided);
    }
}
