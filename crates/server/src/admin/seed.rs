//! Creates many users, to test a directory of that size.

use std::ops::RangeInclusive;

use directory::audit::Actor;
use directory::change::Change;
use directory::port::{Evidence, StoreError, Write, Written};
use directory::user::User;
use directory::{AccountId, DomainName, EmailAddress, UserId};

use super::{Admin, AdminError};
use crate::system::System;

/// Users per transaction. More of them share the cost of a disk write; a running server waits for one transaction at
/// most.
const SLICE: u64 = 10_000;

/// The result of seeding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seeded {
    /// Created users.
    pub added: u64,
    /// Users that already existed.
    pub there: u64,
}

impl Admin {
    /// Ensures that `user0000001` to `userN` of a domain exist: adds the missing ones, without passwords. They are
    /// created like those of create-user, each with an event in the audit. Domain and account may be omitted if there
    /// is only one. Memory does not depend on the number.
    ///
    /// # Errors
    /// When there is no such domain or more than one, or the store fails. The users that were reported to `progress`
    /// are durable.
    pub async fn seed(
        &self,
        account: Option<&str>,
        domain: Option<&str>,
        users: u64,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Seeded, AdminError> {
        let (account, domain) = self.seeded_domain(account, domain).await?;
        let prepare = |first: u64| {
            let (system, domain) = (self.system.clone(), domain.clone());
            let numbers = first..=users.min(first.saturating_add(SLICE - 1));
            tokio::task::spawn_blocking(move || slice(numbers, account, &domain, &system))
        };
        let mut seeded = Seeded::default();
        let mut first = 1;
        let mut next = prepare(first);
        while first <= users {
            let changes = next.await.map_err(StoreError::failed)??;
            let of = changes.len() as u64;
            // The next slice is prepared while the writer writes this one.
            next = prepare(first + of);
            match self.write_slice(account, &domain, changes).await? {
                Some(added) => {
                    seeded.added += added;
                    seeded.there += of - added;
                    first += of;
                    progress(seeded.added + seeded.there);
                }
                // Something was revoked in the account: check that the domain still belongs to it.
                None => next = prepare(first),
            }
        }
        Ok(seeded)
    }

    /// Adds the missing users of a slice and returns their number. `None`: the account or domain has changed.
    async fn write_slice(
        &self,
        account: AccountId,
        domain: &DomainName,
        changes: Vec<Change>,
    ) -> Result<Option<u64>, AdminError> {
        let owner = self.store.domains(std::slice::from_ref(domain)).await?.into_iter().next().flatten();
        let evidence: Evidence = owner
            .filter(|owner| owner.account == account)
            .ok_or_else(|| AdminError::NotFound(format!("internal domain {domain} of this account")))?;
        let write = Write {
            once: None,
            evidence: vec![evidence],
            actor: Actor::Operator,
            now: self.now(),
            changes,
            render: Box::new(|made| {
                let added = made.iter().filter(|made| made.is_ok()).count();
                (added as u64).to_le_bytes().to_vec()
            }),
            times: None,
        };
        match self.store.write(vec![write]).await?.pop() {
            Some(Written::Ran(added)) => {
                Ok(Some(added.try_into().map(u64::from_le_bytes).unwrap_or_default()))
            }
            Some(Written::Stale | Written::NotNow(_)) => Ok(None),
            Some(Written::Repeated(_) | Written::RequestIdReused) | None => {
                Err(StoreError::failed("a request without an identity was taken for another one").into())
            }
        }
    }

    /// The chosen domain and its account.
    async fn seeded_domain(
        &self,
        account: Option<&str>,
        domain: Option<&str>,
    ) -> Result<(AccountId, DomainName), AdminError> {
        let account = match account {
            Some(code) => Some(self.account(code).await?),
            None => None,
        };
        let domain = domain.map(DomainName::parse).transpose()?;
        let mut domains = self.store.list_domains().await?;
        domains.retain(|found| {
            account.as_ref().is_none_or(|account| found.account == account.id)
                && domain.as_ref().is_none_or(|domain| found.name == *domain)
        });
        match &*domains {
            [domain] => Ok((domain.account, domain.name.clone())),
            [] => Err(AdminError::NoDomain {
                domain: domain.map(|domain| format!(" {domain}")).unwrap_or_default(),
                account: account
                    .map(|account| format!(" in the account {}", account.code))
                    .unwrap_or_default(),
            }),
            [one, other, ..] => Err(AdminError::ManyDomains(one.name.clone(), other.name.clone())),
        }
    }
}

/// The users with these numbers. Their ids ascend like the numbers, so that inserts append to the indexes.
fn slice(
    numbers: RangeInclusive<u64>,
    account: AccountId,
    domain: &DomainName,
    system: &System,
) -> Result<Vec<Change>, AdminError> {
    let now = system.clock.now();
    let mut randomness = vec![[0; 10]; usize::try_from(numbers.end() + 1 - numbers.start()).unwrap_or(0)];
    system.entropy.fill(randomness.as_flattened_mut());
    let mut ids: Vec<_> = randomness.iter().map(|randomness| UserId::at(now, randomness)).collect();
    ids.sort_unstable();
    let user = |(number, id): (u64, UserId)| {
        let address = EmailAddress::parse(&format!("user{number:07}@{domain}"))?;
        Ok(Change::AddUser(User::new(id, account, address, now)))
    };
    numbers.zip(ids).map(user).collect()
}
