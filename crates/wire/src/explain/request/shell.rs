//! Splits a command line like a POSIX shell or cmd of Windows. Works on bytes, because `$'…'` in commands copied from a
//! browser need not be UTF-8; no library does this.

use super::RequestError;

/// A text as one word for a POSIX shell.
pub fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,=".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// The words of a command, in the quoting of the detected shell.
pub(super) fn words(line: &[u8]) -> Result<Vec<Vec<u8>>, RequestError> {
    if is_cmd(line) { cmd(line) } else { posix(line) }
}

/// Whether the command is quoted for cmd: a caret before the first quote, or at the end of a line. After a single quote
/// carets have no meaning.
fn is_cmd(line: &[u8]) -> bool {
    let continued =
        || line.windows(2).any(|two| two == b"^\n") || line.windows(3).any(|three| three == b"^\r\n");
    match line.iter().position(|byte| matches!(byte, b'\'' | b'"')) {
        Some(place) if line[place] == b'\'' => false,
        Some(place) => line[..place].ends_with(b"^") || continued(),
        None => continued(),
    }
}

fn posix(line: &[u8]) -> Result<Vec<Vec<u8>>, RequestError> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut rest = line;
    while let Some((&byte, next)) = rest.split_first() {
        rest = next;
        match byte {
            b' ' | b'\t' => words.extend(word.take()),
            b'\r' if rest.starts_with(b"\n") => {}
            // Another command or a redirection follows.
            b'\n' | b';' | b'|' | b'&' | b'>' | b'<' => break,
            b'#' if word.is_none() => break,
            b'`' => return Err(RequestError::Variable),
            b'\'' => {
                let end = position(rest, b'\'')?;
                word.get_or_insert_default().extend_from_slice(&rest[..end]);
                rest = &rest[end + 1..];
            }
            b'"' => rest = double_quoted(rest, word.get_or_insert_default())?,
            b'$' => match rest.first() {
                Some(b'\'') => rest = ansi_quoted(&rest[1..], word.get_or_insert_default())?,
                Some(b'"') => {}
                Some(next) if is_expanded(*next) => return Err(RequestError::Variable),
                _ => word.get_or_insert_default().push(b'$'),
            },
            b'\\' => match rest {
                [b'\r', b'\n', after @ ..] | [b'\n', after @ ..] => rest = after,
                [escaped, after @ ..] => {
                    word.get_or_insert_default().push(*escaped);
                    rest = after;
                }
                [] => {}
            },
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    Ok(words)
}

fn is_expanded(next: u8) -> bool {
    next.is_ascii_alphanumeric() || b"_{(@*#?$!".contains(&next)
}

fn position(bytes: &[u8], quote: u8) -> Result<usize, RequestError> {
    bytes.iter().position(|&byte| byte == quote).ok_or(RequestError::Quote)
}

fn double_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Result<&'a [u8], RequestError> {
    loop {
        match rest {
            [] => return Err(RequestError::Quote),
            [b'"', after @ ..] => return Ok(after),
            [b'\\', b'\r', b'\n', after @ ..] | [b'\\', b'\n', after @ ..] => rest = after,
            [b'\\', escaped @ (b'"' | b'\\' | b'$' | b'`'), after @ ..] => {
                word.push(*escaped);
                rest = after;
            }
            [b'`', ..] => return Err(RequestError::Variable),
            [b'$', next, ..] if is_expanded(*next) => return Err(RequestError::Variable),
            [byte, after @ ..] => {
                word.push(*byte);
                rest = after;
            }
        }
    }
}

/// The inside of `$'…'`.
fn ansi_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Result<&'a [u8], RequestError> {
    loop {
        let (&byte, after) = rest.split_first().ok_or(RequestError::Quote)?;
        rest = after;
        if byte == b'\'' {
            return Ok(rest);
        }
        if byte != b'\\' {
            word.push(byte);
            continue;
        }
        let (&escaped, after) = rest.split_first().ok_or(RequestError::Quote)?;
        rest = after;
        let mut number = |most: usize, base: u32| {
            let digits = rest.iter().take(most).take_while(|&&byte| char::from(byte).is_digit(base)).count();
            let text = str::from_utf8(&rest[..digits]).ok();
            rest = &rest[digits..];
            text.and_then(|text| u32::from_str_radix(text, base).ok())
        };
        match escaped {
            b'n' => word.push(b'\n'),
            b'r' => word.push(b'\r'),
            b't' => word.push(b'\t'),
            b'a' => word.push(7),
            b'b' => word.push(8),
            b'e' | b'E' => word.push(27),
            b'f' => word.push(12),
            b'v' => word.push(11),
            b'x' => word.extend(number(2, 16).and_then(|code| u8::try_from(code).ok())),
            b'u' | b'U' => {
                let sign = number(if escaped == b'u' { 4 } else { 8 }, 16).and_then(char::from_u32);
                word.extend_from_slice(sign.unwrap_or('\u{fffd}').encode_utf8(&mut [0; 4]).as_bytes());
            }
            b'0'..=b'7' => {
                let more = rest.iter().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
                let code = rest[..more]
                    .iter()
                    .fold(u32::from(escaped - b'0'), |code, digit| code * 8 + u32::from(digit - b'0'));
                rest = &rest[more..];
                word.push(u8::try_from(code & 255).unwrap_or_default());
            }
            _ => word.push(escaped),
        }
    }
}

/// First cmd's carets outside of quotes, then quotes and backslashes as in a program's runtime.
fn cmd(line: &[u8]) -> Result<Vec<Vec<u8>>, RequestError> {
    let (mut plain, mut quoted, mut rest) = (Vec::with_capacity(line.len()), false, line);
    while let Some((&byte, next)) = rest.split_first() {
        rest = next;
        match (byte, rest) {
            (b'^', [b'\r', b'\n', after @ ..] | [b'\n', after @ ..]) if !quoted => rest = after,
            (b'^', [escaped, after @ ..]) if !quoted => {
                plain.push(*escaped);
                rest = after;
            }
            (b'\r' | b'\n', _) if !quoted => break,
            (b'&' | b'|' | b'>' | b'<', _) if !quoted => break,
            _ => {
                quoted ^= byte == b'"';
                plain.push(byte);
            }
        }
    }
    let (mut words, mut word, mut inside): (Vec<Vec<u8>>, Option<Vec<u8>>, bool) = (Vec::new(), None, false);
    let mut rest = &plain[..];
    while let Some(&byte) = rest.first() {
        let backslashes = rest.iter().take_while(|&&byte| byte == b'\\').count();
        if backslashes > 0 {
            let before_quote = rest.get(backslashes) == Some(&b'"');
            let kept = if before_quote { backslashes / 2 } else { backslashes };
            word.get_or_insert_default().extend(std::iter::repeat_n(b'\\', kept));
            rest = &rest[backslashes..];
            if before_quote && backslashes % 2 == 1 {
                word.get_or_insert_default().push(b'"');
                rest = &rest[1..];
            }
            continue;
        }
        rest = &rest[1..];
        match byte {
            b'"' if inside && rest.first() == Some(&b'"') => {
                word.get_or_insert_default().push(b'"');
                rest = &rest[1..];
            }
            b'"' => {
                inside = !inside;
                word.get_or_insert_default();
            }
            b' ' | b'\t' if !inside => words.extend(word.take()),
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    if inside { Err(RequestError::Quote) } else { Ok(words) }
}
