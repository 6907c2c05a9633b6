//! Strict parsing of the head of an HTTP/1.1 request. Ambiguous heads are refused, so that a proxy and the server never
//! disagree where a request ends.

use http::Uri;

use api::error::CallError;

/// Longest head in bytes. Less than the read buffer, so that hyper accepts every head that is accepted here.
pub(super) const LONGEST: usize = super::READ_AHEAD - (4 << 10);

const MOST_HEADERS: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// This many bytes, possibly none.
    Length(u64),
    Chunked,
}

/// Why a request is refused unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    /// It is not valid HTTP/1.1, or ambiguous.
    Request(&'static str),
    /// The target is too long.
    Target,
    /// The headers are too long or too many.
    Headers,
}

impl Malformed {
    pub(super) fn refusal(self) -> CallError {
        match self {
            Malformed::Request(why) => CallError::Malformed(why),
            Malformed::Target => CallError::TargetTooLong(LONGEST),
            Malformed::Headers => CallError::HeadersTooLarge(LONGEST, MOST_HEADERS),
        }
    }
}

/// The end of a head that starts here, after its empty line; the bytes up to `searched` contain no end. `None`:
/// incomplete.
pub(super) fn end(bytes: &[u8], searched: usize) -> Result<Option<usize>, Malformed> {
    let mut from = searched;
    while let Some(next) = bytes[from..].iter().position(|byte| *byte == b'\n') {
        let line = from + next;
        if line == 0 || bytes[line - 1] != b'\r' {
            return Err(Malformed::Request("a line ends with LF alone instead of CR LF"));
        }
        if bytes[..line].ends_with(b"\r\n\r") {
            return if line < LONGEST { Ok(Some(line + 1)) } else { Err(too_long(bytes)) };
        }
        from = line + 1;
    }
    if bytes.len() < LONGEST { Ok(None) } else { Err(too_long(bytes)) }
}

/// Which part of a head is too long.
fn too_long(bytes: &[u8]) -> Malformed {
    if bytes[..LONGEST].contains(&b'\n') { Malformed::Headers } else { Malformed::Target }
}

/// Checks a complete head.
pub(super) fn judge(head: &[u8]) -> Result<Framing, Malformed> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    request.parse(head).map_err(|error| match error {
        httparse::Error::TooManyHeaders => Malformed::Headers,
        httparse::Error::Version => Malformed::Request("its version is neither HTTP/1.1 nor HTTP/1.0"),
        httparse::Error::HeaderName => Malformed::Request("a header name contains an invalid character"),
        httparse::Error::HeaderValue => Malformed::Request("a header value contains an invalid character"),
        httparse::Error::NewLine => Malformed::Request("a line does not end with CR LF"),
        httparse::Error::Token | httparse::Error::Status => {
            Malformed::Request("its first line is not a method, a target and a version")
        }
    })?;
    let target = request.path.unwrap_or_default();
    if !is_plain(target) && Uri::try_from(target).is_err() {
        return Err(Malformed::Request("its target is neither a path nor a URL"));
    }
    let (mut length, mut chunked) = (None, false);
    for header in request.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            let announced =
                digits(header.value).ok_or(Malformed::Request("its Content-Length is not a number"))?;
            if length.is_some_and(|length| length != announced) {
                return Err(Malformed::Request("it has two lengths in Content-Length"));
            }
            length = Some(announced);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            if chunked || !header.value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                return Err(Malformed::Request("its Transfer-Encoding is not chunked alone"));
            }
            chunked = true;
        }
    }
    match (length, chunked) {
        (Some(_), true) => {
            Err(Malformed::Request("it has both Content-Length and Transfer-Encoding: send one of them"))
        }
        (None, true) if request.version == Some(0) => {
            Err(Malformed::Request("it has a Transfer-Encoding, which HTTP/1.0 does not have"))
        }
        (None, true) => Ok(Framing::Chunked),
        (length, false) => Ok(Framing::Length(length.unwrap_or(0))),
    }
}

/// Whether every parser takes the target for a path.
fn is_plain(target: &str) -> bool {
    target.starts_with('/')
        && target.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~%?&=:+,;@".contains(&byte))
}

fn digits(value: &[u8]) -> Option<u64> {
    let value = value.trim_ascii();
    let text = str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    text.parse().ok()
}

/// The head that replaces a refused one, with the same target if known.
pub(super) fn stand_in(bytes: &[u8]) -> Vec<u8> {
    let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ').map(|word| str::from_utf8(word).unwrap_or_default());
    let method = words
        .next()
        .filter(|word| (1..=16).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_uppercase()));
    let target = words.next().filter(|word| word.len() <= 1_024 && is_plain(word));
    let (method, target) = (method.unwrap_or("GET"), target.unwrap_or("/"));
    format!("{method} {target} HTTP/1.1\r\nconnection: close\r\n\r\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("GET / HTTP/1.1\r\n\r\n", Framing::Length(0))]
    #[case("POST //api/a HTTP/1.0\r\nContent-Length: 7 \r\ncontent-length:7\r\n\r\n", Framing::Length(7))]
    #[case(
        "POST /a?b='c' HTTP/1.1\r\nTransfer-Encoding: Chunked\r\nExpect: 100-continue\r\n\r\n",
        Framing::Chunked
    )]
    #[case("GET http://host/a HTTP/1.1\r\n\r\n", Framing::Length(0))]
    #[case("OPTIONS * HTTP/1.1\r\nX: \u{e5}\r\n\r\n", Framing::Length(0))]
    fn a_head_says_how_long_the_body_is(#[case] head: &str, #[case] framing: Framing) {
        assert_eq!(end(head.as_bytes(), 0), Ok(Some(head.len())));
        assert_eq!(judge(head.as_bytes()), Ok(framing));
    }

    #[rstest]
    #[case("GET / HTTP/1.1\nHost: x\r\n\r\n", "LF alone")]
    #[case("\nGET / HTTP/1.1\r\n\r\n", "LF alone")]
    #[case("GET / HTTP/1.1\r\nHost: x\n\r\n", "LF alone")]
    #[case("GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", "header value")]
    #[case("GET / HTTP/1.1\r\nA b: c\r\n\r\n", "header name")]
    #[case("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", "header name")]
    #[case("PRI * HTTP/2.0\r\n\r\n", "neither HTTP/1.1")]
    #[case("GET /\r\n\r\n", "first line")]
    #[case("GET a b HTTP/1.1\r\n\r\n", "neither HTTP/1.1")]
    #[case("GET a/b HTTP/1.1\r\n\r\n", "target")]
    #[case("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "chunked alone")]
    #[case(
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "chunked alone"
    )]
    #[case("POST / HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\n", "chunked alone")]
    #[case("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", "send one of them")]
    #[case("POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "send one of them")]
    #[case("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.0")]
    #[case("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "two lengths")]
    #[case("POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n", "not a number")]
    #[case("POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n", "not a number")]
    #[case("POST / HTTP/1.1\r\nContent-Length:\r\n\r\n", "not a number")]
    #[case("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", "not a number")]
    fn what_can_be_read_in_two_ways_is_refused(#[case] head: &str, #[case] why: &str) {
        let found = end(head.as_bytes(), 0).and_then(|end| judge(&head.as_bytes()[..end.unwrap()]));
        assert!(matches!(found, Err(Malformed::Request(told)) if told.contains(why)), "{found:?}");
    }

    #[test]
    fn a_head_is_bounded() {
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(MOST_HEADERS + 1));
        assert_eq!(judge(many.as_bytes()), Err(Malformed::Headers));
        let long = format!("GET / HTTP/1.1\r\nA: {}", "b".repeat(LONGEST));
        assert_eq!(end(long.as_bytes(), 0), Err(Malformed::Headers));
        assert_eq!(end(format!("{long}\r\n\r\n").as_bytes(), 0), Err(Malformed::Headers));
        assert_eq!(end(format!("GET /{}", "b".repeat(LONGEST)).as_bytes(), 0), Err(Malformed::Target));
        assert_eq!(end(b"GET / HTTP/1.1\r\n", 3), Ok(None));
    }

    #[test]
    fn what_stands_in_goes_to_the_same_target() {
        let head = |text: &str| String::from_utf8(stand_in(text.as_bytes())).unwrap();
        assert!(head("POST /api/a?b HTTP/1.1\nHost: x\n\n").starts_with("POST /api/a?b HTTP/1.1\r\n"));
        for odd in ["", "\u{0}\u{1}", "get  /", "GET /a\"b HTTP/1.1"] {
            assert!(head(odd).starts_with("GET / HTTP/1.1\r\n"), "{odd:?}");
        }
        assert!(judge(&stand_in(b"PUT /x")).is_ok());
    }
}
