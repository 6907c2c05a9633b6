//! Forms and query strings.

/// Fields in the order of the request.
#[derive(Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `a=1&b=2`. Any input is valid.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    pub(crate) fn add(&mut self, name: String, text: String) {
        self.0.push((name, text));
    }

    /// The trimmed text of a field; empty if it is missing.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The untrimmed text of a field, for passwords.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The trimmed text of a field, unless it is empty.
    pub(crate) fn non_empty(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// Whether a checkbox is checked.
    pub(crate) fn is_checked(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// All texts of a repeated field.
    pub(crate) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Writes a query string without the empty fields.
pub(crate) fn query_string(fields: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    query.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_reads_back_what_a_browser_sends() {
        let form = Form::parse(b"name=+Ann+%C3%89+&pick=a&pick=b&box=&password=+x+");
        assert_eq!((form.text("name"), form.raw("password"), form.text("none")), ("Ann É", " x ", ""));
        assert_eq!(form.all("pick").collect::<Vec<_>>(), ["a", "b"]);
        assert!(form.is_checked("box") && !form.is_checked("name2"));
        assert_eq!((form.non_empty("box"), form.non_empty("pick")), (None, Some("a")));
        assert_eq!(query_string(&[("q", "a&b"), ("domain", ""), ("from", "x y")]), "q=a%26b&from=x+y");
    }
}
