//! The first round trip: begins the transaction, takes the locks, and reads the state.

use std::collections::HashMap;

use directory::AccountId;
use futures_util::future::join5;

use super::{Addition, Id};
use crate::audit::Head;
use crate::postgres::lane::{impossible, lock};
use crate::postgres::session::Connection;
use crate::session::Result;
use crate::tables::batch::Chain;

const TAKE_CHAIN: &str =
    "SELECT chain, seq, hash, at FROM audit_chains WHERE chain > 1 ORDER BY chain LIMIT 1
    FOR UPDATE SKIP LOCKED";
const HOLD_ACCOUNTS: &str = "SELECT pg_advisory_xact_lock_shared(k) FROM unnest(?1::bigint[]) AS k";
const EPOCHS: &str = "SELECT id, epoch FROM accounts WHERE id = ANY(?1) AND disabled_at IS NULL";
const RECALL: &str = "SELECT binding, request_id, digest, answer FROM requests WHERE request_id = ANY(?1)";

/// The digest of a request's body, and its answer.
type Remembered = (Vec<u8>, Vec<u8>);

/// The state before anything is written.
pub(super) struct Found {
    /// The end of the chain that this lane holds.
    pub(super) chain: Chain,
    /// The epochs of the accounts that are active.
    pub(super) epochs: HashMap<AccountId, u64>,
    /// Requests that ran with the same ids.
    pub(super) remembered: HashMap<Id, Vec<Remembered>>,
}

/// Reads the state; `None`: other lanes hold all chains.
pub(super) fn find(connection: &Connection, requests: &[(usize, &Addition)]) -> Result<Option<Found>> {
    let mut accounts: Vec<AccountId> =
        requests.iter().flat_map(|(_, request)| &request.evidence).map(|evidence| evidence.account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let mut locks: Vec<i64> = accounts.iter().map(|account| lock(*account)).collect();
    locks.sort_unstable();
    let accounts: Vec<&[u8]> = accounts.iter().map(|account| &account.as_bytes()[..]).collect();
    let keys = requests.iter().filter_map(|(_, request)| request.once.as_ref());
    let ids: Vec<&[u8]> = keys.map(|(key, _)| &key.request_id[..]).collect();

    let (take, hold) = (connection.prepared(TAKE_CHAIN)?, connection.prepared(HOLD_ACCOUNTS)?);
    let (epochs, recall) = (connection.prepared(EPOCHS)?, connection.prepared(RECALL)?);
    let client = &connection.client;
    let (began, chain, held, epochs, recalled) = connection.wait(async {
        Ok(join5(
            client.batch_execute("BEGIN"),
            client.query_opt(&take, &[]),
            client.query(&hold, &[&locks]),
            client.query(&epochs, &[&accounts]),
            client.query(&recall, &[&ids]),
        )
        .await)
    })?;
    began?;
    held?;
    let Some(chain) = chain? else { return Ok(None) };
    let mut found = Found {
        chain: Chain {
            head: Head { chain: chain.try_get(0)?, seq: chain.try_get(1)?, hash: fixed(chain.try_get(2)?)? },
            at: chain.try_get(3)?,
        },
        epochs: HashMap::new(),
        remembered: HashMap::new(),
    };
    for row in epochs? {
        let epoch: i64 = row.try_get(1)?;
        let account = AccountId::from_bytes(fixed(row.try_get(0)?)?);
        found.epochs.insert(account, u64::try_from(epoch).unwrap_or_default());
    }
    for row in recalled? {
        let key = (fixed(row.try_get(0)?)?, fixed(row.try_get(1)?)?);
        found.remembered.entry(key).or_default().push((row.try_get(2)?, row.try_get(3)?));
    }
    Ok(Some(found))
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| impossible("an id or a hash has another length"))
}
