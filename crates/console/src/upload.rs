//! Forms with a file, in the format multipart/form-data.

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Multipart, Request};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt as _;
use zeroize::Zeroizing;

use super::PageError;
use super::form::Form;
use api::Core;
use api::error::CallError;
use api::import::read::MAX_FILE;

/// Maximum body of a form with a file.
pub(super) const MAX_BODY: usize = MAX_FILE;

/// Maximum of a larger body that is read and discarded, because browsers show a response only after they have
/// sent the body.
const MAX_DISCARDED: usize = 16 * MAX_BODY;

/// A file in a form.
pub(crate) struct File {
    /// The name on the user's machine.
    pub(crate) name: String,
    pub(crate) bytes: Zeroizing<Vec<u8>>,
}

/// Reads a form and its file. A form in another format has no file.
pub(super) async fn read_form(
    core: &Core,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Form, Option<File>), PageError> {
    let body = read_body(core, body).await?;
    let mut request = Request::new(Body::from(body.clone()));
    if let Some(kind) = headers.get(CONTENT_TYPE) {
        request.headers_mut().insert(CONTENT_TYPE, kind.clone());
    }
    // The size was checked above.
    DefaultBodyLimit::disable().apply(&mut request);
    let Ok(mut parts) = Multipart::from_request(request, &()).await else {
        return Ok((Form::parse(&body), None));
    };
    let (mut form, mut file) = (Form::default(), None);
    while let Some(part) = parts.next_field().await.map_err(|_| CallError::BodyBroken)? {
        let (field, name) = (part.name().unwrap_or_default().to_owned(), part.file_name().map(str::to_owned));
        let bytes = part.bytes().await.map_err(|_| CallError::BodyBroken)?;
        match name {
            // Browsers send an empty file if none was selected.
            Some(name) if name.is_empty() && bytes.is_empty() => {}
            Some(name) => file = Some(File { name, bytes: Zeroizing::new(bytes.into()) }),
            None => form.add(field, String::from_utf8_lossy(&bytes).into_owned()),
        }
    }
    Ok((form, file))
}

async fn read_body(core: &Core, mut body: Body) -> Result<Bytes, PageError> {
    let reading = async {
        let (mut kept, mut length) = (Vec::new(), 0);
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| CallError::BodyBroken)?.into_data() else { continue };
            length += data.len();
            match length {
                0..=MAX_BODY => kept.extend_from_slice(&data),
                length if length <= MAX_DISCARDED => kept = Vec::new(),
                _ => break,
            }
        }
        if length > MAX_BODY { Err(PageError::FileTooLarge) } else { Ok(Bytes::from(kept)) }
    };
    let limits = &core.limits;
    let read = tokio::time::timeout(limits.body(), reading).await;
    read.map_err(|_| CallError::BodyTimeout(limits.body_seconds))?
}
