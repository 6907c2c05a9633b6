//! A request for a page, with its session, account and form.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, mpsc};

use auth::{SessionToken, SignedIn};
use directory::change::Change;
use directory::port::{Write, Written};
use directory::role::BuiltIn;
use directory::{Permission, Role, Scope};
use http::HeaderMap;
use http::header::{COOKIE, HOST, ORIGIN};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::body::RequestBody;
use wire::header::RequestId;
use wire::{Answer, Failure};

use super::PageError;
use super::form::Form;
use super::upload::File;
use crate::Console;
use crate::endpoints::TypedEndpoint;
use api::driver;
use api::error::CallError;
use observe::Line;

/// Maximum attempts when the directory changes between judging and writing.
const ATTEMPTS: usize = 4;

/// The session cookie. With the prefix `__Host-`, browsers accept it only over TLS or from their own machine,
/// and send it only to this host.
pub(super) const COOKIE_NAME: &str = "__Host-matricula";

/// A request for a page, by a user with a session.
pub(crate) struct PageRequest<'a> {
    pub(crate) console: &'a Arc<Console>,
    pub(crate) token: &'a SessionToken,
    pub(crate) session: SignedIn,
    /// The account of the page and the page's permission, both checked.
    pub(crate) scope: Scope,
    pub(crate) params: HashMap<String, String>,
    pub(crate) query: Form,
    /// The form; empty if none was sent.
    pub(crate) form: Form,
    /// The file in the form.
    pub(crate) file: Option<File>,
    pub(crate) headers: &'a HeaderMap,
    /// The address of the client.
    pub(crate) peer: IpAddr,
    pub(super) permission: Option<&'a Permission>,
    pub(super) line: &'a mut Line,
}

/// The judged changes with a result, or why they are refused.
pub(crate) type Judged<T> = Result<(Vec<Change>, T), String>;

/// The result of a call of an endpoint.
pub(crate) struct EndpointResult<Row> {
    /// The rows of the items that succeeded.
    pub(crate) data: Vec<Row>,
    pub(crate) fail: Vec<Failure>,
}

impl<Row> EndpointResult<Row> {
    /// The messages of all errors; empty on success.
    pub(crate) fn errors(&self) -> Vec<String> {
        self.fail.iter().flat_map(|failure| &failure.errors).map(|error| error.message.clone()).collect()
    }

    /// The first error of a field.
    pub(crate) fn error_in(&self, field: &str) -> Option<String> {
        let mut errors = self.fail.iter().flat_map(|failure| &failure.errors);
        errors.find(|error| error.field.as_deref() == Some(field)).map(|error| error.message.clone())
    }
}

impl PageRequest<'_> {
    /// A parameter of the path; empty if the path does not have it.
    pub(crate) fn path_param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }

    /// A path of the account.
    pub(crate) fn path(&self, below: &str) -> String {
        format!("{}/{}{below}", super::PREFIX, self.scope.account().code)
    }

    /// The base URL of the server for programs.
    pub(crate) fn url(&self) -> String {
        self.console.core.public_url.for_host(self.headers.get(HOST).map(http::HeaderValue::as_bytes))
    }

    /// Whether the user has a permission.
    pub(crate) fn may(&self, permission: &Permission) -> bool {
        self.scope.caller().require(permission).is_ok()
    }

    /// The built-in roles and those of the account.
    pub(crate) async fn roles(&self) -> Result<Vec<Role>, PageError> {
        let own = self.console.core.store.roles_of(self.scope.account().id).await?;
        Ok(BuiltIn::ALL.map(BuiltIn::role).into_iter().chain(own).collect())
    }

    /// Whether htmx asks for a fragment of the page.
    pub(crate) fn wants_fragment(&self) -> bool {
        self.headers.contains_key("hx-request") && !self.headers.contains_key("hx-boosted")
    }

    /// Calls an endpoint of the API for the account. A form with a request id is executed once, even if it is
    /// sent again.
    pub(crate) async fn call_endpoint<Item: Serialize, Row: DeserializeOwned>(
        &mut self,
        endpoint: &TypedEndpoint<Item, Row>,
        items: &[Item],
    ) -> Result<EndpointResult<Row>, PageError> {
        let account = self.scope.account().code.as_str();
        let body = serde_json::to_vec(&RequestBody::new(account, items)).map_err(|_| CallError::Panic)?;
        let request_id = self.form.non_empty("request").and_then(|id| RequestId::parse(id.as_bytes()).ok());
        let mut attempt = 1;
        let reply = loop {
            let caller = self.scope.caller().clone();
            match driver::within(&self.console.core, endpoint.endpoint, caller, request_id, &body, self.line)
                .await
            {
                Err(CallError::Stale) if attempt < ATTEMPTS => {
                    attempt += 1;
                    self.refresh_scope().await?;
                }
                outcome => break outcome?,
            }
        };
        let answer = serde_json::from_slice::<Answer<Row>>(&reply);
        let Answer { data, fail, .. } = answer.map_err(|_| CallError::Panic)?;
        Ok(EndpointResult { data, fail })
    }

    /// Writes changes that no endpoint makes. `judge` returns them, or why they are refused. It is called again
    /// if the directory has changed since it judged.
    pub(crate) async fn write_changes<T>(
        &mut self,
        judge: impl AsyncFn(&Self) -> Result<Judged<T>, PageError>,
    ) -> Result<Result<T, String>, PageError> {
        for _ in 0..ATTEMPTS {
            let (changes, judged) = match judge(self).await? {
                Ok(judged) => judged,
                Err(why) => return Ok(Err(why)),
            };
            let (made, outcome) = mpsc::channel();
            let write = Write {
                once: None,
                evidence: self.scope.evidence(),
                actor: self.scope.caller().actor(),
                now: self.console.core.clock.now(),
                changes,
                render: Box::new(move |effects| {
                    // The receiver is gone if the request was cancelled.
                    let _ = made.send(effects.iter().find_map(|effect| effect.as_ref().err().copied()));
                    Vec::new()
                }),
                times: None,
            };
            match self.console.core.store.write(vec![write]).await?.pop() {
                Some(Written::Stale | Written::NotNow(_)) | None => self.refresh_scope().await?,
                Some(_) => {
                    let refused = outcome.try_iter().last().ok_or(PageError::Refused(CallError::Stale))?;
                    return Ok(refused.map_or(Ok(judged), |why| Err(format!("This {why}."))));
                }
            }
        }
        Err(PageError::Refused(CallError::Stale))
    }

    /// Reads the session, its permissions and the account again.
    async fn refresh_scope(&mut self) -> Result<(), PageError> {
        let code = self.scope.account().code.to_string();
        self.session = read_session(self.console, Some(self.token)).await?.ok_or(PageError::SignedOut)?;
        self.scope = enter_account(self.console, &self.session, self.permission, &code).await?;
        Ok(())
    }
}

/// The session token in the cookie.
pub(super) fn session_token(headers: &HeaderMap) -> Option<SessionToken> {
    let mut cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .by_ref()
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_NAME)
        .and_then(|(_, value)| SessionToken::parse(value))
}

/// The session, if it is valid and its user has a role.
pub(super) async fn read_session(
    console: &Console,
    token: Option<&SessionToken>,
) -> Result<Option<SignedIn>, PageError> {
    let Some(token) = token else { return Ok(None) };
    let found = console.core.authenticator.session(token, console.sessions).await?;
    Ok(found.filter(|found| found.principal.role.is_some()))
}

pub(super) async fn enter_account(
    console: &Console,
    session: &SignedIn,
    permission: Option<&Permission>,
    code: &str,
) -> Result<Scope, PageError> {
    if let Some(permission) = permission {
        session.caller.require(permission).map_err(CallError::from)?;
    }
    let named = match directory::access::named_account(&session.caller, Some(code))? {
        None => None,
        Some(code) => Some(console.core.store.accounts(&[code]).await?.pop().flatten()),
    };
    Ok(Scope::enter(&session.caller, permission, named)?)
}

/// A form must come from a page of this server. Pages cannot forge these two headers.
pub(super) fn require_same_site(headers: &HeaderMap) -> Result<(), PageError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text(ORIGIN.as_str())) {
        (Some("same-origin"), _) | (None, None) => Ok(()),
        (None, Some(origin)) => {
            let from = origin.split_once("://").map(|(_, host)| host);
            if from.is_some() && from == text(HOST.as_str()) { Ok(()) } else { Err(PageError::ForeignForm) }
        }
        (Some(_), _) => Err(PageError::ForeignForm),
    }
}
