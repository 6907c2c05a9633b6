//! The rules of create-user (spec/create-user.txt; the rulings are `[ours]`,
//! listed in docs/API.md).
//!
//! Three steps, so that the state they need is read once for all items: [`Drafts::read`] → the caller looks up
//! [`Drafts::account_codes`] and [`Drafts::domains`] → [`Drafts::judge`].

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::caller::PermissionDenied;
use crate::check;
use crate::error::ItemError;
use crate::port::Evidence;
use crate::role::INTERNAL_EDIT;
use crate::user::{PasswordHash, User};
use crate::{Account, AccountCode, AccountId, Caller, DomainName, EmailAddress, UserId};

/// The request: one user. `None` is a missing field.
#[derive(Clone, Debug)]
pub struct Item {
    /// Address of the new user.
    pub address: Option<String>,
    /// Display name.
    pub name: Option<String>,
    /// Cloud password.
    pub password: Option<SecretString>,
    /// An imported password hash, or why it can't be used.
    pub password_hash: Option<Result<PasswordHash, String>>,
    /// The account of the new user; default: the request's, or the caller's own.
    pub account_code: Option<String>,
    /// Whether the password must be changed at the next login.
    pub force_password_change: Option<bool>,
    /// Whether the user is created disabled.
    pub disabled: Option<bool>,
    /// Whether the user is created locked.
    pub locked: Option<bool>,
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
    /// The imported password hash.
    PasswordHash,
    /// The account code.
    AccountCode,
}

/// The error of an item, and its field.
pub type Wrong = (Field, ItemError);

/// The items of a permitted caller, read but not yet judged.
pub struct Drafts {
    caller: Caller,
    /// The request's account code, or its error.
    account_code: Option<Result<AccountCode, ItemError>>,
    drafts: Vec<Result<Draft, Vec<Wrong>>>,
}

struct Draft {
    address: EmailAddress,
    name: String,
    password: Option<NewPassword>,
    account_code: Option<AccountCode>,
    must_change_password: bool,
    disabled: bool,
    locked: bool,
}

/// The password of a new user.
pub enum NewPassword {
    /// In clear text: it satisfies the policy and must be hashed.
    Clear(SecretString),
    /// Imported as a hash: whether it satisfies the policy is unknown.
    Hashed(PasswordHash),
}

impl NewPassword {
    fn clear(&self) -> Option<&SecretString> {
        match self {
            NewPassword::Clear(password) => Some(password),
            NewPassword::Hashed(_) => None,
        }
    }
}

/// The accounts and domains of the drafts, from the store. Unknown ones are missing.
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
    /// Its password.
    pub password: Option<NewPassword>,
    /// Whether the password must be changed at the next login.
    pub must_change_password: bool,
    /// Whether the user is created disabled.
    pub disabled: bool,
    /// Whether the user is created locked.
    pub locked: bool,
}

impl Planned {
    /// The user, and the password that must still be hashed.
    pub fn into_user(self, id: UserId, now: Timestamp) -> (User, Option<SecretString>) {
        let Self { account, address, name, password, must_change_password, disabled, locked } = self;
        let (clear, hash) = match password {
            Some(NewPassword::Clear(clear)) => (Some(clear), None),
            Some(NewPassword::Hashed(hash)) => (None, Some(hash)),
            None => (None, None),
        };
        let user = User::new(id, account, address, now);
        (User { name, password: hash, must_change_password, disabled, locked, ..user }, clear)
    }
}

/// The judgement over a request.
pub struct Judgement {
    /// Item by item, in order.
    pub items: Vec<Result<Planned, Vec<Wrong>>>,
    /// The evidence of the judgement: the store refuses the write if any of it no longer holds.
    pub evidence: Vec<Evidence>,
}

impl Drafts {
    /// Checks the permission, then reads each item alone.
    ///
    /// # Errors
    /// When the caller does not hold *Directories | Internal | Edit*; then no item is read.
    pub fn read(
        caller: &Caller,
        account_code: Option<&str>,
        items: Vec<Item>,
    ) -> Result<Self, PermissionDenied> {
        caller.require(&INTERNAL_EDIT)?;
        let account_code = account_code.map(check::account_code);
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

    /// Whether any item has a password: judging one takes up to a millisecond.
    pub fn have_passwords(&self) -> bool {
        self.drafts.iter().flatten().any(|draft| draft.clear_password().is_some())
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
    fn read(item: Item) -> Result<Self, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let mut check = |field, why: ItemError| wrong.push((field, why));
        let address = match item.address.as_deref().map(check::address) {
            Some(Ok(address)) => Some(address),
            Some(Err(why)) => {
                check(Field::Address, why);
                None
            }
            None => {
                check(Field::Address, ItemError::Missing);
                None
            }
        };
        let name = item.name.unwrap_or_default();
        if let Err(why) = check::name(&name) {
            check(Field::Name, why);
        }
        let password = match (item.password, item.password_hash) {
            (Some(password), None) if password.expose_secret().trim().is_empty() => {
                check(Field::Password, ItemError::Blank);
                None
            }
            (Some(_), Some(_)) => {
                check(Field::PasswordHash, ItemError::NotBoth("password or passwordHash"));
                None
            }
            (None, Some(Err(why))) => {
                check(Field::PasswordHash, ItemError::PasswordHash(why));
                None
            }
            (password, None) => password.map(NewPassword::Clear),
            (None, Some(Ok(hash))) => Some(NewPassword::Hashed(hash)),
        };
        let account_code = match item.account_code.as_deref().map(check::account_code).transpose() {
            Ok(code) => code,
            Err(why) => {
                check(Field::AccountCode, why);
                None
            }
        };
        match address {
            Some(address) if wrong.is_empty() => Ok(Self {
                address,
                name,
                password,
                account_code,
                must_change_password: item.force_password_change.unwrap_or(false),
                disabled: item.disabled.unwrap_or(false),
                locked: item.locked.unwrap_or(false),
            }),
            _ => Err(wrong),
        }
    }

    fn clear_password(&self) -> Option<&SecretString> {
        self.password.as_ref()?.clear()
    }

    fn judge(
        self,
        caller: &Caller,
        request_account: Option<&Result<AccountCode, ItemError>>,
        state: &State,
        evidence: &mut Vec<Evidence>,
    ) -> Result<Planned, Vec<Wrong>> {
        let code = match (&self.account_code, request_account) {
            (Some(code), _) => Some(code),
            (None, Some(Ok(code))) => Some(code),
            (None, Some(Err(refusal))) => return Err(vec![(Field::AccountCode, refusal.clone())]),
            (None, None) => None,
        };
        let own = caller.account();
        let account = match code {
            Some(code) if *code != own.code => state.accounts.get(code).map(Arc::as_ref),
            _ => Some(own),
        };
        let account = account
            .filter(|account| caller.may_act_in(account))
            .ok_or_else(|| vec![(Field::AccountCode, ItemError::AccountNotPermitted)])?;
        let domain = state
            .domains
            .get(&self.address.domain_name())
            .filter(|domain| domain.account == account.id)
            .ok_or_else(|| vec![(Field::Address, ItemError::ForbiddenForDomain)])?;
        if let Some(password) = self.clear_password() {
            let unmet =
                account.password_policy.unmet(password.expose_secret(), &[self.address.as_str(), &self.name]);
            if !unmet.is_empty() {
                return Err(vec![(Field::Password, ItemError::PasswordPolicy(unmet))]);
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
            disabled: self.disabled,
            locked: self.locked,
        })
    }
}

/// Most requests have one item, which needs no sorting.
fn distinct<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    if all.len() > 1 {
        all.sort_unstable();
        all.dedup();
    }
    all
}

#[cfg(test)]
mod tests;
