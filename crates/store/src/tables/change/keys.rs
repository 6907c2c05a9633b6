//! Applications and bindings, of both generations of the API.

use directory::application::{Application, Binding, Client};
use directory::{ApplicationId, BindingId, ClientId, DomainName, UserId};
use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::{Attempt, Made, found, there, users};
use crate::session::{Error, Kind, Result, Session, values};
use crate::tables::batch::Batch;
use crate::tables::row::millis;

pub(super) fn add_application(batch: &Batch<'_>, application: &Application) -> Attempt {
    let id = application.id.as_bytes();
    let key = application.app_key.expose_secret().as_bytes();
    let sealed = batch.vault.seal(batch.entropy, "applications.app_key", id, key).map_err(sealing)?;
    batch.session.execute(
        "INSERT INTO applications (id, account, app_id, name, app_key_sealed, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        values![
            id,
            application.account.as_bytes(),
            application.app_id,
            application.name,
            sealed,
            millis(application.created_at)
        ],
    )?;
    Ok(Ok(Made::new(application.account, application.app_id.as_str(), application.name.as_str())))
}

/// Users of other accounts may hold bindings to it, so these accounts lose something too.
pub(super) fn disable_application(session: &dyn Session, id: ApplicationId, now: Timestamp) -> Attempt {
    let sql = "UPDATE applications SET disabled_at = coalesce(disabled_at, ?2) WHERE id = ?1";
    session.execute(sql, values![id.as_bytes(), millis(now)])?;
    let accounts: Vec<[u8; 16]> = session.all(
        "SELECT DISTINCT u.account FROM bindings b JOIN users u ON u.id = b.user_id WHERE b.application = ?1",
        values![id.as_bytes()],
        |row| row.get(0),
    )?;
    let made = found(session, "SELECT account, app_id FROM applications WHERE id = ?1", id.as_bytes())?;
    Ok(made.map(|made| made.taking().and_in(accounts)))
}

pub(super) fn add_client(session: &dyn Session, client: &Client) -> Attempt {
    let products: Vec<_> = client.products.iter().map(|product| product.as_str()).collect();
    let products = products.join("\n");
    session.execute(
        "INSERT INTO clients (id, account, client_id, secret_digest, name, role, products, created_at,
             address_from, user_name_domain, deletions_an_hour)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        values![
            client.id.as_bytes(),
            client.account.as_bytes(),
            client.client_id,
            client.secret_digest,
            client.name,
            client.role.as_bytes(),
            products,
            millis(client.created_at),
            client.scim.address_from.as_str(),
            client.scim.user_name_domain.as_ref().map(DomainName::as_str),
            client.scim.deletions_an_hour,
        ],
    )?;
    Ok(Ok(Made::new(client.account, client.client_id.as_str(), client.name.as_str())))
}

pub(super) fn disable_client(session: &dyn Session, id: ClientId, now: Timestamp) -> Attempt {
    let sql = "UPDATE clients SET disabled_at = coalesce(disabled_at, ?2) WHERE id = ?1";
    session.execute(sql, values![id.as_bytes(), millis(now)])?;
    let made = found(session, "SELECT account, client_id FROM clients WHERE id = ?1", id.as_bytes())?;
    Ok(made.map(Made::taking))
}

pub(super) fn add_binding(batch: &Batch<'_>, binding: &Binding) -> Attempt {
    there!(users::changeable(batch.session, binding.user)?);
    insert_binding(batch, binding)?;
    binding_made(batch.session, binding.id)
}

pub(super) fn insert_binding(batch: &Batch<'_>, binding: &Binding) -> Result<()> {
    let id = binding.id.as_bytes();
    let sealed = batch
        .vault
        .seal(batch.entropy, "bindings.secret", id, binding.secret.expose_secret())
        .map_err(sealing)?;
    batch.session.execute(
        "INSERT INTO bindings (id, access_key, secret_sealed, user_id, application, expires_at, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        values![
            id,
            binding.access_key.as_str(),
            sealed,
            binding.user.as_bytes(),
            binding.application.as_bytes(),
            binding.expires_at.map(millis),
            millis(binding.created_at),
        ],
    )
    .map(|_| ())
}

/// The oldest valid key pair of a user for an application that never signed a request.
pub(super) fn oldest_unused(
    session: &dyn Session,
    user: UserId,
    application: ApplicationId,
    now: Timestamp,
) -> Result<Option<BindingId>> {
    session.one(
        "SELECT b.id FROM bindings b LEFT JOIN binding_usage u ON u.credential = b.id
         WHERE b.user_id = ?1 AND b.application = ?2 AND b.revoked_at IS NULL
             AND (b.expires_at IS NULL OR b.expires_at > ?3) AND u.credential IS NULL
         ORDER BY b.created_at, b.id LIMIT 1",
        values![user.as_bytes(), application.as_bytes(), millis(now)],
        |row| row.get(0).map(BindingId::from_bytes),
    )
}

pub(super) fn revoke(session: &dyn Session, id: BindingId, now: Timestamp) -> Result<()> {
    let sql = "UPDATE bindings SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1";
    session.execute(sql, values![id.as_bytes(), millis(now)]).map(|_| ())
}

pub(super) fn revoke_binding(session: &dyn Session, id: BindingId, now: Timestamp) -> Attempt {
    revoke(session, id, now)?;
    Ok(binding_made(session, id)?.map(Made::taking))
}

/// Keeps an earlier expiry: this never extends a key pair.
pub(super) fn expire_binding(session: &dyn Session, id: BindingId, at: Timestamp) -> Attempt {
    let sql = "UPDATE bindings SET expires_at = ?2 WHERE id = ?1 AND (expires_at IS NULL OR expires_at > ?2)";
    session.execute(sql, values![id.as_bytes(), millis(at)])?;
    let made = binding_made(session, id)?;
    Ok(made.map(|made| Made { detail: format!("{id} ends at {at}"), ..made.taking() }))
}

fn binding_made(session: &dyn Session, id: BindingId) -> Attempt {
    let sql = "SELECT u.account, u.address FROM bindings b JOIN users u ON u.id = b.user_id WHERE b.id = ?1";
    Ok(found(session, sql, id.as_bytes())?.map(|made| Made { detail: id.to_string(), ..made }))
}

fn sealing(error: crate::vault::VaultError) -> Error {
    Error::new(Kind::Other, error)
}
