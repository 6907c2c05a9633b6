//! The addresses of a domain that accept mail.

use crate::error::ItemError;

/// The addresses of a domain that accept mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InboundType {
    /// Any address.
    Any,
    /// Those that another system confirms by SMTP.
    Smtp,
    /// Those of an LDAP directory.
    Ldap,
    /// Those of this directory: recorded from the service.
    #[default]
    Known,
}

impl InboundType {
    /// All of them.
    pub const ALL: [InboundType; 4] =
        [InboundType::Any, InboundType::Smtp, InboundType::Ldap, InboundType::Known];

    /// The word on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            InboundType::Any => "any",
            InboundType::Smtp => "smtp",
            InboundType::Ldap => "ldap",
            InboundType::Known => "known",
        }
    }

    /// Reads the word, in any case.
    ///
    /// # Errors
    /// When it is none of the four.
    pub fn parse(text: &str) -> Result<Self, ItemError> {
        let named = |known: &InboundType| known.as_str().eq_ignore_ascii_case(text.trim());
        let known = Self::ALL.into_iter().find(named);
        known.ok_or_else(|| ItemError::NotOneOf(Self::ALL.map(InboundType::as_str).join(", ")))
    }
}
