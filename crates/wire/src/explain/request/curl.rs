//! A curl command, as pasted from a terminal or copied from a browser.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Request, RequestError, header_line, shell};

/// Short options with a value.
const LETTERS: &[u8] = b"AbcCdDeEFhHKmoPQrtTuUwxXyYz";

/// Long options with a value that are ignored.
const WITH_VALUE: [&[u8]; 44] = [
    b"user-agent",
    b"cookie",
    b"cookie-jar",
    b"connect-timeout",
    b"connect-to",
    b"max-time",
    b"output",
    b"output-dir",
    b"cert",
    b"cert-type",
    b"key",
    b"key-type",
    b"pass",
    b"cacert",
    b"capath",
    b"ciphers",
    b"tls-max",
    b"tls13-ciphers",
    b"proxy",
    b"proxy-user",
    b"proxy-header",
    b"noproxy",
    b"preproxy",
    b"resolve",
    b"interface",
    b"local-port",
    b"dns-servers",
    b"retry",
    b"retry-delay",
    b"retry-max-time",
    b"referer",
    b"write-out",
    b"form",
    b"form-string",
    b"limit-rate",
    b"range",
    b"dump-header",
    b"config",
    b"unix-socket",
    b"max-redirs",
    b"trace",
    b"trace-ascii",
    b"stderr",
    b"keepalive-time",
];

/// The options so far.
#[derive(Default)]
struct Command {
    request: Request,
    method: Option<Vec<u8>>,
    url: Option<Vec<u8>>,
    user: Option<Vec<u8>>,
    /// Pieces of the body; `None` for a piece from a file.
    data: Vec<Option<Vec<u8>>>,
    in_query: bool,
    head: bool,
}

pub(super) fn read(line: &[u8]) -> Result<Request, RequestError> {
    let words = shell::words(line)?;
    let mut words = words.into_iter().skip(1);
    let mut command = Command::default();
    while let Some(word) = words.next() {
        if let Some(option) = word.strip_prefix(b"--").filter(|option| !option.is_empty()) {
            let (name, value) = match option.iter().position(|&byte| byte == b'=') {
                Some(equals) => (&option[..equals], Some(option[equals + 1..].to_vec())),
                None => (option, None),
            };
            command.long(name, value, &mut words)?;
        } else if word.len() > 1 && word[0] == b'-' && word != b"--" {
            command.letters(&word[1..], &mut words)?;
        } else if word != b"--" && command.url.is_none() {
            command.url = Some(word);
        }
    }
    command.finish()
}

impl Command {
    fn long(
        &mut self,
        name: &[u8],
        value: Option<Vec<u8>>,
        words: &mut impl Iterator<Item = Vec<u8>>,
    ) -> Result<(), RequestError> {
        let letter = match name {
            b"header" => b'H',
            b"request" => b'X',
            b"user" => b'u',
            b"data" | b"data-ascii" | b"data-binary" | b"data-raw" | b"json" | b"url" | b"data-urlencode"
            | b"upload-file" | b"oauth2-bearer" => 0,
            b"get" => b'G',
            b"head" => b'I',
            _ if WITH_VALUE.contains(&name) => b'o',
            _ => return Ok(()),
        };
        if matches!(letter, b'G' | b'I') {
            return self.letter(letter, Vec::new());
        }
        let value = value.or_else(|| words.next()).ok_or(RequestError::Value)?;
        match name {
            b"url" => self.url = Some(value),
            b"data-raw" => self.data.push(Some(value)),
            b"data" | b"data-ascii" | b"data-binary" | b"json" => return self.letter(b'd', value),
            // The value alone does not determine the data.
            b"data-urlencode" | b"upload-file" => self.data.push(None),
            b"oauth2-bearer" => {
                let value = [b"Bearer ", &value[..]].concat();
                self.request.headers.push(("Authorization".to_owned(), value.trim_ascii().to_vec()));
            }
            _ => return self.letter(letter, value),
        }
        Ok(())
    }

    /// A cluster of short options such as `-sSX POST`: the first one with a value takes the rest.
    fn letters(
        &mut self,
        letters: &[u8],
        words: &mut impl Iterator<Item = Vec<u8>>,
    ) -> Result<(), RequestError> {
        for (place, &letter) in letters.iter().enumerate() {
            if LETTERS.contains(&letter) {
                let rest = &letters[place + 1..];
                let value =
                    if rest.is_empty() { words.next().ok_or(RequestError::Value)? } else { rest.to_vec() };
                return self.letter(letter, value);
            }
            self.letter(letter, Vec::new())?;
        }
        Ok(())
    }

    fn letter(&mut self, letter: u8, value: Vec<u8>) -> Result<(), RequestError> {
        match letter {
            b'H' if value.starts_with(b"@") => return Err(RequestError::HeaderFile),
            // A semicolon instead of the colon sends an empty header.
            b'H' if value.ends_with(b";") && !value.contains(&b':') => {
                let name = String::from_utf8_lossy(&value[..value.len() - 1]).into_owned();
                self.request.headers.push((name, Vec::new()));
            }
            b'H' => {
                let (name, value) = header_line(&value).ok_or(RequestError::HeaderColon)?;
                // A colon without a value removes one of curl's own headers.
                if !value.is_empty() {
                    self.request.headers.push((name, value));
                }
            }
            b'X' => self.method = Some(value),
            b'u' => self.user = Some(value),
            b'd' if value.starts_with(b"@") => self.data.push(None),
            b'd' => self.data.push(Some(value)),
            b'T' | b'F' => self.data.push(None),
            b'G' => self.in_query = true,
            b'I' => self.head = true,
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<Request, RequestError> {
        let Command { mut request, method, url, user, data, in_query, head } = self;
        request.set_url(&url.ok_or(RequestError::NoUrl)?);
        let has_data = !data.is_empty();
        // All pieces or none: an incomplete body is useless.
        let body: Option<Vec<Vec<u8>>> = data.into_iter().collect();
        let body = body.filter(|_| has_data).map(|pieces| pieces.join(&b'&'));
        let method = match method {
            Some(method) => String::from_utf8_lossy(&method).into_owned(),
            None if head => "HEAD".to_owned(),
            None if has_data && !in_query => "POST".to_owned(),
            None => "GET".to_owned(),
        };
        request.method = method;
        match body {
            Some(body) if in_query => {
                request.target.push(if request.target.contains(&b'?') { b'&' } else { b'?' });
                request.target.extend_from_slice(&body);
            }
            body => request.body = body,
        }
        if let Some(mut user) = user.filter(|_| request.header("authorization").is_none()) {
            // Without a colon curl asks for the password, which the line does not have.
            if !user.contains(&b':') {
                user.push(b':');
            }
            let value = format!("Basic {}", STANDARD.encode(user));
            request.headers.push(("Authorization".to_owned(), value.into_bytes()));
        }
        Ok(request)
    }
}
