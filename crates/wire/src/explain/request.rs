//! Requests as people have them at hand: a curl line, a HAR file, HTTP as it crossed the network, or headers alone. Which
//! of them it is shows by itself.
//!
//! Header values stay bytes, where the input has bytes. No error quotes what it is about: it may be a secret.

mod curl;
mod har;
mod http;
mod shell;

#[cfg(test)]
mod tests;

use jiff::Timestamp;

use super::Received;
use crate::header;

/// A request that was captured or written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The method; empty: not known.
    pub method: String,
    /// Path and `?query`; empty: not known.
    pub target: Vec<u8>,
    /// Names in the case they were found in, and values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, where there is one.
    pub body: Option<Vec<u8>>,
    /// Host and port of the URL, where there is one.
    pub authority: Option<Vec<u8>>,
    /// When it was sent, where that was written down.
    pub sent_at: Option<Timestamp>,
}

/// Why no request was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Nothing but blanks.
    #[error("the input is empty: give a curl command, a HAR file, a raw HTTP request or headers")]
    Empty,
    /// PowerShell's `>` writes UTF-16.
    #[error("the input is UTF-16: save it as UTF-8")]
    Utf16,
    /// None of the known forms.
    #[error(
        "line {line} is neither a request line nor a header: expected a curl line, a HAR file, a raw HTTP request or \
         `Name: value` lines"
    )]
    Form {
        /// The line, from 1.
        line: usize,
    },
    /// A browser's "copy as PowerShell".
    #[error("this is a PowerShell command: copy the request as cURL or HAR instead")]
    PowerShell,
    /// JSON that is none.
    #[error("the input looks like JSON but is not valid JSON: line {line}, column {column}")]
    Json {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// JSON of another kind.
    #[error("the JSON is neither a HAR file nor an object of headers")]
    Object,
    /// No request of a HAR file goes to the API.
    #[error("no request in the HAR file goes to an API path such as /api/user/create-user")]
    NoEntry,
    /// A quote that is opened and not closed.
    #[error("a quote in the curl line is not closed: paste the whole command")]
    Quote,
    /// Something that only a shell could fill in.
    #[error("the curl line holds a variable or a command ($…): paste it with the values filled in")]
    Variable,
    /// A header read from a file.
    #[error("the curl line takes headers from a file (-H @…): write them into the line")]
    HeaderFile,
    /// An option of curl without its value.
    #[error("the curl line ends after an option that needs a value")]
    Value,
    /// No URL.
    #[error("the curl line has no URL")]
    NoUrl,
    /// A header of curl's without a colon.
    #[error("a header in the curl line has no colon")]
    HeaderColon,
}

/// Reads all requests in `input`. A HAR file may hold many; whatever in it does not go to the API is left out.
///
/// # Errors
/// When the input is none of the known forms, or has a fault.
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
        _ => http::read(input).map(|request| vec![request]),
    }
}

impl Request {
    /// The value of a header, whatever the case of its name; of several, the first.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let mut same = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        same.next().map(|(_, value)| value.as_slice())
    }

    /// What a server would see of it.
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

    /// Takes a URL apart, or a path.
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

/// A header line, if it is one.
fn header_line(line: &[u8]) -> Option<(String, Vec<u8>)> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let name = &line[..colon];
    let is_name = !name.is_empty()
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte));
    let name = str::from_utf8(name).ok().filter(|_| is_name)?;
    Some((name.to_owned(), line[colon + 1..].trim_ascii().to_vec()))
}
