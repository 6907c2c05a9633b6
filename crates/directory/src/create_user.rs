//! The rules of create-user: who may create which user where (spec/create-user.txt; the rulings are `[ours]`,
//! listed in docs/API.md).
//!
//! Three steps, so that the state they need is read once for all items: [`Drafts::read`] → the caller looks up
//! [`Drafts::account_codes`] and [`Drafts::domains`] → [`Drafts::judge`].

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use crate::address::{AddressError, MAX_ADDRESS};
use crate::caller::PermissionDenied;
use crate::password::Unmet;
use crate::port::Evidence;
use crate::role::INTERNAL_EDIT;
use crate::user::MAX_NAME;
use crate::{Account, AccountCode, AccountId, Caller, DomainName, EmailAddress};

/// What is asked for: one user. `None` is a field that was left out.
#[derive(Clone, Debug)]
pub struct Item {
    /// Address of the new user.
    pub address: Option<String>,
    /// Display name.
    pub name: Option<String>,
    /// Cloud password.
    pub password: Option<SecretString>,
    /// Account to create the user in, if not the request's or the caller's own.
    pub account_code: Option<String>,
    /// Whether the password must be changed at the next login.
    pub force_password_change: Option<bool>,
}

/// A field of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The address.
    Address,
    /// The display name.
    Name,
    /// The password.
    Password,
    /// The account code.
    AccountCode,
}

/// Why an item is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A mandatory field was left out.
    Missing(Field),
    /// A field holds nothing but blanks.
    Blank(Field),
    /// A field is longer than `max` of `unit`.
    TooLong(Field, usize, &'static str),
    /// A field holds control characters.
    Characters(Field),
    /// The address is none.
    InvalidAddress(AddressError),
    /// The account is unknown, or not the caller's to act on.
    AccountNotPermitted,
    /// The address belongs to no internal domain of the account.
    ForbiddenForAddress,
    /// The password breaks these rules of the account's policy.
    PasswordPolicy(Vec<Unmet>),
}

impl Refusal {
    /// The field that is wrong.
    pub fn field(&self) -> Field {
        match self {
            Refusal::Missing(field) | Refusal::Blank(field) | Refusal::Characters(field) => *field,
            Refusal::TooLong(field, ..) => *field,
            Refusal::InvalidAddress(_) | Refusal::ForbiddenForAddress => Field::Address,
            Refusal::AccountNotPermitted => Field::AccountCode,
            Refusal::PasswordPolicy(_) => Field::Password,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Missing(_) => f.write_str("This field is mandatory"),
            Refusal::Blank(_) => f.write_str("This field must not be blank"),
            Refusal::TooLong(_, max, unit) => write!(f, "This field may hold at most {max} {unit}"),
            Refusal::Characters(_) => f.write_str("This field must not hold control characters"),
            Refusal::InvalidAddress(why) => write!(f, "Not an e-mail address: {why}"),
            Refusal::AccountNotPermitted => {
                f.write_str("The account code is unknown, or the caller may not act in that account")
            }
            // The first words are recorded of the service; the rest says what they leave open.
            Refusal::ForbiddenForAddress => f.write_str(
                "0003 Forbidden To Perform Operation For Address: its domain is not an internal domain of the account",
            ),
            Refusal::PasswordPolicy(unmet) => write!(f, "The password must {}", unmet.join("; ")),
        }
    }
}

/// The items of a request that a permitted caller sent, read but not yet judged.
pub struct Drafts {
    caller: Caller,
    /// The request's account code, or that it is none.
    account_code: Option<Result<AccountCode, Refusal>>,
    drafts: Vec<Result<Draft, Vec<Refusal>>>,
}

struct Draft {
    address: EmailAddress,
    name: String,
    password: Option<SecretString>,
    account_code: Option<AccountCode>,
    must_change_password: bool,
}

/// What the store says about the accounts and domains that the drafts name. What it doesn't know is left out.
#[derive(Default)]
pub struct State {
    /// By code.
    pub accounts: HashMap<AccountCode, Arc<Account>>,
    /// By name: the owner, and the epoch of the owner when this was read.
    pub domains: HashMap<DomainName, Evidence>,
}

/// A user that may be created.
pub struct Planned {
    /// The account it is created in.
    pub account: AccountId,
    /// Its address.
    pub address: EmailAddress,
    /// Display name; empty when none was given.
    pub name: String,
    /// Its password, which satisfies the policy.
    pub password: Option<SecretString>,
    /// Whether the password must be changed at the next login.
    pub must_change_password: bool,
}

/// The judgement over a request.
pub struct Judgement {
    /// Item by item, in order.
    pub items: Vec<Result<Planned, Vec<Refusal>>>,
    /// What the judgement rests on: the store refuses the write when any of it no longer holds.
    pub evidence: Vec<Evidence>,
}

impl Drafts {
    /// Checks the permission, then reads each item alone.
    ///
    /// # Errors
    /// When the caller does not hold *Directories | Internal | Edit*: then no item is looked at.
    pub fn read(
        caller: &Caller,
        account_code: Option<&str>,
        items: Vec<Item>,
    ) -> Result<Self, PermissionDenied> {
        caller.require(&INTERNAL_EDIT)?;
        let account_code = account_code.map(read_account_code);
        Ok(Self {
            caller: caller.clone(),
            account_code,
            drafts: items.into_iter().map(Draft::read).collect(),
        })
    }

    /// The codes of the accounts to look up.
    pub fn account_codes(&self) -> Vec<AccountCode> {
        let own = &self.caller.account().code;
        let named = self.drafts.iter().flatten().filter_map(|draft| draft.account_code.as_ref());
        let codes = named.chain(self.account_code.iter().flatten()).filter(|code| *code != own);
        distinct(codes.cloned().collect())
    }

    /// The domains to look up.
    pub fn domains(&self) -> Vec<DomainName> {
        distinct(self.drafts.iter().flatten().map(|draft| draft.address.domain_name()).collect())
    }

    /// Whether any item has a password: judging those takes a while, up to a millisecond each.
    pub fn have_passwords(&self) -> bool {
        self.drafts.iter().flatten().any(|draft| draft.password.is_some())
    }

    /// Judges each item alone: one bad item never stops the others.
    pub fn judge(self, state: &State) -> Judgement {
        let Self { caller, account_code, drafts } = self;
        let mut evidence = vec![Evidence::of(caller.account())];
        let items = drafts
            .into_iter()
            .map(|draft| {
                draft.and_then(|draft| draft.judge(&caller, account_code.as_ref(), state, &mut evidence))
            })
            .collect();
        Judgement { items, evidence: distinct(evidence) }
    }
}

impl Draft {
    fn read(item: Item) -> Result<Self, Vec<Refusal>> {
        let mut refusals = Vec::new();
        let address = match item.address.as_deref().map(EmailAddress::parse) {
            Some(Ok(address)) => Some(address),
            Some(Err(why)) => {
                refusals.push(match why {
                    AddressError::Blank => Refusal::Blank(Field::Address),
                    AddressError::TooLong => Refusal::TooLong(Field::Address, MAX_ADDRESS, "bytes"),
                    why => Refusal::InvalidAddress(why),
                });
                None
            }
            None => {
                refusals.push(Refusal::Missing(Field::Address));
                None
            }
        };
        let name = item.name.unwrap_or_default();
        if name.chars().count() > MAX_NAME {
            refusals.push(Refusal::TooLong(Field::Name, MAX_NAME, "characters"));
        } else if name.contains(char::is_control) {
            refusals.push(Refusal::Characters(Field::Name));
        }
        if item.password.as_ref().is_some_and(|password| password.expose_secret().trim().is_empty()) {
            refusals.push(Refusal::Blank(Field::Password));
        }
        let account_code = match item.account_code.as_deref().map(read_account_code).transpose() {
            Ok(code) => code,
            Err(refusal) => {
                refusals.push(refusal);
                None
            }
        };
        match address {
            Some(address) if refusals.is_empty() => Ok(Self {
                address,
                name,
                password: item.password,
                account_code,
                must_change_password: item.force_password_change.unwrap_or(false),
            }),
            _ => Err(refusals),
        }
    }

    fn judge(
        self,
        caller: &Caller,
        request_account: Option<&Result<AccountCode, Refusal>>,
        state: &State,
        evidence: &mut Vec<Evidence>,
    ) -> Result<Planned, Vec<Refusal>> {
        let code = match (&self.account_code, request_account) {
            (Some(code), _) => Some(code),
            (None, Some(Ok(code))) => Some(code),
            (None, Some(Err(refusal))) => return Err(vec![refusal.clone()]),
            (None, None) => None,
        };
        let own = caller.account();
        let account = match code {
            Some(code) if *code != own.code => state.accounts.get(code).map(Arc::as_ref),
            _ => Some(own),
        };
        let account = account
            .filter(|account| caller.may_act_in(account))
            .ok_or_else(|| vec![Refusal::AccountNotPermitted])?;
        let domain = state
            .domains
            .get(&self.address.domain_name())
            .filter(|domain| domain.account == account.id)
            .ok_or_else(|| vec![Refusal::ForbiddenForAddress])?;
        if let Some(password) = &self.password {
            let unmet =
                account.password_policy.unmet(password.expose_secret(), &[self.address.as_str(), &self.name]);
            if !unmet.is_empty() {
                return Err(vec![Refusal::PasswordPolicy(unmet)]);
            }
        }
        evidence.push(Evidence::of(account));
        evidence.push(*domain);
        Ok(Planned {
            account: account.id,
            address: self.address,
            name: self.name,
            password: self.password,
            must_change_password: self.must_change_password,
        })
    }
}

/// A code that can't be one belongs to no account: the answer is the same as for an unknown one.
fn read_account_code(text: &str) -> Result<AccountCode, Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::Blank(Field::AccountCode));
    }
    AccountCode::parse(text).map_err(|_| Refusal::AccountNotPermitted)
}

/// Most requests hold one item: then there is nothing to sort.
fn distinct<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    if all.len() > 1 {
        all.sort_unstable();
        all.dedup();
    }
    all
}

#[cfg(test)]
mod tests;
