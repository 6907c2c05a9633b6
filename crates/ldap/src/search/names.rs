//! Names of entries that a filter gives in another form than the entries.

use std::collections::BTreeMap;

use directory::ldap::Wanted;
use directory::port::LdapGroups;

use super::Ended;
use crate::authority::Reader;
use crate::dn::Dn;
use crate::door::Door;
use crate::filter::Filter;
use crate::tree::{GroupRef, Place, Tree, UserName};

/// Exchanges names for those that the entries have: of users by the part of the address before the `@` or by id, of groups by
/// id. Others stay.
pub(crate) async fn settle(
    door: &Door,
    tree: &Tree,
    reader: &Reader,
    filter: &mut Filter,
) -> Result<(), Ended> {
    let mut names = BTreeMap::new();
    filter.each_name(&mut |name| {
        if let Some(
            place @ (Place::User(UserName::Local(_) | UserName::Id(_)) | Place::Group(GroupRef::Id(_))),
        ) = tree.place_of(name)
        {
            names.insert(name.clone(), place);
        }
    });
    let mut shown = BTreeMap::new();
    for (name, place) in names {
        if let Some(own) = shown_name(door, tree, reader, place).await? {
            shown.insert(name, own);
        }
        // Each is a read, and a filter has many conditions; others are served too.
        tokio::task::yield_now().await;
    }
    filter.each_name(&mut |name| {
        if let Some(own) = shown.get(name) {
            name.clone_from(own);
        }
    });
    Ok(())
}

async fn shown_name(
    door: &Door,
    tree: &Tree,
    reader: &Reader,
    place: Place,
) -> Result<Option<String>, Ended> {
    let name = match place {
        Place::User(name) => {
            let person = crate::lookup::user(&*door.store, tree, &name).await?;
            // A user learns nothing about others.
            let is_seen = |id| reader.own().is_none_or(|own| own.user.id == id);
            person.filter(|person| is_seen(person.user.id)).map(|person| tree.user_dn(&person.user.address))
        }
        Place::Group(GroupRef::Id(id)) => {
            let list = LdapGroups::Ids(vec![id]);
            let slice = door.store.ldap_groups(tree.account, &list, None, 1, Wanted::default()).await?;
            slice.rows.first().map(|(_, group)| tree.group_dn(&group.name))
        }
        _ => None,
    };
    Ok(name.and_then(|name| Dn::parse(&name).ok().map(|dn| dn.key())))
}
