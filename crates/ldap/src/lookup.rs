//! Users and groups by the names that the tree gives them.

use std::collections::BTreeSet;

use directory::GroupId;
use directory::ldap::{MAX_MEMBERS, Person, Wanted};
use directory::port::{LdapGroups, LdapPeople, LdapSpan as Span, Store, StoreError};
use directory::user_query::UserQuery;
use jiff::Timestamp;

use crate::tree::{GroupRef, Tree, UserName};

/// Rows that can have one name.
const SAME: usize = 1_000;

/// A user with its aliases.
pub(crate) async fn user(
    store: &dyn Store,
    tree: &Tree,
    name: &UserName,
) -> Result<Option<Person>, StoreError> {
    let which = match name {
        UserName::Address(address) => LdapPeople::Some(vec![Span::Key(address.key().to_owned())]),
        UserName::Local(local) => {
            let spans = tree.domains.iter().map(|domain| Span::Key(format!("{domain}@{local}")));
            LdapPeople::Some(spans.collect())
        }
        UserName::Id(id) => LdapPeople::Ids(vec![*id]),
    };
    let is_local = matches!(name, UserName::Local(_));
    let wanted = Wanted { aliases: true, local: is_local, ..Wanted::default() };
    let found = store.ldap_people(tree.account, &which, None, SAME, wanted).await?;
    let rows = found.map(|slice| slice.rows).unwrap_or_default();
    // An alias names nobody.
    let is_named = |person: &Person| match name {
        UserName::Address(address) => person.user.address.key() == address.key(),
        UserName::Local(local) => {
            let own = person.user.address.key().split_once('@').map(|(_, own)| own);
            person.has_local && own == Some(local.as_str())
        }
        UserName::Id(_) => true,
    };
    Ok(rows.into_iter().map(|(_, person)| person).find(is_named))
}

/// The ids of groups. Of several with one name it is the oldest.
pub(crate) async fn groups(
    store: &dyn Store,
    tree: &Tree,
    groups: &[GroupRef],
) -> Result<Vec<GroupId>, StoreError> {
    let (mut names, mut ids) = (Vec::new(), Vec::new());
    for group in groups {
        match group {
            GroupRef::Name(name) => names.push(name.clone()),
            GroupRef::Id(id) => ids.push(*id),
        }
    }
    let mut found = Vec::new();
    if !names.is_empty() {
        let list = LdapGroups::Named(names);
        let slice = store.ldap_groups(tree.account, &list, None, SAME, Wanted::default()).await?;
        let first = slice.rows.into_iter().filter(|(_, group)| group.name.is_first);
        found.extend(first.map(|(_, group)| group.name.id));
    }
    if !ids.is_empty() {
        let list = LdapGroups::Ids(ids);
        let slice = store.ldap_groups(tree.account, &list, None, SAME, Wanted::default()).await?;
        found.extend(slice.rows.into_iter().map(|(_, group)| group.name.id));
    }
    Ok(found)
}

/// Events that one transaction adds to the index of words.
const SLICE: usize = 250;

/// With more new events than this the index is not waited for.
const CATCH_UP: u64 = 2_000;

/// Users that are read at once.
const FOUND: usize = 500;

/// Where users and aliases are that have a word which begins with one of these; `None`: they are too many, or the index
/// lacks new users.
pub(crate) async fn with_words(
    store: &dyn Store,
    tree: &Tree,
    words: &BTreeSet<String>,
    now: Timestamp,
) -> Result<Option<BTreeSet<Span>>, StoreError> {
    // Bounded, because others may write as fast as this reads.
    for _ in 0..=CATCH_UP / SLICE as u64 {
        if !(1..=CATCH_UP).contains(&store.index_users(SLICE).await?.left) {
            break;
        }
    }
    let mut spans = BTreeSet::new();
    for word in words {
        let (query, mut after) = (UserQuery::new(word, None, None), None);
        loop {
            let found = store.find_users(tree.account, &query, after.as_ref(), FOUND, now).await?;
            spans.extend(found.users.iter().map(|user| Span::Key(user.address.key().to_owned())));
            if found.left > 0 || spans.len() > MAX_MEMBERS {
                return Ok(None);
            }
            match found.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
    }
    Ok(Some(spans))
}
