//! The audit.

use std::sync::Arc;

use directory::AccountId;
use directory::audit::{self, Event};
use directory::port::{AuditPage, AuditQuery, AuditStore, ChainHead, ChainReport, Pending};

use super::{Engine, TableStore};
use crate::tables::read;

impl<E: Engine> AuditStore for TableStore<E> {
    fn audit_of(&self, account: AccountId, query: AuditQuery) -> Pending<'_, AuditPage> {
        Box::pin(self.engine.scan(move |s| s.moment(|| read::audit::of_account(s, account, query))))
    }

    fn search_audit<'a>(
        &'a self,
        account: AccountId,
        search: &'a audit::Search,
        rest: Option<Vec<(i64, i64)>>,
        limit: usize,
    ) -> Pending<'a, audit::Found> {
        let search = search.clone();
        Box::pin(
            self.engine
                .scan(move |s| s.moment(|| read::audit::search(s, account, &search, rest.as_deref(), limit))),
        )
    }

    fn audit(&self, chain: i64, after: i64, limit: usize) -> Pending<'_, Vec<Event>> {
        Box::pin(self.engine.scan(move |s| read::audit::events(s, chain, after, limit)))
    }

    fn audit_heads(&self) -> Pending<'_, Vec<ChainHead>> {
        Box::pin(self.engine.read(read::audit::heads))
    }

    fn verify_audit(&self) -> Pending<'_, Vec<ChainReport>> {
        let vault = Arc::clone(&self.vault);
        Box::pin(self.engine.scan(move |s| s.moment(|| read::audit::verify(s, &vault))))
    }
}
