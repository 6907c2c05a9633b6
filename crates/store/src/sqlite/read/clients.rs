//! Applications of API 2.0, and roles of the accounts' own.

use std::sync::Arc;

use directory::application::{Client, ClientPrincipal, Product};
use directory::{Account, AccountId, ClientId, Role, RoleId};
use rusqlite::{Connection, OptionalExtension, Row};

use super::{above, account_at, all};
use crate::sqlite::row::{custom_role, role, time, unreadable};

const CLIENT: &str =
    "SELECT c.id, c.account, c.client_id, c.secret_digest, c.name, c.role, c.products, c.created_at";

fn client_at(row: &Row<'_>) -> rusqlite::Result<Client> {
    let products = row.get_ref(6)?.as_str().map_err(|error| unreadable(6, error))?;
    let product =
        |name: &str| Product::by_name(name).ok_or_else(|| unreadable(6, format!("product {name:?}")));
    Ok(Client {
        id: ClientId::from_bytes(row.get(0)?),
        account: AccountId::from_bytes(row.get(1)?),
        client_id: row.get(2)?,
        secret_digest: row.get(3)?,
        name: row.get(4)?,
        role: RoleId::from_bytes(row.get(5)?),
        products: products.lines().map(product).collect::<rusqlite::Result<_>>()?,
        created_at: time(row, 7)?,
    })
}

/// All that stands behind a token, as of one moment.
pub(in crate::sqlite) fn principal(
    connection: &Connection,
    id: ClientId,
) -> rusqlite::Result<Option<ClientPrincipal>> {
    let moment = connection.unchecked_transaction()?;
    let principal = moment
        .prepare_cached(&format!(
            "{CLIENT}, r.account, r.name, r.permissions, r.partner,
                    a.id, a.code, a.name, a.password_policy, a.epoch, a.created_at
             FROM clients c JOIN accounts a ON a.id = c.account AND a.disabled_at IS NULL
             LEFT JOIN roles r ON r.id = c.role WHERE c.id = ?1 AND c.disabled_at IS NULL"
        ))?
        .query_row([id.as_bytes()], |row| {
            let client = client_at(row)?;
            let role = role(row, Some(*client.role.as_bytes()), 8)?;
            Ok((client, role, account_at(row, 12)?))
        })
        .optional()?;
    let Some((client, role, account)) = principal else { return Ok(None) };
    let account = Arc::new(Account { above: above(&moment, account.id)?, ..account });
    Ok(Some(ClientPrincipal { client, account, role }))
}

pub(in crate::sqlite) fn by_name(
    connection: &Connection,
    client_id: &str,
) -> rusqlite::Result<Option<Client>> {
    connection
        .prepare_cached(&format!("{CLIENT} FROM clients c WHERE c.client_id = ?1 AND c.disabled_at IS NULL"))?
        .query_row([client_id], client_at)
        .optional()
}

pub(in crate::sqlite) fn list(connection: &Connection) -> rusqlite::Result<Vec<Client>> {
    all(
        connection,
        &format!("{CLIENT} FROM clients c WHERE c.disabled_at IS NULL ORDER BY c.name"),
        client_at,
    )
}

/// A role that an account made itself.
pub(in crate::sqlite) fn custom(connection: &Connection, id: RoleId) -> rusqlite::Result<Option<Role>> {
    connection
        .prepare_cached("SELECT account, name, permissions, partner FROM roles WHERE id = ?1")?
        .query_row([id.as_bytes()], |row| custom_role(row, id, 0))
        .optional()
}

pub(in crate::sqlite) fn roles_of(
    connection: &Connection,
    account: AccountId,
) -> rusqlite::Result<Vec<Role>> {
    connection
        .prepare_cached(
            "SELECT id, account, name, permissions, partner FROM roles WHERE account = ?1 ORDER BY name",
        )?
        .query_map([account.as_bytes()], |row| custom_role(row, RoleId::from_bytes(row.get(0)?), 1))?
        .collect()
}
