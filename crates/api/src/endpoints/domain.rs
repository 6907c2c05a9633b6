//! `/api/domain/…`: internal domains and their registration.

pub mod create_domain;
pub mod delete_pending_domain;
pub mod get_internal_domain;
pub mod get_pending_domain;
pub mod get_provision_status;
pub mod get_verification_code;
pub mod verify_domain;

use directory::domains::{InboundType, PendingDomain};
use directory::error::ItemError;
use directory::port::Position;
use directory::{AccountId, Domain, DomainName};
use serde::Serialize;
use wire::Error;
use wire::body::Page;
use wire::domains::{InternalDomain, RegisteredDomain};
use wire::item::time;

use crate::call::Reply;
use crate::endpoint::Endpoint;
use crate::error::wrong;
use crate::page;
use crate::secure_id::SecureIds;

/// The endpoints of this family.
pub(super) const ENDPOINTS: &[Endpoint] = &[
    create_domain::ENDPOINT,
    delete_pending_domain::ENDPOINT,
    get_internal_domain::ENDPOINT,
    get_pending_domain::ENDPOINT,
    get_provision_status::ENDPOINT,
    get_verification_code::ENDPOINT,
    verify_domain::ENDPOINT,
];

/// The kind of an internal domain's secure id.
pub(in crate::endpoints) const KIND: &str = "domain";

/// The kind of a registration's secure id.
const PENDING: &str = "pending domain";

/// Most items of endpoints that look up domains one by one (spec/protocol.md 1d).
const MAX_LOOKUPS: usize = 50;

/// The domain that an item names.
fn domain_name(text: &str) -> Result<DomainName, Error> {
    DomainName::parse(text).map_err(|why| wrong("domain", &ItemError::InvalidDomain(why)))
}

/// The inbound type that an item names.
fn inbound_type(text: &str) -> Result<InboundType, Error> {
    InboundType::parse(text).map_err(|why| wrong("inboundType", &why))
}

pub(super) fn internal_row(ids: &SecureIds<'_>, domain: &Domain) -> InternalDomain {
    InternalDomain {
        id: ids.seal(KIND, domain.account, domain.id.as_bytes()),
        domain: domain.name.to_string(),
        send_only: domain.send_only,
        local: domain.local,
        inbound_type: domain.inbound_type.as_str().to_owned(),
    }
}

pub(super) fn pending_row(ids: &SecureIds<'_>, pending: &PendingDomain) -> RegisteredDomain {
    RegisteredDomain {
        id: ids.seal(PENDING, pending.account, pending.id.as_bytes()),
        domain: pending.name.to_string(),
        token: Some(pending.token.clone()),
        created: time(pending.created_at),
        expiry: Some(time(pending.expires_at)),
    }
}

/// The response with a list of domains. In all recordings these lists are complete and have no pagination, so a page is
/// returned only on request. `[ours]`
fn list_reply<T, R: Serialize>(
    (ids, path, account): (&SecureIds<'_>, &'static str, AccountId),
    page: &Page,
    from: &Position,
    mut found: directory::port::Listed<T>,
    key: fn(&T) -> &DomainName,
    row: fn(&SecureIds<'_>, &T) -> R,
) -> Reply {
    let around = page::cut(&mut found.rows, page_size(page), from, |domain| key(domain).to_string());
    let rows: Vec<R> = found.rows.iter().map(|domain| row(ids, domain)).collect();
    if !page.asked {
        return Reply::of(&wire::Answer::ran(rows, Vec::new()));
    }
    let token = |from| ids.page_token(path, account, &from);
    let pagination = around.pagination(rows.len(), found.total, token);
    Reply::of(&wire::Answer::page(rows, pagination))
}

/// Rows on a page; all rows if no page is requested.
fn page_size(page: &Page) -> usize {
    if page.asked { page.size } else { i32::MAX as usize }
}
