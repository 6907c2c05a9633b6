//! A simple browser: keeps the cookie of the console and sends forms as browsers do. Tests of layout and scripts use a
//! real one.

use crate::{Response, TestServer};

/// A browser on the console.
pub struct Browser<'s> {
    server: &'s TestServer,
    /// The cookie, `name=value`.
    pub cookie: Option<String>,
}

impl TestServer {
    /// A browser without a session.
    pub fn browser(&self) -> Browser<'_> {
        Browser { server: self, cookie: None }
    }

    /// A browser with a session of this user.
    ///
    /// # Panics
    /// When signing in fails.
    pub async fn signed_in(&self, address: &str, password: &str) -> Browser<'_> {
        let mut browser = self.browser();
        let answer = browser.sign_in(address, password).await;
        assert_eq!(answer.status, 303, "{address} can't sign in: {}", answer.body);
        browser
    }
}

impl Browser<'_> {
    /// Sends the sign-in form.
    pub async fn sign_in(&mut self, address: &str, password: &str) -> Response {
        self.send("/console/sign-in", &[("address", address), ("password", password)]).await
    }

    /// Gets a page.
    pub async fn get(&mut self, path: &str) -> Response {
        let headers = self.headers(&[]);
        let answer = self.server.get_with(path, &headers).await;
        self.keep_cookies(answer)
    }

    /// Sends a form of this session, with the session's form token.
    ///
    /// # Panics
    /// When nobody is signed in.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Response {
        let token = self.token().await;
        let mut fields = fields.to_vec();
        fields.push(("token", &token));
        self.send(path, &fields).await
    }

    /// Sends a form unchanged.
    pub async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Response {
        self.send_from(path, fields, &[("sec-fetch-site", "same-origin")]).await
    }

    /// Sends a form with these headers.
    pub async fn send_from(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Response {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        let mut headers = self.headers(headers);
        headers.push(("content-type".to_owned(), b"application/x-www-form-urlencoded".to_vec()));
        let answer = self.server.raw(path, &headers, body.finish()).await;
        self.keep_cookies(answer)
    }

    /// Sends a form of this session with a file.
    ///
    /// # Panics
    /// When nobody is signed in.
    pub async fn upload(&mut self, path: &str, file: &str, content: &[u8]) -> Response {
        let token = self.token().await;
        self.upload_with(path, &token, file, content).await
    }

    /// The same, with any token.
    pub async fn upload_with(&mut self, path: &str, token: &str, file: &str, content: &[u8]) -> Response {
        const EDGE: &str = "----the-edge-of-a-part";
        let field = format!("--{EDGE}\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n{token}\r\n");
        let head = format!(
            "--{EDGE}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\nContent-Type: text/csv\r\n\r\n",
            // As browsers do.
            file.replace('"', "%22")
        );
        let end = format!("\r\n--{EDGE}--\r\n");
        let body = [field.as_bytes(), head.as_bytes(), content, end.as_bytes()].concat();
        let mut headers = self.headers(&[("sec-fetch-site", "same-origin")]);
        let kind = format!("multipart/form-data; boundary={EDGE}");
        headers.push(("content-type".to_owned(), kind.into_bytes()));
        let answer = self.server.raw(path, &headers, body).await;
        self.keep_cookies(answer)
    }

    /// The form token of this session.
    ///
    /// # Panics
    /// When nobody is signed in.
    pub async fn token(&mut self) -> String {
        let start = self.get("/console").await;
        let account = start.header("location").unwrap_or_else(|| panic!("not signed in: {start}")).to_owned();
        let page = self.get(&account).await;
        let token = page.body.split("name=\"token\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        token.unwrap_or_else(|| panic!("no form in {}", page.body)).to_owned()
    }

    fn headers(&self, more: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
        let cookie = self.cookie.iter().map(|cookie| ("cookie", cookie.as_str()));
        let all = more.iter().copied().chain(cookie);
        all.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect()
    }

    fn keep_cookies(&mut self, answer: Response) -> Response {
        if let Some(set) = answer.header("set-cookie") {
            let cookie = set.split(';').next().unwrap_or_default();
            self.cookie = Some(cookie.to_owned()).filter(|cookie| !cookie.ends_with('='));
        }
        answer
    }
}
