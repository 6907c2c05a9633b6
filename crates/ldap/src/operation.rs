//! Operations, and who may do each. A test walks the table.

use crate::message::{PASSWORD_MODIFY, Request, START_TLS, WHO_AM_I};

/// The kind of bind of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// None, or one without a name.
    Anonymous,
    /// A user.
    User,
    /// A user whose role has *Directories | Internal | Read*.
    Administrator,
    /// An application.
    Service,
}

impl Kind {
    /// All of them, in the order of [`Operation::access`].
    pub const ALL: [Kind; 4] = [Kind::Anonymous, Kind::User, Kind::Administrator, Kind::Service];
}

/// What a kind of bind may do with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everything in the account. An application needs its product and permission for it.
    All,
    /// What is its own: itself, and its groups without their other members.
    Own,
    /// Nothing.
    Nothing,
}

/// An operation.
pub struct Operation {
    /// Its name in the log and the metrics.
    pub name: &'static str,
    /// What each kind of bind may do, in the order of [`Kind::ALL`].
    pub access: [Access; 4],
}

macro_rules! operations {
    ($( $operation:ident = $name:literal [$($access:ident),*]; )*) => {
        /// The number of an operation in [`OPERATIONS`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum What { $(
            #[doc = concat!("`", $name, "`")]
            $operation,
        )* }

        /// Every operation.
        pub const OPERATIONS: &[Operation] = &[ $(
            Operation { name: $name, access: [$( Access::$access ),*] },
        )* ];
    };
}

operations! {
    Bind = "bind" [All, All, All, All];
    Unbind = "unbind" [All, All, All, All];
    Abandon = "abandon" [All, All, All, All];
    RootDse = "root dse" [All, All, All, All];
    Schema = "schema" [All, All, All, All];
    Search = "search" [Nothing, Own, All, All];
    Compare = "compare" [Nothing, Own, All, All];
    WhoAmI = "who am i" [All, All, All, All];
    StartTls = "start tls" [All, All, All, All];
    // With the present password, which proves the user; an application has none.
    PasswordModify = "password modify" [Own, Own, Own, Nothing];
    Modify = "modify" [Nothing, Nothing, Nothing, Nothing];
    Add = "add" [Nothing, Nothing, Nothing, Nothing];
    Delete = "delete" [Nothing, Nothing, Nothing, Nothing];
    ModifyDn = "modify dn" [Nothing, Nothing, Nothing, Nothing];
    OtherExtended = "other extended" [Nothing, Nothing, Nothing, Nothing];
}

impl What {
    /// The operation of a request. A search for the root DSE or the schema is known by its base.
    pub(crate) fn of(request: &Request<'_>) -> Self {
        match request {
            Request::Bind { .. } => What::Bind,
            Request::Unbind => What::Unbind,
            Request::Abandon(_) => What::Abandon,
            Request::Search(_) => What::Search,
            Request::Compare { .. } => What::Compare,
            Request::Extended { name: START_TLS, .. } => What::StartTls,
            Request::Extended { name: WHO_AM_I, .. } => What::WhoAmI,
            Request::Extended { name: PASSWORD_MODIFY, .. } => What::PasswordModify,
            Request::Extended { .. } => What::OtherExtended,
            Request::Write(0x67) => What::Modify,
            Request::Write(0x69) => What::Add,
            Request::Write(0x6b) => What::Delete,
            Request::Write(_) => What::ModifyDn,
        }
    }

    /// What is known about it.
    pub const fn row(self) -> &'static Operation {
        &OPERATIONS[self as usize]
    }

    /// What a kind of bind may do.
    pub(crate) const fn access(self, kind: Kind) -> Access {
        self.row().access[kind as usize]
    }
}

/// The tag of the response to a request; `None`: it has none.
pub(crate) fn response_tag(request: &Request<'_>) -> Option<u8> {
    match request {
        Request::Bind { .. } => Some(0x61),
        Request::Search(_) => Some(0x65),
        Request::Compare { .. } => Some(0x6f),
        Request::Extended { .. } => Some(0x78),
        Request::Write(tag) => Some(*tag),
        Request::Unbind | Request::Abandon(_) => None,
    }
}
