use super::error::Fault;
use super::lenient::Reader;

const NO_CLOSING_QUOTE: &str = "found a string without a closing quote";

const NO_ESCAPE: &str = "found a backslash that starts no escape: write a backslash itself as two, and else one of \
                         \\\" \\' \\/ \\b \\f \\n \\r \\t \\xNN \\uNNNN \\UNNNNNNNN";

const LONE_SURROGATE: &str =
    "found half of a surrogate pair, which is no character: send both halves or neither";

impl Reader<'_> {
    /// The string that begins here, in single or double quotes; the other kind needs no escape inside.
    pub(super) fn string(&mut self) -> Result<String, Fault> {
        let start = self.at();
        let whole = self.rest;
        let quote = if whole.starts_with('"') { '"' } else { '\'' };
        self.take(quote);

        let mut string = String::new();
        loop {
            let Some(plain) = self.rest.find([quote, '\\']) else {
                return Err(Fault::new(start, NO_CLOSING_QUOTE));
            };
            string.push_str(&self.rest[..plain]);
            self.rest = &self.rest[plain..];
            if self.take(quote) {
                break;
            }
            string.push(self.escape()?);
        }
        self.string_had_line_break = whole[..self.at() - start].contains('\n');
        Ok(string)
    }

    /// The character that this escape encodes.
    fn escape(&mut self) -> Result<char, Fault> {
        let backslash = self.at();
        let fault = |message: &'static str| Fault::new(backslash, message);
        self.take('\\');
        let Some(letter) = self.rest.chars().next() else { return Err(fault(NO_ESCAPE)) };
        self.take(letter);
        let code = match letter {
            '"' | '\'' | '\\' | '/' => return Ok(letter),
            'b' => return Ok('\u{8}'),
            'f' => return Ok('\u{c}'),
            'n' => return Ok('\n'),
            'r' => return Ok('\r'),
            't' => return Ok('\t'),
            'x' => self.hex(2).ok_or_else(|| fault("expected two hexadecimal digits after `\\x`"))?,
            'u' => {
                let half =
                    self.hex(4).ok_or_else(|| fault("expected four hexadecimal digits after `\\u`"))?;
                self.joined(half)
            }
            'U' => self.hex(8).ok_or_else(|| fault("expected eight hexadecimal digits after `\\U`"))?,
            _ => return Err(fault(NO_ESCAPE)),
        };
        char::from_u32(code).ok_or_else(|| match code {
            0xd800..=0xdfff => fault(LONE_SURROGATE),
            _ => fault("found an escape beyond \\U0010ffff, which is no character"),
        })
    }

    /// The code point of a surrogate pair made of `half` and the next escape; `half` itself if there is no pair.
    fn joined(&mut self, half: u32) -> u32 {
        let alone = self.rest;
        if let (0xd800..=0xdbff, Some(rest)) = (half, self.rest.strip_prefix("\\u")) {
            self.rest = rest;
            if let Some(low @ 0xdc00..=0xdfff) = self.hex(4) {
                return 0x10000 + ((half - 0xd800) << 10) + (low - 0xdc00);
            }
            self.rest = alone;
        }
        half
    }

    fn hex(&mut self, digits: usize) -> Option<u32> {
        let (text, rest) = self.rest.split_at_checked(digits)?;
        let all_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let code = all_hex.then(|| u32::from_str_radix(text, 16).ok()).flatten()?;
        self.rest = rest;
        Some(code)
    }
}
