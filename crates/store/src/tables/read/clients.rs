//! Applications of API 2.0, and custom roles.

use std::sync::Arc;

use directory::application::{Client, ClientPrincipal, Product};
use directory::port::Affected;
use directory::role::BuiltIn;
use directory::scim::{AddressFrom, ScimSettings};
use directory::{Account, AccountId, ClientId, DomainName, Role, RoleId};

use super::{above, account_at};
use crate::session::{Result, Row, Session, unreadable, values};
use crate::tables::row::{custom_role, parsed, role, time};

const CLIENT: &str =
    "SELECT c.id, c.account, c.client_id, c.secret_digest, c.name, c.role, c.products, c.created_at,
    c.address_from, c.user_name_domain, c.deletions_an_hour";

fn client_at(row: Row<'_>) -> Result<Client> {
    let products = row.get::<&str>(6)?;
    let product =
        |name: &str| Product::by_name(name).ok_or_else(|| unreadable(6, format!("product {name:?}")));
    Ok(Client {
        id: ClientId::from_bytes(row.get(0)?),
        account: AccountId::from_bytes(row.get(1)?),
        client_id: row.get(2)?,
        secret_digest: row.get(3)?,
        name: row.get(4)?,
        role: RoleId::from_bytes(row.get(5)?),
        products: products.lines().map(product).collect::<Result<_>>()?,
        created_at: time(row, 7)?,
        scim: scim_settings(row, 8)?,
    })
}

/// From three columns.
fn scim_settings(row: Row<'_>, at: usize) -> Result<ScimSettings> {
    let address_from = row.get::<&str>(at)?;
    Ok(ScimSettings {
        address_from: AddressFrom::by_name(address_from)
            .ok_or_else(|| unreadable(at, format!("attribute {address_from:?}")))?,
        user_name_domain: match row.get::<Option<&str>>(at + 1)? {
            Some(_) => Some(parsed(row, at + 1, DomainName::parse)?),
            None => None,
        },
        deletions_an_hour: row.get(at + 2)?,
    })
}

/// The principal of a token, as of one moment.
pub(crate) fn principal(session: &dyn Session, id: ClientId) -> Result<Option<ClientPrincipal>> {
    let principal = session.one(
        &format!(
            "{CLIENT}, r.account, r.name, r.permissions, r.partner,
                    a.id, a.code, a.name, a.password_policy, a.epoch, a.created_at, a.settings
             FROM clients c JOIN accounts a ON a.id = c.account AND a.disabled_at IS NULL
             LEFT JOIN roles r ON r.id = c.role WHERE c.id = ?1 AND c.disabled_at IS NULL"
        ),
        values![id.as_bytes()],
        |row| {
            let client = client_at(row)?;
            let role = role(row, Some(*client.role.as_bytes()), 11)?;
            Ok((client, role, account_at(row, 15)?))
        },
    )?;
    let Some((client, role, account)) = principal else { return Ok(None) };
    let account = Arc::new(Account { above: above(session, account.id)?, ..account });
    let tokens = super::scim::tokens(session, id)?;
    Ok(Some(ClientPrincipal { client, account, role, tokens }))
}

pub(crate) fn by_name(session: &dyn Session, client_id: &str) -> Result<Option<Client>> {
    session.one(
        &format!("{CLIENT} FROM clients c WHERE c.client_id = ?1 AND c.disabled_at IS NULL"),
        values![client_id],
        client_at,
    )
}

pub(crate) fn list(session: &dyn Session) -> Result<Vec<Client>> {
    session.all(
        &format!("{CLIENT} FROM clients c WHERE c.disabled_at IS NULL ORDER BY lower(c.name), c.name"),
        &[],
        client_at,
    )
}

/// A custom role.
pub(crate) fn custom(session: &dyn Session, id: RoleId) -> Result<Option<Role>> {
    session.one(
        "SELECT account, name, permissions, partner FROM roles WHERE id = ?1",
        values![id.as_bytes()],
        |row| custom_role(row, id, 0),
    )
}

/// A role, built in or custom.
pub(crate) fn role_by_id(session: &dyn Session, id: RoleId) -> Result<Option<Role>> {
    BuiltIn::by_id(id).map_or_else(|| custom(session, id), |built_in| Ok(Some(built_in.role())))
}

/// Every role that some users hold. An alias counts as its user.
pub(crate) fn roles_among(session: &dyn Session, affected: Affected) -> Result<Vec<Role>> {
    let (sql, id) = match &affected {
        Affected::Members(group) => (
            "SELECT DISTINCT coalesce(u.role, p.role) FROM group_members m
             JOIN groups g ON g.id = m.group_id
             JOIN users u ON u.address_key = m.member_key AND u.account = g.account
             LEFT JOIN users p ON p.id = u.alias_of
             WHERE m.group_id = ?1 AND coalesce(u.role, p.role) IS NOT NULL",
            group.as_bytes(),
        ),
        Affected::KeyHolders(application) => (
            "SELECT DISTINCT u.role FROM bindings b
             JOIN applications p ON p.id = b.application
             JOIN users u ON u.id = b.user_id AND u.account = p.account
             WHERE b.application = ?1 AND b.revoked_at IS NULL AND u.role IS NOT NULL",
            application.as_bytes(),
        ),
    };
    let ids: Vec<[u8; 16]> = session.all(sql, values![id], |row| row.get(0))?;
    let roles = ids.into_iter().map(|id| role_by_id(session, RoleId::from_bytes(id)));
    roles.filter_map(Result::transpose).collect()
}

pub(crate) fn roles_of(session: &dyn Session, account: AccountId) -> Result<Vec<Role>> {
    session.all("SELECT id, account, name, permissions, partner FROM roles WHERE account = ?1 ORDER BY lower(name), name", values![account.as_bytes()], |row| custom_role(row, RoleId::from_bytes(row.get(0)?), 1))
}
