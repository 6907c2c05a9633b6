//! Numbers of users and groups, for programs that know them by a number.

use std::collections::HashMap;

use directory::ldap::FIRST_NUMBER;

use super::batch::Batch;
use super::read::ldap;
use super::work::{Payload, Work};
use crate::session::{Result, Value, values};

/// Gives a number to each id that has none, and reads all of them.
pub(crate) struct Assign(pub(crate) Vec<[u8; 16]>);

impl Payload for Assign {
    type Output = HashMap<[u8; 16], u32>;

    fn size(&self) -> usize {
        self.0.len()
    }
}

/// The writers of all nodes run this one after the other. A row stays when its user or group is removed, so that the number
/// is not given again.
const INSERT: &str = "INSERT INTO ldap_numbers (number, id)
    SELECT coalesce(max(number), ?2) + 1, ?1 FROM ldap_numbers WHERE true ON CONFLICT (id) DO NOTHING";

impl Work for Assign {
    fn run(&self, batch: &mut Batch<'_>) -> Result<Self::Output> {
        for id in &self.0 {
            batch.session.execute(INSERT, values![id, i64::from(FIRST_NUMBER) - 1])?;
        }
        let ids: Vec<Value<'_>> = self.0.iter().map(|id| Value::Bytes(id)).collect();
        ldap::numbers(batch.session, &ids)
    }
}
