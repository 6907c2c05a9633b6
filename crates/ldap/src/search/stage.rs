//! The parts of a search: single entries, and lists of users and groups.

use directory::ldap::{Person, Wanted};
use directory::port::{LdapGroups, LdapPeople};
use directory::{GroupId, UserId};
use tokio::io::AsyncWrite;

use super::plan::{self, Groups as GroupPlan, People as PeoplePlan};
use super::{Ended, MAX_ROWS, Searching};
use crate::authority::Reader;
use crate::code::{Code, Outcome};
use crate::dn::Dn;
use crate::door::Door;
use crate::entry::{Attributes, Entry};
use crate::message::Scope;
use crate::object;
use crate::tree::{Branch, GroupRef, Place, Tree, UserName};

/// A part of a search.
pub(super) enum Stage {
    Entry(Make),
    People(People),
    Groups(Groups),
}

/// An entry that is not in the store.
pub(super) enum Make {
    Base,
    Branch(Branch),
    Application { client_id: String, name: String },
}

impl Make {
    pub(super) fn entry(&self, tree: &Tree, needed: Attributes) -> Entry {
        match self {
            Make::Base => object::base(tree, needed),
            Make::Branch(branch) => object::branch(tree, *branch, needed),
            Make::Application { client_id, name } => object::application(tree, client_id, name, needed),
        }
    }
}

/// Users: those with these ids, or all.
pub(super) struct People {
    pub(super) ids: Option<Vec<UserId>>,
}

/// Groups.
pub(super) enum Groups {
    All,
    Ids(Vec<GroupId>),
    /// Those of the user who searches.
    Own,
}

fn missing(tree: &Tree, exists: bool) -> Ended {
    let text = "no such entry in the account that the bind belongs to";
    let matched = if exists { tree.base_text.clone() } else { String::new() };
    Outcome { matched, ..Outcome::new(Code::NoSuchObject, text) }.into()
}

/// The parts of a search with this base and scope.
pub(super) async fn of(
    door: &Door,
    tree: &Tree,
    reader: &Reader,
    base: &Dn,
    scope: Scope,
) -> Result<Vec<Stage>, Ended> {
    // Programs that know no base search from the root.
    let is_root = base.depth() == 0 && scope != Scope::Base;
    let place = if is_root { Some(Place::Base) } else { tree.place(base) };
    let place = place.ok_or_else(|| missing(tree, base.depth() > tree.base.depth()))?;
    let (itself, below) = (scope != Scope::One, scope != Scope::Base);
    Ok(match place {
        Place::Base => {
            let mut stages = Vec::new();
            if itself {
                stages.push(Stage::Entry(Make::Base));
            }
            for branch in Branch::ALL.into_iter().filter(|_| below) {
                stages.push(Stage::Entry(Make::Branch(branch)));
                if scope == Scope::Whole {
                    stages.extend(inside(branch, reader));
                }
            }
            stages
        }
        Place::Branch(branch) => {
            let itself = itself.then_some(Stage::Entry(Make::Branch(branch)));
            let inside = if below { inside(branch, reader) } else { Vec::new() };
            itself.into_iter().chain(inside).collect()
        }
        Place::User(name) => {
            let id = user(door, tree, reader, &name).await?.ok_or_else(|| missing(tree, true))?;
            itself.then_some(Stage::People(People { ids: Some(vec![id]) })).into_iter().collect()
        }
        Place::Group(group) => {
            let id = group_id(door, tree, reader, &group).await?.ok_or_else(|| missing(tree, true))?;
            itself.then_some(Stage::Groups(Groups::Ids(vec![id]))).into_iter().collect()
        }
        Place::Application(client_id) => {
            let own = inside(Branch::Applications, reader).into_iter().filter(|stage| match stage {
                Stage::Entry(Make::Application { client_id: own, .. }) => *own == client_id,
                _ => false,
            });
            let own: Vec<Stage> = own.collect();
            if own.is_empty() {
                return Err(missing(tree, true));
            }
            if itself { own } else { Vec::new() }
        }
    })
}

/// What the one who searches sees in a part of the tree.
fn inside(branch: Branch, reader: &Reader) -> Vec<Stage> {
    match (branch, reader) {
        (Branch::People, Reader::Own(own)) => vec![Stage::People(People { ids: Some(vec![own.user.id]) })],
        (Branch::People, _) => vec![Stage::People(People { ids: None })],
        (Branch::Groups, Reader::Own(_)) => vec![Stage::Groups(Groups::Own)],
        (Branch::Groups, _) => vec![Stage::Groups(Groups::All)],
        (Branch::Applications, Reader::Service { client_id, name }) => {
            let make = Make::Application { client_id: client_id.clone(), name: name.clone() };
            vec![Stage::Entry(make)]
        }
        (Branch::Applications, _) => Vec::new(),
    }
}

/// The id of a user that is visible.
pub(crate) async fn user(
    door: &Door,
    tree: &Tree,
    reader: &Reader,
    name: &UserName,
) -> Result<Option<UserId>, Ended> {
    let found = crate::lookup::user(&*door.store, tree, name).await?.map(|person| person.user.id);
    Ok(found.filter(|id| reader.own().is_none_or(|own| own.user.id == *id)))
}

/// The id of a group that is visible.
async fn group_id(
    door: &Door,
    tree: &Tree,
    reader: &Reader,
    group: &GroupRef,
) -> Result<Option<GroupId>, Ended> {
    let ids = crate::lookup::groups(&*door.store, tree, std::slice::from_ref(group)).await?;
    let Some(id) = ids.first().copied() else { return Ok(None) };
    let Some(own) = reader.own() else { return Ok(Some(id)) };
    let list = LdapGroups::Of(own.addresses());
    let slice = door.store.ldap_groups(tree.account, &list, None, MAX_ROWS, Wanted::default()).await?;
    Ok(slice.rows.iter().any(|(_, group)| group.name.id == id).then_some(id))
}

impl<W: AsyncWrite + Unpin> Searching<'_, W> {
    /// The users to read; `None`: none can match.
    pub(super) async fn list_of_people(&self, people: &People) -> Result<Option<LdapPeople>, Ended> {
        let plan = plan::people(&self.filter, &self.tree);
        if let Some(ids) = &people.ids {
            return Ok((plan != PeoplePlan::Nobody).then(|| LdapPeople::Ids(ids.clone())));
        }
        self.looked_up(plan).await
    }

    /// The list of a plan, once words and groups were looked up; `None`: nobody.
    async fn looked_up(&self, plan: PeoplePlan) -> Result<Option<LdapPeople>, Ended> {
        let store = &*self.door.store;
        Ok(Some(match plan {
            PeoplePlan::Nobody => return Ok(None),
            PeoplePlan::All => LdapPeople::All,
            PeoplePlan::Ids(ids) => LdapPeople::Ids(ids.into_iter().collect()),
            PeoplePlan::Numbers(numbers) => LdapPeople::Numbers(numbers.into_iter().collect()),
            PeoplePlan::Spans(spans) => LdapPeople::Some(spans.into_iter().collect()),
            PeoplePlan::Since(time) => LdapPeople::Since(time),
            PeoplePlan::Members(groups) => match crate::lookup::groups(store, &self.tree, &groups).await? {
                groups if groups.is_empty() => return Ok(None),
                groups => LdapPeople::Members(groups),
            },
            PeoplePlan::Words(words, mut spans) => {
                let now = self.door.clock.now();
                match crate::lookup::with_words(store, &self.tree, &words, now).await? {
                    Some(found) => {
                        spans.extend(found);
                        LdapPeople::Some(spans.into_iter().collect())
                    }
                    None => LdapPeople::All,
                }
            }
            PeoplePlan::Any(parts) => {
                let mut lists = Vec::new();
                for part in parts {
                    lists.extend(Box::pin(self.looked_up(part)).await?);
                }
                LdapPeople::Any(lists)
            }
        }))
    }

    /// The groups to read, and the name of a user that is a member of all of them; `None`: none can match.
    pub(super) async fn list_of_groups(
        &self,
        groups: &Groups,
    ) -> Result<Option<(LdapGroups, Option<String>)>, Ended> {
        let plan = plan::groups(&self.filter, &self.tree);
        if plan == GroupPlan::Nobody {
            return Ok(None);
        }
        let list = match (groups, plan) {
            (Groups::Ids(ids), _) => LdapGroups::Ids(ids.clone()),
            (Groups::Own, _) => LdapGroups::Of(self.reader.own().map(Person::addresses).unwrap_or_default()),
            (Groups::All, GroupPlan::Nobody) => return Ok(None),
            (Groups::All, GroupPlan::All) => LdapGroups::All,
            (Groups::All, GroupPlan::Ids(ids)) => LdapGroups::Ids(ids.into_iter().collect()),
            (Groups::All, GroupPlan::Numbers(numbers)) => LdapGroups::Numbers(numbers.into_iter().collect()),
            (Groups::All, GroupPlan::Names(names)) => LdapGroups::Named(names.into_iter().collect()),
            (Groups::All, GroupPlan::Of(user)) => {
                let found = crate::lookup::user(&*self.door.store, &self.tree, &user).await?;
                let Some(person) = found else { return Ok(None) };
                let name = self.tree.user_dn(&person.user.address);
                let addresses = std::iter::once(person.user.address).chain(person.aliases).collect();
                let member = plan::only_member(&self.filter).map(|_| name);
                return Ok(Some((LdapGroups::Of(addresses), member)));
            }
        };
        Ok(Some((list, None)))
    }
}
