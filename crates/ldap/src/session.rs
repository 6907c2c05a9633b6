//! One connection's state, and what each operation does.

use std::net::SocketAddr;

use observe::stopwatch;
use tokio::io::AsyncWrite;

use crate::authority::{Authority, Bound};
use crate::ber::{SEQUENCE, Writer};
use crate::bind::{self, PolicyError, Remembered, Tried};
use crate::code::{Code, Outcome};
use crate::dn::Dn;
use crate::door::Door;
use crate::entry::Attributes;
use crate::filter::Filter;
use crate::message::{self, Control, MANAGE_DSA_IT, Message, PAGED, PASSWORD_POLICY, Request, Scope, Search};
use crate::operation::{Access, Kind, What, response_tag};
use crate::output::Output;
use crate::schema::Attribute;
use crate::search::{self, Ended};
use crate::tree::SUBSCHEMA;
use crate::{password, root};

/// What happens after an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    On,
    /// The handshake of TLS comes next.
    Upgrade,
    Close,
}

/// One connection.
pub(crate) struct Session {
    pub(crate) peer: SocketAddr,
    /// Whether passwords may be sent: over TLS, or on an address that only this machine reaches.
    pub(crate) is_private: bool,
    /// Whether StartTLS is possible.
    pub(crate) upgrades: bool,
    bound: Bound,
    remembered: Option<Remembered>,
}

/// How an operation ended: its result, and the control of its response.
struct Done {
    outcome: Outcome,
    control: Option<(&'static str, Vec<u8>)>,
    /// Writes what comes after the result.
    value: Option<Vec<u8>>,
}

impl From<Outcome> for Done {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, control: None, value: None }
    }
}

impl Session {
    pub(crate) fn new(peer: SocketAddr, is_private: bool, upgrades: bool) -> Self {
        Self { peer, is_private, upgrades, bound: Bound::Nobody, remembered: None }
    }

    /// Whether somebody is bound.
    pub(crate) fn is_bound(&self) -> bool {
        !matches!(self.bound, Bound::Nobody)
    }

    /// The connection continues over TLS; a bind from before is gone.
    pub(crate) fn secured(self) -> Self {
        Self::new(self.peer, true, false)
    }

    /// Carries an operation out, and writes its response.
    pub(crate) async fn serve<W: AsyncWrite + Unpin>(
        &mut self,
        door: &Door,
        message: &Message<'_>,
        out: &mut Output<W>,
    ) -> Flow {
        let started = stopwatch();
        let what = what(message);
        let Some(tag) = response_tag(&message.request) else {
            // What an abandon names has ended: operations run one after the other.
            return if what == What::Unbind { Flow::Close } else { Flow::On };
        };
        let done = match unknown_control(message) {
            Some(refused) => Ok(refused.into()),
            None => self.run(door, what, message, out).await,
        };
        let Ok(done) = done else { return Flow::Close };
        let code = done.outcome.code;
        door.count(what, code);
        tracing::info!(
            target: "ldap",
            peer = %self.peer.ip(),
            operation = what.row().name,
            result = code.name(),
            ms = started.elapsed().as_millis() as u64,
            "ldap"
        );
        write(&mut out.buffer, message.id, tag, &done);
        if out.flush().await.is_err() {
            return Flow::Close;
        }
        match (what, code) {
            (What::StartTls, Code::Success) => Flow::Upgrade,
            _ => Flow::On,
        }
    }

    /// An error means that the client is gone.
    async fn run<W: AsyncWrite + Unpin>(
        &mut self,
        door: &Door,
        what: What,
        message: &Message<'_>,
        out: &mut Output<W>,
    ) -> Result<Done, Ended> {
        let done = match &message.request {
            Request::Bind { version, name, password } => {
                let wants_policy = has(&message.controls, PASSWORD_POLICY);
                let tried = self.bind(door, *version, name, *password).await;
                self.bound = tried.bound;
                with_policy(tried.outcome, tried.policy, wants_policy)
            }
            Request::Search(search) => return self.search(door, what, message, search, out).await,
            Request::Compare { dn, attribute, value } => {
                outcome_of(self.compare(door, dn, attribute, value).await)?.into()
            }
            Request::Extended { value, .. } => self.extended(door, what, message, *value).await,
            Request::Write(_) => Outcome::new(
                Code::UnwillingToPerform,
                "entries are not changed by LDAP: use SCIM, the API or the console; a user changes its password with the \
                 password modify operation",
            )
            .into(),
            Request::Unbind | Request::Abandon(_) => Outcome::OK.into(),
        };
        Ok(done)
    }

    async fn bind(&mut self, door: &Door, version: i64, name: &str, password: Option<&[u8]>) -> Tried {
        // A bind that fails leaves nobody bound.
        self.bound = Bound::Nobody;
        let refused = |code, text: &str| Tried::refused(Outcome::new(code, text));
        let Some(password) = password else {
            return refused(
                Code::AuthMethodNotSupported,
                "bind with a name and a password: SASL is not supported",
            );
        };
        match (version, name.is_empty(), password.is_empty()) {
            (3, true, true) => Tried::refused(Outcome::OK),
            (3, false, true) => refused(
                Code::UnwillingToPerform,
                "a bind with a name needs a password: without one it would prove nothing",
            ),
            (3, ..) if !self.is_private => refused(
                Code::ConfidentialityRequired,
                "the password would be sent in plaintext: use StartTLS first, or LDAPS",
            ),
            (3, ..) => bind::with_password(door, &mut self.remembered, name, password).await,
            _ => refused(Code::ProtocolError, "version 3 of LDAP is spoken here"),
        }
    }

    async fn authority(&mut self, door: &Door) -> Result<Authority, Ended> {
        let authority = Authority::of(door, &self.bound).await?;
        if authority.kind == Kind::Anonymous {
            // What was lost does not come back without a bind.
            self.bound = Bound::Nobody;
        }
        Ok(authority)
    }

    async fn search<W: AsyncWrite + Unpin>(
        &mut self,
        door: &Door,
        what: What,
        message: &Message<'_>,
        search: &Search<'_>,
        out: &mut Output<W>,
    ) -> Result<Done, Ended> {
        match what {
            What::RootDse => {
                let contexts = match self.contexts(door).await {
                    Ok(contexts) => contexts,
                    Err(Ended::With(outcome)) => return Ok(outcome.into()),
                    Err(gone) => return Err(gone),
                };
                let entry = root::root_dse(&contexts, self.upgrades);
                Ok(root::answer(&mut out.buffer, message.id, search, &entry).into())
            }
            What::Schema => Ok(root::answer(&mut out.buffer, message.id, search, &root::subschema()).into()),
            _ => {
                let found = async {
                    let authority = self.authority(door).await?;
                    permit(what, &authority)?;
                    search::run(door, &authority, message.id, search, &message.controls, out).await
                };
                match found.await {
                    Ok((outcome, cookie)) => {
                        let control = cookie.map(|cookie| (PAGED, paging(&cookie)));
                        Ok(Done { outcome, control, value: None })
                    }
                    Err(Ended::With(outcome)) => Ok(outcome.into()),
                    Err(gone) => Err(gone),
                }
            }
        }
    }

    /// The bases that the client may know: its own; without a bind that of the only account, if there is one.
    async fn contexts(&mut self, door: &Door) -> Result<Vec<String>, Ended> {
        if self.is_bound() {
            let authority = self.authority(door).await?;
            return Ok(authority.tree().map(|tree| tree.base_text.clone()).into_iter().collect());
        }
        Ok(door.only_base().await?.into_iter().collect())
    }

    async fn compare(&mut self, door: &Door, dn: &str, name: &str, value: &[u8]) -> Result<Outcome, Ended> {
        let authority = self.authority(door).await?;
        permit(What::Compare, &authority)?;
        let (tree, reader) = authority.reads()?;
        let refused = |code, text: &str| Ended::With(Outcome::new(code, text));
        let dn = Dn::parse(dn).map_err(|why| refused(Code::InvalidDnSyntax, &why.to_string()))?;
        let unknown = || refused(Code::UndefinedAttributeType, "no such attribute type in the schema");
        let attribute = Attribute::named(name).ok_or_else(unknown)?;
        let mut condition = Filter::equality(attribute, value, &tree.groups);
        if condition == Filter::Undefined {
            let text = "the value is none of the kind of the attribute";
            return Err(refused(Code::InvalidAttributeSyntax, text));
        }
        let mut needed = Attributes::default();
        needed.add(attribute);
        search::settle(door, &tree, reader, &mut condition).await?;
        let entry = search::entry_at(door, &tree, reader, &dn, needed, &condition.members()).await?;
        let missing = || refused(Code::NoSuchObject, "no such entry in the account that the bind belongs to");
        let entry = entry.ok_or_else(missing)?;
        if condition.matches(&entry) == Some(true) {
            return Ok(Outcome::new(Code::CompareTrue, ""));
        }
        match entry.values(attribute).is_empty() && !entry.has_more_members {
            true => Err(refused(Code::NoSuchAttribute, "the entry has no value of this attribute")),
            false => Ok(Outcome::new(Code::CompareFalse, "")),
        }
    }

    async fn extended(
        &mut self,
        door: &Door,
        what: What,
        message: &Message<'_>,
        value: Option<&[u8]>,
    ) -> Done {
        match what {
            What::StartTls if self.upgrades => Outcome::OK.into(),
            What::StartTls => {
                let text = "TLS is in use already, or no certificate is configured";
                Outcome::new(Code::OperationsError, text).into()
            }
            What::WhoAmI => match self.authority(door).await {
                Ok(authority) => {
                    let name = authority.name;
                    let value = if name.is_empty() { name } else { format!("dn:{name}") };
                    Done { outcome: Outcome::OK, control: None, value: Some(value.into_bytes()) }
                }
                Err(ended) => outcome_of(Err(ended)).unwrap_or(Outcome::OK).into(),
            },
            What::PasswordModify => self.password_modify(door, message, value).await,
            _ => {
                let text = "this extended operation is not supported; the root DSE lists those that are";
                Outcome::new(Code::ProtocolError, text).into()
            }
        }
    }

    async fn password_modify(&mut self, door: &Door, message: &Message<'_>, value: Option<&[u8]>) -> Done {
        let wants_policy = has(&message.controls, PASSWORD_POLICY);
        if !self.is_private {
            let text = "the password would be sent in plaintext: use StartTLS first, or LDAPS";
            return Outcome::new(Code::ConfidentialityRequired, text).into();
        }
        match password::modify(door, &self.bound, value).await {
            Ok(policy) => {
                // The connection proved the former password.
                self.remembered = None;
                self.bound = Bound::Nobody;
                with_policy(Outcome::OK, policy, wants_policy)
            }
            Err((outcome, policy)) => with_policy(outcome, policy, wants_policy),
        }
    }
}

/// The operation of a message. Searches for the root DSE and for the schema are operations of their kind.
fn what(message: &Message<'_>) -> What {
    match &message.request {
        Request::Search(search) if search.scope == Scope::Base && search.base.trim().is_empty() => {
            What::RootDse
        }
        Request::Search(search)
            if search.scope == Scope::Base
                && Dn::parse(search.base).is_ok_and(|dn| dn.key() == SUBSCHEMA.to_ascii_lowercase()) =>
        {
            What::Schema
        }
        request => What::of(request),
    }
}

/// Refuses what the table of operations gives to nobody of this kind.
fn permit(what: What, authority: &Authority) -> Result<(), Ended> {
    match what.access(authority.kind) {
        Access::All | Access::Own => Ok(()),
        Access::Nothing => match authority.reads() {
            Err(outcome) => Err(outcome.into()),
            Ok(_) => Err(Outcome::new(Code::InsufficientAccessRights, "the bind may not do this").into()),
        },
    }
}

fn outcome_of(outcome: Result<Outcome, Ended>) -> Result<Outcome, Ended> {
    match outcome {
        Ok(outcome) | Err(Ended::With(outcome)) => Ok(outcome),
        Err(gone) => Err(gone),
    }
}

fn has(controls: &[Control<'_>], name: &str) -> bool {
    controls.iter().any(|control| control.name == name)
}

/// The refusal of a request with a critical control that is not known, or not known for it.
fn unknown_control(message: &Message<'_>) -> Option<Outcome> {
    let is_known = |control: &&Control<'_>| match control.name {
        PAGED => matches!(message.request, Request::Search(_)),
        PASSWORD_POLICY | MANAGE_DSA_IT => true,
        _ => false,
    };
    let unknown = message.controls.iter().find(|control| control.is_critical && !is_known(control))?;
    let name: String = unknown.name.chars().filter(|c| c.is_ascii_digit() || *c == '.').take(64).collect();
    let text = format!("the critical control {name} is not supported; the root DSE lists those that are");
    Some(Outcome::new(Code::UnavailableCriticalExtension, text))
}

fn with_policy(outcome: Outcome, policy: Option<PolicyError>, wants_policy: bool) -> Done {
    let control = wants_policy.then(|| {
        let mut value = Vec::new();
        let mut writer = Writer(&mut value);
        let open = writer.begin(SEQUENCE);
        if let Some(error) = policy {
            writer.octets(0x81, &[error as u8]);
        }
        writer.end(open);
        (PASSWORD_POLICY, value)
    });
    Done { outcome, control, value: None }
}

/// The value of the control for pages in a response: the number of all entries is not known.
fn paging(cookie: &[u8]) -> Vec<u8> {
    let mut value = Vec::new();
    let mut writer = Writer(&mut value);
    let open = writer.begin(SEQUENCE);
    writer.integer(crate::ber::INTEGER, 0);
    writer.octets(crate::ber::OCTETS, cookie);
    writer.end(open);
    value
}

fn write(out: &mut Vec<u8>, id: i32, tag: u8, done: &Done) {
    let value = |writer: &mut Writer<'_>| {
        if let Some(value) = &done.value {
            writer.octets(0x8b, value);
        }
    };
    let control = |writer: &mut Writer<'_>| {
        if let Some((name, value)) = &done.control {
            message::write_control(writer, name, value);
        }
    };
    message::result(out, id, tag, &done.outcome, value, control);
}
