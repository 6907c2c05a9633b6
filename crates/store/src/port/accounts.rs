//! Accounts and authentication profiles.

use std::sync::Arc;

use directory::login::NamedProfile;
use directory::port::{AccountStore, Pending, StoreError};
use directory::{Account, AccountCode, AccountId};

use super::{Engine, TableStore};
use crate::tables::read;

impl<E: Engine> AccountStore for TableStore<E> {
    fn accounts<'a>(&'a self, codes: &'a [AccountCode]) -> Pending<'a, Vec<Option<Arc<Account>>>> {
        Box::pin(async move {
            let now = self.snapshot.now();
            let mut found = Vec::with_capacity(codes.len());
            for code in codes {
                let key = code.clone();
                let read = self.engine.read(move |s| s.moment(|| read::account(s, &key)));
                let read = async { Ok::<_, StoreError>(read.await?.map(Arc::new)) };
                found.push(self.snapshot.accounts.find_or_read(code, now, read).await?);
            }
            Ok(found)
        })
    }

    fn account_by_id(&self, id: AccountId) -> Pending<'_, Option<Account>> {
        Box::pin(self.engine.read(move |s| s.moment(|| read::account_by_id(s, id))))
    }

    fn list_profiles(&self) -> Pending<'_, Vec<NamedProfile>> {
        Box::pin(self.engine.scan(read::users::profiles))
    }

    fn list_accounts(&self) -> Pending<'_, Vec<Account>> {
        Box::pin(self.engine.scan(|s| s.moment(|| read::accounts(s))))
    }
}
