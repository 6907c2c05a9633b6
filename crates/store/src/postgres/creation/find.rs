//! The first round trip: begins the transaction, takes the locks, and reads the state.

use std::collections::{HashMap, HashSet};

use directory::AccountId;
use futures_util::future::join3;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::{Addition, Id};
use crate::audit::Head;
use crate::postgres::lane::{impossible, lock};
use crate::postgres::session::{Connection, Typed};
use crate::session::Result;
use crate::tables::batch::Chain;

/// Locks the accounts, and the first chain that no other lane holds. A separate statement, because what is read under
/// the locks must be read after they are held.
const LOCK: &str = "WITH held AS MATERIALIZED (
        SELECT count(*) FROM unnest(?1::bigint[]) AS n (key), pg_advisory_xact_lock_shared(n.key)
    ), chain AS MATERIALIZED (
        SELECT chain, seq, hash, at FROM audit_chains WHERE chain > 1 ORDER BY chain LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    SELECT chain.* FROM held CROSS JOIN chain";

/// Epochs of active accounts, requests with the same ids, addresses that are taken, and addresses that were removed. One
/// statement, because each costs the server an answer.
const READ: &str = "SELECT 1, id, epoch, NULL::bytea, NULL::bytea, NULL::bytea, NULL::text
        FROM accounts WHERE id = ANY(?1) AND disabled_at IS NULL
    UNION ALL SELECT 2, binding, NULL, request_id, digest, answer, NULL FROM requests WHERE request_id = ANY(?2)
    UNION ALL SELECT 3, NULL, NULL, NULL, NULL, NULL, address_key FROM users WHERE address_key = ANY(?3)
    UNION ALL SELECT DISTINCT 4, NULL::bytea, NULL::bigint, NULL::bytea, NULL::bytea, NULL::bytea, address_key
        FROM tombstones WHERE address_key = ANY(?3)";

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
    /// Keys of addresses that are taken. Another lane may take more until this one writes.
    pub(super) taken: HashSet<String>,
    /// Keys of addresses that were removed earlier.
    pub(super) removed: HashSet<String>,
}

/// Reads the state; `None`: other lanes hold all chains.
pub(super) fn find(
    connection: &Connection,
    begin: &str,
    requests: &[(usize, &Addition)],
) -> Result<Option<Found>> {
    let mut accounts: Vec<AccountId> =
        requests.iter().flat_map(|(_, request)| &request.evidence).map(|evidence| evidence.account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let mut locks: Vec<i64> = accounts.iter().map(|account| lock(*account)).collect();
    locks.sort_unstable();
    let accounts: Vec<&[u8]> = accounts.iter().map(|account| &account.as_bytes()[..]).collect();
    let keys = requests.iter().filter_map(|(_, request)| request.once.as_ref());
    let ids: Vec<&[u8]> = keys.map(|(key, _)| &key.request_id[..]).collect();
    let users = requests.iter().flat_map(|(_, request)| &request.users);
    let addresses: Vec<&str> = users.map(|user| user.address.key()).collect();

    let (lock, read) = (connection.prepared(LOCK)?, connection.prepared(READ)?);
    let (client, begin) = (&connection.client, connection.begin(begin));
    let locks: [Typed<'_>; 1] = [(&locks, Type::INT8_ARRAY)];
    let read_parameters: [Typed<'_>; 3] =
        [(&accounts, Type::BYTEA_ARRAY), (&ids, Type::BYTEA_ARRAY), (&addresses, Type::TEXT_ARRAY)];
    let (began, chain, rows) = connection.wait(async {
        Ok(join3(
            client.batch_execute(&begin),
            connection.query(&lock, &locks),
            connection.query(&read, &read_parameters),
        )
        .await)
    })?;
    began?;
    let chain = chain?;
    let Some(chain) = chain.first() else { return Ok(None) };
    let chain = Chain {
        head: Head { chain: chain.try_get(0)?, seq: chain.try_get(1)?, hash: fixed(chain.try_get(2)?)? },
        at: chain.try_get(3)?,
    };
    let mut found = Found {
        chain,
        epochs: HashMap::new(),
        remembered: HashMap::new(),
        taken: HashSet::new(),
        removed: HashSet::new(),
    };
    rows?.iter().try_for_each(|row| found.add(row))?;
    Ok(Some(found))
}

impl Found {
    /// Adds a row of [`READ`].
    fn add(&mut self, row: &Row) -> Result<()> {
        match row.try_get::<_, i32>(0)? {
            1 => {
                let epoch: i64 = row.try_get(2)?;
                let account = AccountId::from_bytes(fixed(row.try_get(1)?)?);
                self.epochs.insert(account, u64::try_from(epoch).unwrap_or_default());
            }
            2 => {
                let key = (fixed(row.try_get(1)?)?, fixed(row.try_get(3)?)?);
                self.remembered.entry(key).or_default().push((row.try_get(4)?, row.try_get(5)?));
            }
            3 => drop(self.taken.insert(row.try_get(6)?)),
            _ => drop(self.removed.insert(row.try_get(6)?)),
        }
        Ok(())
    }
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| impossible("an id or a hash has another length"))
}
