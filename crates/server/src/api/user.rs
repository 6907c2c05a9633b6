//! `/api/user/…`, and how its endpoints find the users they are about.

pub(crate) mod change_password;
pub(crate) mod create_user;
pub(crate) mod get_internal_users;
pub(crate) mod update_user;

use directory::refusal::{self, Refusal as Why};
use directory::user::User;
use directory::{EmailAddress, Role};

use crate::call::Call;
use crate::refusal::Refusal;

/// What there is at an address: a user or alias of whatever account, with its role; or that the address is none.
pub(super) type Found = Result<(Option<User>, Option<Role>), Why>;

/// Finds what there is at addresses; nothing for an item that was refused already.
pub(super) async fn find<'t>(
    call: &mut Call<'_>,
    addresses: impl Iterator<Item = Option<&'t str>>,
) -> Result<Vec<Option<Found>>, Refusal> {
    let parsed: Vec<_> = addresses.map(|text| text.map(refusal::address)).collect();
    let wanted: Vec<EmailAddress> = parsed.iter().flatten().flatten().cloned().collect();
    let store = &call.app.store;
    let mut users = call.timed(store.users(&wanted)).await?.into_iter();
    let mut found = Vec::with_capacity(parsed.len());
    for address in parsed {
        found.push(match address {
            None => None,
            Some(Err(why)) => Some(Err(why)),
            Some(Ok(_)) => {
                let user = users.next().flatten();
                let role = match user.as_ref().and_then(|user| user.role) {
                    Some(role) => call.timed(store.role(role)).await?,
                    None => None,
                };
                Some(Ok((user, role)))
            }
        });
    }
    Ok(found)
}
