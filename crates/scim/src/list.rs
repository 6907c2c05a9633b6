//! Lists and searches (RFC 7644, 3.4.2): filter, paging by index and by cursor (RFC 9865), selected attributes.

use directory::port::{ScimFrom as From, ScimPage, StoreError};
use directory::scim::Resource;
use serde_json::{Map, Value, json};
use wire::scim::{Filter, Projection, ResourceType, ScimError, ScimType};

use crate::answer::Answer;
use crate::call::{Call, Query};
use crate::refused::Refused;

/// Results of a page if the caller does not say. `[ours]`
pub(crate) const DEFAULT_COUNT: usize = 100;

/// Most results of a page; a larger `count` is lowered to it. `[ours]`
pub(crate) const MAX_COUNT: usize = 1_000;

/// Most resources that a filter looks at, if no index serves it. `[ours]`
const MAX_SCANNED: u64 = 50_000;

/// Resources per read of a scan.
const SLICE: usize = 500;

/// A kind of resource, as it is listed.
pub(crate) trait Source {
    /// A resource as the store has it.
    type Row: Send;

    /// Its type.
    const TYPE: &'static ResourceType;

    /// What its cursors are sealed for.
    const CURSOR: &'static str;

    /// A page of all.
    async fn page(
        &self,
        call: &mut Call<'_>,
        from: From,
        limit: usize,
    ) -> Result<ScimPage<Self::Row>, StoreError>;

    /// All that can match the filter, found by an index; `None`: no index serves it.
    async fn candidates(
        &self,
        call: &mut Call<'_>,
        filter: &Filter,
    ) -> Result<Option<Vec<Self::Row>>, Refused>;

    /// The position of a resource in the list.
    fn key(row: &Self::Row) -> String;

    /// The resource.
    fn resource(call: &Call<'_>, row: &Self::Row) -> Map<String, Value>;

    /// The resource with another name that a filter may ask for; `None`: it has only one.
    fn with_other_name(
        _call: &Call<'_>,
        _row: &Self::Row,
        _resource: &Map<String, Value>,
    ) -> Option<Map<String, Value>> {
        None
    }
}

/// Where a page begins, and its size.
struct Paging {
    /// Resources before the page.
    skipped: u64,
    /// The cursor, if the caller pages by cursor; `Some(None)` is the first page.
    cursor: Option<Option<String>>,
    count: usize,
}

impl Paging {
    fn of(call: &Call<'_>, cursors: &'static str, query: &Query<'_>) -> Result<Self, ScimError> {
        // A negative count is 0, an index below 1 is 1 (RFC 7644, 3.4.2.4).
        let count =
            query.integer("count")?.map_or(DEFAULT_COUNT, |count| usize::try_from(count).unwrap_or(0));
        let start = query.integer("startIndex")?.map_or(1, |start| u64::try_from(start).unwrap_or(1).max(1));
        let cursor = match query.get("cursor") {
            None => None,
            Some("") => Some(None),
            Some(cursor) => Some(Some(opened(call, cursors, cursor)?)),
        };
        Ok(Self { skipped: start - 1, cursor, count: count.min(MAX_COUNT) })
    }

    fn from(&self) -> From {
        match &self.cursor {
            None => From::Index(self.skipped),
            Some(None) => From::Index(0),
            Some(Some(key)) => From::Key(key.clone()),
        }
    }
}

fn opened(call: &Call<'_>, kind: &'static str, cursor: &str) -> Result<String, ScimError> {
    let key = call.core.secure_ids().open(kind, call.scope.account().id, cursor).ok();
    key.and_then(|key| String::from_utf8(key).ok()).ok_or_else(|| {
        ScimError::new(
            ScimType::InvalidCursor,
            "Not a cursor of this list. Begin again with an empty cursor.",
        )
    })
}

/// Serves a list or a search.
pub(crate) async fn serve<S: Source>(
    source: &S,
    call: &mut Call<'_>,
    query: &Query<'_>,
) -> Result<Answer, Refused> {
    let paging = Paging::of(call, S::CURSOR, query)?;
    // One more shows whether there is another page.
    let (total, mut rows) = found(source, call, query, paging.from(), paging.count + 1).await?;
    let is_last = rows.len() <= paging.count;
    rows.truncate(paging.count);
    let next = rows.last().filter(|_| !is_last && paging.cursor.is_some()).map(|(_, row)| {
        call.core.secure_ids().seal(S::CURSOR, call.scope.account().id, S::key(row).as_bytes())
    });
    let start = paging.cursor.is_none().then_some(paging.skipped + 1);
    Ok(Answer::ok(listed(total, start, next, shown::<S>(&rows, query))))
}

/// A part of a search over several kinds of resources: the number of all that match, and those of the page.
pub(crate) async fn part<S: Source>(
    source: &S,
    call: &mut Call<'_>,
    query: &Query<'_>,
    skipped: u64,
    limit: usize,
) -> Result<(u64, Vec<Value>), Refused> {
    let (total, rows) = found(source, call, query, From::Index(skipped), limit).await?;
    Ok((total, shown::<S>(&rows, query)))
}

/// Resources with their rows.
type Found<S> = Vec<(Map<String, Value>, <S as Source>::Row)>;

/// The number of all resources that a query finds, and some of them.
async fn found<S: Source>(
    source: &S,
    call: &mut Call<'_>,
    query: &Query<'_>,
    from: From,
    limit: usize,
) -> Result<(u64, Found<S>), Refused> {
    let Some(filter) = query.get("filter").filter(|filter| !filter.trim().is_empty()) else {
        let ScimPage { total, page } = source.page(call, from, limit).await?;
        return Ok((total, page.into_iter().map(|row| (S::resource(call, &row), row)).collect()));
    };
    let all = matching(source, call, &Filter::parse(filter, S::TYPE)?).await?;
    let total = u64::try_from(all.len()).unwrap_or(u64::MAX);
    let skipped = match from {
        From::Index(skipped) => usize::try_from(skipped).unwrap_or(usize::MAX),
        From::Key(key) => all.partition_point(|(_, row)| S::key(row) <= key),
    };
    Ok((total, all.into_iter().skip(skipped).take(limit).collect()))
}

/// Resources with the attributes that a query selects.
fn shown<S: Source>(found: &[(Map<String, Value>, S::Row)], query: &Query<'_>) -> Vec<Value> {
    let projection = projection(query, S::TYPE);
    found.iter().map(|(resource, _)| Value::Object(projection.apply(resource))).collect()
}

/// The number of resources before a page without cursors, and its size.
pub(crate) fn page_of(call: &Call<'_>, query: &Query<'_>) -> Result<(u64, usize), ScimError> {
    let Paging { skipped, count, .. } = Paging::of(call, "", query)?;
    Ok((skipped, count))
}

/// The attributes that a query selects.
pub(crate) fn projection(query: &Query<'_>, of: &'static ResourceType) -> Projection<'static> {
    Projection::parse(query.get("attributes"), query.get("excludedAttributes"), of)
}

/// All resources that match a filter, in the order of the list.
async fn matching<S: Source>(source: &S, call: &mut Call<'_>, filter: &Filter) -> Result<Found<S>, Refused> {
    let mut found = Vec::new();
    let mut take = |call: &Call<'_>, rows: Vec<S::Row>| {
        let seen = rows.into_iter().map(|row| {
            let mut resource = S::resource(call, &row);
            // Filters may ask for them; a response has its own.
            resource.insert("schemas".to_owned(), schemas(S::TYPE, &resource));
            (resource, row)
        });
        let matches = |(resource, row): &(Map<String, Value>, S::Row)| {
            let other = || S::with_other_name(call, row, resource);
            filter.matches(resource) || other().is_some_and(|other| filter.matches(&other))
        };
        found.extend(seen.filter(matches));
    };
    if let Some(rows) = source.candidates(call, filter).await? {
        take(call, rows);
        return Ok(found);
    }
    let mut from = From::Index(0);
    loop {
        let ScimPage { total, page } = source.page(call, from, SLICE).await?;
        if total > MAX_SCANNED {
            return Err(ScimError::new(
                ScimType::TooMany,
                format!(
                    "No index serves this filter, and there are more than {MAX_SCANNED} resources. Filter by id, \
                     userName, externalId, emails or displayName with eq, or read all pages."
                ),
            )
            .into());
        }
        let is_last = page.len() < SLICE;
        let last = page.last().map(S::key);
        take(call, page);
        match last.filter(|_| !is_last) {
            Some(key) => from = From::Key(key),
            None => return Ok(found),
        }
    }
}

/// The schemas of a resource: the core schema, and the extensions that it has.
fn schemas(of: &ResourceType, resource: &Map<String, Value>) -> Value {
    let extensions = of.extensions.iter().filter(|schema| resource.contains_key(schema.id));
    std::iter::once(of.schema.id).chain(extensions.map(|schema| schema.id)).collect()
}

/// The object to which the application gave this id.
pub(crate) async fn by_external_id(
    call: &mut Call<'_>,
    kind: u8,
    id: &str,
) -> Result<Option<Resource>, Refused> {
    // Such an id cannot be stored, and PostgreSQL cannot look for it.
    if id.contains(char::is_control) {
        return Ok(None);
    }
    let core = call.core;
    Ok(call.timed(core.store.by_external_id(call.client, kind, id)).await?)
}

/// A list response. `Resources` is always there: clients read its absence differently.
pub(crate) fn listed(total: u64, start: Option<u64>, next: Option<String>, resources: Vec<Value>) -> Value {
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    });
    if let Some(start) = start {
        body["startIndex"] = start.into();
    }
    if let Some(next) = next {
        body["nextCursor"] = next.into();
    }
    body
}
