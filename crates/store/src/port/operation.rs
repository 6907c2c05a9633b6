//! Operation.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use directory::port::{Drawn, Figures, Keys, OperationStore, Pending, Replication, StoreError};
use jiff::Timestamp;

use super::{Engine, Passed, TableStore};

impl<E: Engine> OperationStore for TableStore<E> {
    fn is_shared(&self) -> bool {
        E::SHARED
    }

    fn forget_snapshot(&self) {
        self.snapshot.forgotten.store(i64::MIN, Ordering::Relaxed);
        *self.passed.lock().unwrap_or_else(PoisonError::into_inner) = Passed::default();
        self.snapshot.clear();
    }

    fn share_quota(&self, node: [u8; 16], drawn: Vec<Drawn>, now: Timestamp) -> Pending<'_, Vec<Drawn>> {
        if !E::SHARED {
            return Box::pin(async { Ok(Vec::new()) });
        }
        Box::pin(self.engine.read(move |s| crate::tables::quota::share(s, &node, &drawn, now)))
    }

    fn ready(&self) -> Pending<'_, ()> {
        Box::pin(async move {
            self.engine.sound()?;
            self.engine.read(|s| s.only("SELECT 1", &[], |_| Ok(()))).await?;
            match self.engine.ping().await {
                // Reads are served, and no other node could write.
                Err(StoreError::Unprotected) => Ok(()),
                written => written,
            }
        })
    }

    fn figures(&self) -> Figures {
        self.engine.figures()
    }

    fn replication(&self) -> Pending<'_, Option<Replication>> {
        Box::pin(self.engine.replication())
    }

    fn keys(&self) -> &Keys {
        &self.vault.keys
    }
}
