//! Renders an explanation: in 80 columns for people, in one line for a log or a header.

use std::fmt;

use super::{Cause, Explanation, KeySet, Signature};

const COLUMNS: usize = 80;

/// Shortest secret that is redacted; a shorter one would occur in every text.
const SECRET: usize = 4;

impl Explanation {
    /// One line of visible ASCII with a maximum length in bytes: the names of the mistakes, then the first one in
    /// words.
    #[must_use]
    pub fn line(&self, bytes: usize) -> String {
        let names: Vec<&str> = self.causes.iter().map(|cause| cause.mistake.name()).collect();
        let mut line = match (names.is_empty(), self.signature) {
            (false, Signature::Unexplained) => format!("unexplained, {}: ", names.join(", ")),
            (false, _) => format!("{}: ", names.join(", ")),
            (true, Signature::Unexplained) => "unexplained: ".to_owned(),
            (true, Signature::Unread) => "unread: ".to_owned(),
            (true, Signature::Right | Signature::Wrong | Signature::NotNeeded) => "right: ".to_owned(),
        };
        let mut words = Vec::new();
        if self.signature == Signature::Unexplained {
            words.push("The signature is wrong, and no known mistake reproduces it.".to_owned());
        }
        if let (true, Signature::Right) = (self.causes.is_empty(), self.signature) {
            words.push("The signature is right.".to_owned());
        }
        words.extend(self.causes.iter().map(Cause::sentences));
        line.push_str(&words.join(" "));
        let line: String = line
            .chars()
            .map(|sign| match sign {
                '…' => "...".to_owned(),
                ' '..='~' => sign.to_string(),
                _ => "?".to_owned(),
            })
            .collect();
        match line.len() > bytes {
            true => format!("{}...", &line[..bytes.saturating_sub(3)]),
            false => line,
        }
    }

    /// Redacts secrets in all texts. There should be none, but a client may send a secret in the wrong header.
    pub(super) fn redact(&mut self, keys: &[KeySet]) {
        let secrets: Vec<&str> = keys
            .iter()
            .flat_map(|set| [Some(set.app_key()), set.secret_key()])
            .flatten()
            .filter(|secret| secret.len() >= SECRET)
            .collect();
        let redact = |text: &mut String| {
            for secret in &secrets {
                while let Some(place) = find(text, secret) {
                    text.replace_range(place..place + secret.len(), "…");
                }
            }
        };
        let details = self.causes.iter_mut().filter_map(|cause| cause.detail.as_mut());
        details.for_each(redact);
        self.signed.iter_mut().for_each(redact);
        if let Some(to_sign) = &mut self.to_sign {
            [&mut to_sign.date, &mut to_sign.request_id, &mut to_sign.path].into_iter().for_each(redact);
        }
    }
}

/// The position of a secret, in either case.
fn find(text: &str, secret: &str) -> Option<usize> {
    let windows = text.as_bytes().windows(secret.len());
    let mut places = windows.enumerate().filter(|(_, window)| window.eq_ignore_ascii_case(secret.as_bytes()));
    places
        .next()
        .map(|(place, _)| place)
        .filter(|&place| text.is_char_boundary(place) && text.is_char_boundary(place + secret.len()))
}

impl Cause {
    fn sentences(&self) -> String {
        let detail = self.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
        let wrong = self.mistake.wrong().trim_end_matches('.');
        format!("{wrong}{detail}. {}", self.mistake.mend())
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = match self.signature {
            Signature::Right if self.causes.is_empty() => "The signature is right.",
            Signature::Right => "The signature is right, but the request is not.",
            Signature::Wrong => "The signature is wrong. These mistakes reproduce it:",
            Signature::Unexplained => "The signature is wrong, and no known mistake reproduces it.",
            Signature::Unread => "There is no signature to check.",
            Signature::NotNeeded => "No signature is required.",
        };
        f.write_str(said)?;
        for cause in &self.causes {
            writeln!(f, "\n\n{}", cause.mistake)?;
            wrapped(f, "  ", "  ", cause.mistake.wrong())?;
            if let Some(detail) = &cause.detail {
                f.write_str("\n")?;
                wrapped(f, "  Here: ", "        ", detail)?;
            }
            f.write_str("\n")?;
            wrapped(f, "  Fix:  ", "        ", cause.mistake.mend())?;
        }
        if let Some(signed) = &self.signed {
            f.write_str("\n\nSigned text:")?;
            // Its spaces matter, so it is broken only at the end of a line.
            let signs: Vec<char> = signed.chars().collect();
            for line in signs.chunks(COLUMNS - 2) {
                write!(f, "\n  {}", line.iter().collect::<String>())?;
            }
        }
        if let Some(to_sign) = self.to_sign.as_ref().filter(|_| self.signature != Signature::Right) {
            f.write_str("\n\nText to sign, with colons between the four parts:")?;
            let app_key = match &self.keys {
                Some(name) => format!("the one of {name}"),
                None => "the application's".to_owned(),
            };
            for (name, value) in [
                ("x-mc-date", &to_sign.date),
                ("x-mc-req-id", &to_sign.request_id),
                ("path", &to_sign.path),
                ("application key", &app_key),
            ] {
                f.write_str("\n")?;
                wrapped(f, &format!("  {name:<17}"), &" ".repeat(19), value)?;
            }
        }
        if !self.left.is_empty() {
            f.write_str(if self.signature == Signature::Unexplained { "\n\nStill to check:" } else { "\n" })?;
            for left in &self.left {
                f.write_str("\n")?;
                match self.signature {
                    Signature::Unexplained => wrapped(f, "- ", "  ", left)?,
                    _ => wrapped(f, "", "", left)?,
                }
            }
        }
        Ok(())
    }
}

/// Writes a text in lines; words longer than a line are broken.
fn wrapped(f: &mut fmt::Formatter<'_>, first: &str, next: &str, text: &str) -> fmt::Result {
    f.write_str(first)?;
    let mut column = first.chars().count();
    let indent = next.chars().count();
    let mut begun = false;
    for word in text.split(' ') {
        let length = word.chars().count();
        if begun && column + 1 + length > COLUMNS {
            write!(f, "\n{next}")?;
            column = indent;
        } else if begun {
            f.write_str(" ")?;
            column += 1;
        }
        begun = true;
        for sign in word.chars() {
            if column == COLUMNS {
                write!(f, "\n{next}")?;
                column = indent;
            }
            write!(f, "{sign}")?;
            column += 1;
        }
    }
    Ok(())
}
