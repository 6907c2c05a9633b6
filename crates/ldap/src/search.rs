//! Searches: entries that may match are read in slices, the filter is evaluated for each, and those that match are written.

mod names;
mod plan;
mod stage;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use directory::GroupId;
use directory::ldap::{Group, MAX_MEMBERS, Person, Wanted};
use directory::port::{LdapGroups, LdapPeople};
use observe::stopwatch;
use tokio::io::AsyncWrite;

use crate::authority::{Authority, Reader};
use crate::code::{Code, Outcome};
use crate::cookie::Position;
use crate::dn::Dn;
use crate::door::Door;
use crate::entry::{self, Attributes, Entry, Selection};
use crate::filter::{Filter, FilterError};
use crate::message::{self, Control, PAGED, Search};
use crate::object;
use crate::output::Output;
use crate::schema::Attribute;
use crate::tree::{Place, Tree};
pub(crate) use names::settle;
use stage::Stage;

/// Most entries of a search, or of a page. `[ours]`
pub const PAGE: usize = 500;

/// Most rows that a search, or a page, reads without an index. `[ours]`
pub const MAX_ROWS: usize = 10_000;

/// Entries that are judged before others are served.
const FAIR: usize = 16;

/// Why a search ends early, or cannot go on.
pub(crate) enum Ended {
    With(Outcome),
    /// The client does not read, or is gone.
    Gone,
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        Ended::With(outcome)
    }
}

impl From<directory::port::StoreError> for Ended {
    fn from(error: directory::port::StoreError) -> Self {
        Ended::With(crate::failure::of_store(&error))
    }
}

/// A search under way.
pub(crate) struct Searching<'s, W> {
    pub(crate) door: &'s Door,
    pub(crate) tree: Arc<Tree>,
    pub(crate) reader: &'s Reader,
    pub(crate) id: i32,
    pub(crate) out: &'s mut Output<W>,
    filter: Filter,
    selection: Selection,
    needed: Attributes,
    /// Entries that may still be written.
    room: usize,
    is_paged: bool,
    read: usize,
    judged: usize,
    started: Instant,
    limit: std::time::Duration,
    /// A group whose members are too many to list.
    crowded: Option<String>,
    /// The users that the filter names as members, if a group with too many was met.
    named: Option<Vec<Named>>,
}

/// A user that is named as a member, and all groups in which it is.
struct Named {
    dn: String,
    groups: BTreeSet<GroupId>,
}

/// The users with these names, and their groups.
async fn named(door: &Door, tree: &Tree, names: &BTreeSet<String>) -> Result<Vec<Named>, Ended> {
    let mut found = Vec::new();
    for name in names {
        let Some(Place::User(user)) = tree.place_of(name) else { continue };
        let Some(person) = crate::lookup::user(&*door.store, tree, &user).await? else { continue };
        let (list, wanted) = (LdapGroups::Of(person.addresses()), Wanted::default());
        let slice = door.store.ldap_groups(tree.account, &list, None, MAX_ROWS, wanted).await?;
        let groups = slice.rows.into_iter().map(|(_, group)| group.name.id).collect();
        found.push(Named { dn: tree.user_dn(&person.user.address), groups });
    }
    Ok(found)
}

/// The names of those that are members of a group.
fn members_among(named: &[Named], group: GroupId) -> Vec<String> {
    named.iter().filter(|named| named.groups.contains(&group)).map(|named| named.dn.clone()).collect()
}

/// A page that a client asks for.
struct Page<'m> {
    size: usize,
    cookie: &'m [u8],
}

fn page<'m>(controls: &[Control<'m>]) -> Result<Option<Page<'m>>, Outcome> {
    let Some(control) = controls.iter().find(|control| control.name == PAGED) else { return Ok(None) };
    let malformed = |why: &str| Outcome::new(Code::ProtocolError, why);
    let (size, cookie) = message::paging(control.value).map_err(|why| malformed(&why.to_string()))?;
    let size = usize::try_from(size).map_err(|_| malformed("the size of a page is not negative"))?;
    Ok(Some(Page { size: size.min(PAGE), cookie }))
}

/// Runs a search below the base of an account. The outcome has the cookie of the next page, if pages were asked for.
pub(crate) async fn run<W: AsyncWrite + Unpin>(
    door: &Door,
    authority: &Authority,
    id: i32,
    search: &Search<'_>,
    controls: &[Control<'_>],
    out: &mut Output<W>,
) -> Result<(Outcome, Option<Vec<u8>>), Ended> {
    let (tree, reader) = authority.reads()?;
    let base = Dn::parse(search.base).map_err(|why| Outcome::new(Code::InvalidDnSyntax, why.to_string()))?;
    let page = page(controls)?;
    let mut filter = Filter::decode(search.filter, &tree.groups).map_err(|why| match why {
        FilterError::Malformed(why) => Outcome::new(Code::ProtocolError, why.to_string()),
        FilterError::TooLarge => Outcome::new(Code::AdminLimitExceeded, why.to_string()),
    })?;
    settle(door, &tree, reader, &mut filter).await?;
    let stages = stage::of(door, &tree, reader, &base, search.scope).await?;
    let selection = Selection::of(search.attributes(), search.types_only);
    let mut needed = selection.attributes();
    filter.attributes(&mut |attribute| needed.add(attribute));
    let (context, key) = (authority.context(), base.key());
    let how = [search.scope as u8, u8::from(search.types_only)];
    let bound: [&[u8]; 5] = [&context, key.as_bytes(), &how, search.filter, search.encoded_attributes()];
    let position = match &page {
        Some(Page { cookie, .. }) if !cookie.is_empty() => {
            let text = "the cookie is not of this search: begin it again without one";
            let opened = door.cookies.open(&bound, cookie);
            opened.ok_or_else(|| Outcome::new(Code::UnwillingToPerform, text))?
        }
        _ => Position { stage: 0, after: None },
    };
    // A page without entries gives the walk up.
    if page.as_ref().is_some_and(|page| page.size == 0) {
        return Ok((Outcome::OK, Some(Vec::new())));
    }
    let asked = usize::try_from(search.size_limit).unwrap_or(0);
    let limit = time_limit(door, search);
    let most = page.as_ref().map_or(PAGE, |page| page.size);
    let mut searching = Searching {
        door,
        reader,
        id,
        out,
        filter,
        selection,
        needed,
        room: if asked > 0 { most.min(asked) } else { most },
        is_paged: page.is_some(),
        read: 0,
        judged: 0,
        started: stopwatch(),
        limit,
        crowded: None,
        named: None,
        tree,
    };
    let next = searching.through(&stages, position).await?;
    let cookie = page.map(|_| next.map(|next| door.cookies.seal(&bound, &next)).unwrap_or_default());
    Ok((searching.outcome(), cookie))
}

/// The longest time of a search: that of the server, or a shorter one that the client wants.
fn time_limit(door: &Door, search: &Search<'_>) -> std::time::Duration {
    match u64::try_from(search.time_limit) {
        Ok(seconds) if seconds > 0 => door.limits.search.min(std::time::Duration::from_secs(seconds)),
        _ => door.limits.search,
    }
}

/// How a list ends.
enum End {
    /// It is complete.
    Complete,
    /// The page is full, or has read enough: it goes on there.
    At(Option<String>),
}

impl<W: AsyncWrite + Unpin> Searching<'_, W> {
    /// Goes through the parts of the search. The result is where the next page begins; `None`: nothing is left.
    async fn through(&mut self, stages: &[Stage], position: Position) -> Result<Option<Position>, Ended> {
        let mut after = position.after;
        for (at, stage) in stages.iter().enumerate().skip(usize::from(position.stage)) {
            let end = match stage {
                Stage::Entry(make) => self.single(make.entry(&self.tree, self.needed)).await?,
                Stage::People(list) => match self.list_of_people(list).await? {
                    Some(list) => self.people(&list, after.take()).await?,
                    None => End::Complete,
                },
                Stage::Groups(list) => match self.list_of_groups(list).await? {
                    Some((list, member)) => self.groups(&list, member.as_deref(), after.take()).await?,
                    None => End::Complete,
                },
            };
            after = None;
            if let End::At(after) = end {
                return Ok(Some(Position { stage: u8::try_from(at).unwrap_or(u8::MAX), after }));
            }
        }
        Ok(None)
    }

    /// The result of a search that went through.
    fn outcome(&self) -> Outcome {
        match &self.crowded {
            Some(group) => Outcome::new(
                Code::AdminLimitExceeded,
                format!(
                    "{group} has more than {MAX_MEMBERS} members, which are not listed: search for users with \
                     (memberOf={group}) instead"
                ),
            ),
            None => Outcome::OK,
        }
    }

    /// Rows that the next slice may have. Without room it looks for one more entry, to know whether there is one.
    fn next_slice(&self) -> Result<usize, Ended> {
        self.in_time()?;
        if self.read >= MAX_ROWS {
            let text = format!(
                "no index finds what the filter asks for, and {MAX_ROWS} entries were read: search by uid, mail, cn of a \
                 group, memberOf, entryUUID, a number or a time, or ask for pages"
            );
            return Err(Outcome::new(Code::AdminLimitExceeded, text).into());
        }
        // The more was read in vain, the more is read at once.
        Ok(self.room.max(self.read).clamp(1, PAGE).min(MAX_ROWS - self.read))
    }

    fn in_time(&self) -> Result<(), Ended> {
        if self.started.elapsed() > self.limit {
            let text = "the search took too long: name a user or a group, or ask for pages";
            return Err(Outcome::new(Code::TimeLimitExceeded, text).into());
        }
        Ok(())
    }

    /// Whether the page has as many entries as it may.
    fn has_no_room(&self) -> bool {
        self.is_paged && self.room == 0
    }

    /// Whether the page ends before the next row.
    fn is_page_full(&self) -> bool {
        self.has_no_room() || (self.is_paged && self.read >= MAX_ROWS)
    }

    /// Writes an entry if it matches.
    async fn emit(&mut self, entry: &Entry) -> Result<(), Ended> {
        self.judged += 1;
        if self.judged.is_multiple_of(FAIR) {
            // A filter with many conditions takes time; others are served too.
            tokio::task::yield_now().await;
            self.in_time()?;
        }
        if self.filter.matches(entry) != Some(true) {
            return Ok(());
        }
        if self.room == 0 {
            let text = "there are more entries: ask for pages, or for fewer";
            return Err(Outcome::new(Code::SizeLimitExceeded, text).into());
        }
        self.room -= 1;
        let selection = &self.selection;
        let is_hidden = |attribute: Attribute| {
            entry.has_more_members && matches!(attribute, Attribute::Member | Attribute::UniqueMember)
        };
        let gives = |attribute: Attribute| selection.has(attribute) && !is_hidden(attribute);
        message::respond(&mut self.out.buffer, self.id, |writer| {
            entry::write(writer, entry, gives, selection.types_only);
        });
        self.out.flush_if_full().await.map_err(|_| Ended::Gone)
    }

    async fn single(&mut self, entry: Entry) -> Result<End, Ended> {
        if self.is_page_full() {
            return Ok(End::At(None));
        }
        self.emit(&entry).await?;
        Ok(End::Complete)
    }

    async fn people(&mut self, list: &LdapPeople, mut after: Option<String>) -> Result<End, Ended> {
        let wanted = object::wanted_of_people(self.needed);
        let mut list = std::borrow::Cow::Borrowed(list);
        loop {
            if self.is_page_full() {
                return Ok(End::At(after));
            }
            let limit = self.next_slice()?;
            let store = &self.door.store;
            let slice = store.ldap_people(self.tree.account, &list, after.as_deref(), limit, wanted).await?;
            let Ok(slice) = slice else {
                // Too many are in the index: all users are read instead.
                list = std::borrow::Cow::Owned(LdapPeople::All);
                continue;
            };
            self.read += slice.read;
            for (place, person) in slice.rows {
                if self.has_no_room() {
                    return Ok(End::At(after));
                }
                let entry = object::person(&self.tree, &person, self.needed);
                self.emit(&entry).await?;
                after = Some(place);
            }
            match slice.next {
                Some(next) => after = Some(next),
                None => return Ok(End::Complete),
            }
        }
    }

    /// `member`: the name of a user that is a member of all these groups.
    async fn groups(
        &mut self,
        list: &LdapGroups,
        member: Option<&str>,
        mut after: Option<String>,
    ) -> Result<End, Ended> {
        let mut wanted = object::wanted_of_groups(self.needed);
        let shows = self.selection.attributes().has_any(&[Attribute::Member, Attribute::UniqueMember]);
        // The condition about the member holds; nobody asks for the others.
        wanted.members &= !self.reader.is_own() && (shows || member.is_none());
        loop {
            if self.is_page_full() {
                return Ok(End::At(after));
            }
            let limit = self.next_slice()?;
            let store = &self.door.store;
            let slice = store.ldap_groups(self.tree.account, list, after.as_deref(), limit, wanted).await?;
            self.read += slice.read;
            for (place, group) in slice.rows {
                if self.has_no_room() {
                    return Ok(End::At(after));
                }
                self.group(&group, wanted.members, member, shows).await?;
                after = Some(place);
            }
            match slice.next {
                Some(next) => after = Some(next),
                None => return Ok(End::Complete),
            }
        }
    }

    /// The users that the filter names, as far as they are members of a group.
    async fn named_in(&mut self, group: GroupId) -> Result<Vec<String>, Ended> {
        if self.named.is_none() {
            self.named = Some(named(self.door, &self.tree, &self.filter.members()).await?);
        }
        Ok(members_among(self.named.as_deref().unwrap_or_default(), group))
    }

    async fn group(
        &mut self,
        group: &Group,
        reads_members: bool,
        member: Option<&str>,
        shows: bool,
    ) -> Result<(), Ended> {
        let known: Vec<String> = match (self.reader.own(), member) {
            (Some(own), _) => vec![self.tree.user_dn(&own.user.address)],
            (None, Some(member)) => vec![member.to_owned()],
            (None, None) => Vec::new(),
        };
        let listed = group.members.as_ref().filter(|_| reads_members);
        let is_crowded = reads_members && group.members.is_none();
        let members = match listed {
            Some(members) => members.iter().map(|address| self.tree.user_dn(address)).collect(),
            None if is_crowded => self.named_in(group.name.id).await?,
            None => known,
        };
        let mut entry = object::group(&self.tree, group, &members, self.needed);
        entry.has_more_members = is_crowded;
        let before = self.room;
        self.emit(&entry).await?;
        if is_crowded && shows && self.room < before {
            self.crowded.get_or_insert(entry.dn);
        }
        Ok(())
    }
}

/// The entry at a place, with all its attributes, for compare; `None`: there is none, or it is not visible. Of a group with
/// too many members it has those that are `asked` for.
pub(crate) async fn entry_at(
    door: &Door,
    tree: &Arc<Tree>,
    reader: &Reader,
    base: &Dn,
    needed: Attributes,
    asked: &BTreeSet<String>,
) -> Result<Option<Entry>, Ended> {
    let stages = match stage::of(door, tree, reader, base, message::Scope::Base).await {
        Ok(stages) => stages,
        Err(Ended::With(outcome)) if outcome.code == Code::NoSuchObject => return Ok(None),
        Err(ended) => return Err(ended),
    };
    Ok(match stages.first() {
        Some(Stage::Entry(make)) => Some(make.entry(tree, needed)),
        Some(Stage::People(stage::People { ids: Some(ids) })) => {
            let wanted = object::wanted_of_people(needed);
            let list = LdapPeople::Ids(ids.clone());
            let slice = door.store.ldap_people(tree.account, &list, None, 1, wanted).await?;
            let people: Vec<(String, Person)> = slice.map(|slice| slice.rows).unwrap_or_default();
            people.first().map(|(_, person)| object::person(tree, person, needed))
        }
        Some(Stage::Groups(stage::Groups::Ids(ids))) => {
            let mut wanted = object::wanted_of_groups(needed);
            wanted.members &= !reader.is_own();
            let list = LdapGroups::Ids(ids.clone());
            let slice = door.store.ldap_groups(tree.account, &list, None, 1, wanted).await?;
            let Some((_, group)) = slice.rows.first() else { return Ok(None) };
            let own = reader.own().map(|own| tree.user_dn(&own.user.address));
            let listed = group.members.iter().flatten().map(|address| tree.user_dn(address));
            let mut members: Vec<String> = listed.chain(own).collect();
            let is_crowded = wanted.members && group.members.is_none();
            if is_crowded {
                members.extend(members_among(&named(door, tree, asked).await?, group.name.id));
            }
            let mut entry = object::group(tree, group, &members, needed);
            entry.has_more_members = is_crowded;
            Some(entry)
        }
        _ => None,
    })
}
