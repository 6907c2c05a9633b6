//! Captured requests: a curl command, a HAR file, raw HTTP, or only headers. The format is detected.
//!
//! Header values stay bytes where the input has bytes. Errors never quote the input, which may contain a secret.

mod curl;
mod har;
mod http;
mod shell;

#[cfg(test)]
mod tests;

use jiff::Timestamp;

pub use shell::shell_word;

use super::Received;
use crate::header;

/// A captured request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The method; empty if unknown.
    pub method: String,
    /// Path and `?query`; empty if unknown.
    pub target: Vec<u8>,
    /// Names, in their original case, and values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, if present.
    pub body: Option<Vec<u8>>,
    /// Host and port of the URL, if present.
    pub authority: Option<Vec<u8>>,
    /// The time of sending, if recorded.
    pub sent_at: Option<Timestamp>,
}

/// Why no request could be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The input is blank.
    #[error("the input is empty: give a curl command, a HAR file, a raw HTTP request or headers")]
    Empty,
    /// The input is UTF-16, as PowerShell's `>` writes it.
    #[error("the input is UTF-16: save it as UTF-8")]
    Utf16,
    /// The format is unknown.
    #[error(
        "line {line} is neither a request line nor a header: expected a curl line, a HAR file, a raw HTTP request or \
         `Name: value` lines"
    )]
    Form {
        /// The line, from 1.
        line: usize,
    },
    /// The output of a browser's "copy as PowerShell".
    #[error("this is a PowerShell command: copy the request as cURL or HAR instead")]
    PowerShell,
    /// Invalid JSON.
    #[error("the input looks like JSON but is not valid JSON: line {line}, column {column}")]
    Json {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// JSON in another format.
    #[error("the JSON is neither a HAR file nor an object of headers")]
    Object,
    /// No request of the HAR file goes to the API.
    #[error("no request in the HAR file goes to an API path such as /api/user/create-user")]
    NoEntry,
    /// A quote is not closed.
    #[error("a quote in the curl line is not closed: paste the whole command")]
    Quote,
    /// The command contains a variable or a command substitution.
    #[error("the curl line holds a variable or a command ($…): paste it with the values filled in")]
    Variable,
    /// Headers are read from a file.
    #[error("the curl line takes headers from a file (-H @…): write them into the line")]
    HeaderFile,
    /// An option of curl lacks its value.
    #[error("the curl line ends after an option that needs a value")]
    Value,
    /// The URL is missing.
    #[error("the curl line has no URL")]
    NoUrl,
    /// A header of the curl command has no colon.
    #[error("a header in the curl line has no colon")]
    HeaderColon,
}

/// Reads all requests in `input`. Requests of a HAR file that do not go to the API are skipped.
///
/// # Errors
/// When the format is unknown or the input is malformed.
pub fn read(input: &[u8]) -> Result<Vec<Request>, RequestError> {
    if input.starts_with(b"\xff\xfe") || input.starts_with(b"\xfe\xff") {
        return Err(RequestError::Utf16);
    }
    let input = input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input);
    let text = input.trim_ascii_start();
    let first = text.split(|&byte| byte.is_ascii_whitespace()).next().unwrap_or_default();
    let is = |word: &str| first.eq_ignore_ascii_case(word.as_bytes());
    match text.first() {
        None => Err(RequestError::Empty),
        Some(b'{' | b'[') => har::read(text),
        Some(b'$' | b'>')
            if text.get(1) == Some(&b' ') && text[2..].trim_ascii_start().starts_with(b"curl") =>
        {
            curl::read(&text[2..]).map(|request| vec![request])
        }
        _ if is("curl") || is("curl.exe") => curl::read(text).map(|request| vec![request]),
        _ if is("Invoke-WebRequest") || is("Invoke-RestMethod") || text.starts_with(b"$session") => {
            Err(RequestError::PowerShell)
        }
        _ => {
            let request = http::read(input)?;
            // `matricula sign` prints the headers, and then the same request for curl, which has the path too.
            let curl =
                request.body.as_deref().filter(|body| request.is_headers() && body.starts_with(b"curl "));
            Ok(vec![match curl {
                Some(curl) => curl::read(curl)?,
                None => request,
            }])
        }
    }
}

impl Request {
    /// Whether it has no request line.
    fn is_headers(&self) -> bool {
        self.target.is_empty()
    }

    /// The first value of a header, by name in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let mut same = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        same.next().map(|(_, value)| value.as_slice())
    }

    /// The request as a server would receive it.
    #[must_use]
    pub fn received(&self) -> Received<'_> {
        Received {
            method: &self.method,
            target: &self.target,
            authorization: self.header(header::AUTHORIZATION),
            date: self.header(header::DATE),
            request_id: self.header(header::REQUEST_ID),
            app_id: self.header(header::APP_ID),
            host: self.header("host").or(self.authority.as_deref()),
            body: self.body.as_deref(),
        }
    }

    /// Splits a URL or a path.
    fn set_url(&mut self, url: &[u8]) {
        let url = url.split(|&byte| byte == b'#').next().unwrap_or_default();
        if url.starts_with(b"/") {
            self.target = url.to_vec();
            return;
        }
        let scheme = url.windows(3).position(|three| three == b"://");
        let rest = scheme.map_or(url, |place| &url[place + 3..]);
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        let host =
            authority.iter().rposition(|&byte| byte == b'@').map_or(authority, |at| &authority[at + 1..]);
        self.authority = (!host.is_empty()).then(|| host.to_vec());
        self.target = match target.first() {
            Some(b'/') => target.to_vec(),
            _ => [b"/", target].concat(),
        };
    }
}

fn header_line(line: &[u8]) -> Option<(String, Vec<u8>)> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let name = &line[..colon];
    let is_name = !name.is_empty()
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte));
    let name = str::from_utf8(name).ok().filter(|_| is_name)?;
    Some((name.to_owned(), line[colon + 1..].trim_ascii().to_vec()))
}
