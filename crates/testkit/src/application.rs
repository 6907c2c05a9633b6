//! Applications of API 2.0: they get a token for their secret, and call with it.

use crate::{ACCOUNT, Response, TestCaller, TestServer};

/// An application of API 2.0.
#[derive(Clone)]
pub struct TestApplication {
    /// Its client id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
}

impl TestApplication {
    /// The form that requests a token.
    pub fn form(&self) -> String {
        let Self { client_id, client_secret } = self;
        format!("grant_type=client_credentials&client_id={client_id}&client_secret={client_secret}")
    }
}

/// The header of a token.
pub fn bearer(token: &str) -> Vec<(String, Vec<u8>)> {
    vec![("authorization".to_owned(), format!("Bearer {token}").into_bytes())]
}

impl TestServer {
    /// Registers an application of [`ACCOUNT`] with a role and products.
    pub async fn application(&self, role: &str, products: &[&str]) -> TestApplication {
        let new = self.admin().add_client(ACCOUNT, "A program", role, products).await;
        let new = new.unwrap_or_else(|error| panic!("no application: {error}"));
        TestApplication { client_id: new.client_id.clone(), client_secret: new.client_secret().to_owned() }
    }

    /// Requests a token, as clients do.
    pub async fn token(&self, application: &TestApplication) -> String {
        let answer = self.unsigned("/oauth/token", application.form()).await;
        let token = answer.json()["access_token"].as_str().map(str::to_owned);
        token.unwrap_or_else(|| panic!("no token: {answer}"))
    }

    /// Calls a path with a token and a body.
    pub async fn post_as(&self, token: &str, path: &str, body: impl Into<Vec<u8>>) -> Response {
        self.raw(path, &bearer(token), body).await
    }

    /// GETs a path with a token.
    pub async fn get_as(&self, token: &str, path: &str) -> Response {
        self.get_with(path, &bearer(token)).await
    }

    /// GETs a path, signed by a caller over the path without its query.
    pub async fn get_signed(&self, caller: &TestCaller, path: &str) -> Response {
        self.request_signed(caller, "GET", path, "").await
    }

    /// Sends a request with this method and body, signed by a caller over the path without its query.
    pub async fn request_signed(
        &self,
        caller: &TestCaller,
        method: &str,
        path: &str,
        body: impl Into<Vec<u8>>,
    ) -> Response {
        let signed = caller.signed(path.split('?').next().unwrap_or_default());
        let headers: Vec<_> =
            signed.iter().map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect();
        self.request(method, path, &headers, body).await
    }
}
