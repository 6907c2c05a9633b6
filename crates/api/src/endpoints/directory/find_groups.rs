//! `POST /api/directory/find-groups` (spec/protocol.md 5, 1c).

use directory::application::Product;
use directory::error::ItemError;
use directory::groups::{self, Group};
use directory::port::Position;
use directory::role::GROUPS_EDIT;
use serde::{Deserialize, Serialize};
use wire::groups::{FindGroups, Groups};
use wire::item::{Entry, Item as _, Row as _};
use wire::{Answer, Code};

use super::{CLOUD, row};
use crate::call::{Call, Reply};
use crate::endpoint::{Endpoint, Method, Run, Takes};
use crate::endpoints::login::refused_item;
use crate::error::{CallError, wrong};
use crate::page;

const PATH: &str = "/api/directory/find-groups";
const LDAP: &str = "ldap";

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint {
    path: PATH,
    method: Method::Post,
    summary: "Lists groups, optionally by name.",
    permission: Some(GROUPS_EDIT),
    products: &[Product::UserAndGroupManagement],
    writes: false,
    takes: Takes::Page(FindGroups::FIELDS),
    row: Groups::FIELDS,
    codes: &[Code::NotOneOf, Code::Length, Code::Characters, Code::InvalidPageToken],
    run: Run::Signed(|call| Box::pin(find_groups(call))),
};

/// The content of a page token.
#[derive(Serialize, Deserialize)]
struct State {
    query: Option<String>,
    source: Option<String>,
    from: Position,
}

async fn find_groups(mut call: Call<'_>) -> Result<Reply, CallError> {
    let mut body = call.body()?;
    let Entry { key, item } = body.one::<FindGroups>()?;
    let scope = call.scope(&GROUPS_EDIT, body.account_code.as_deref()).await?;
    let (store, account) = (&call.core.store, scope.account().id);
    let ids = call.core.secure_ids();
    let State { query, source, from } = match ids.open_page(PATH, account, &body.page) {
        Ok(Some(state)) => state,
        Ok(None) => match item {
            Ok(FindGroups { query, source }) => {
                let says = |text: &String| !text.trim().is_empty();
                State { query: query.filter(says), source: source.filter(says), from: Position::Start }
            }
            Err(errors) => return Ok(refused_item(key, errors)),
        },
        Err(reply) => return Ok(*reply),
    };
    let wanted = match query.as_deref().map(groups::query).transpose() {
        Ok(wanted) => wanted,
        Err(why) => return Ok(refused_item(key, vec![wrong("query", &why)])),
    };
    let size = body.page.size;
    let (mut found, total) =
        match source.as_deref().map(|source| source.trim().to_ascii_lowercase()).as_deref() {
            None | Some(CLOUD) => {
                let found =
                    call.timed(store.list_groups(account, wanted.as_deref(), &from, size + 1)).await?;
                (found, call.timed(store.count_groups(account, wanted.as_deref())).await?)
            }
            Some(LDAP) => (Vec::new(), 0),
            Some(_) => {
                let why = ItemError::NotOneOf(format!("{CLOUD}, {LDAP}"));
                return Ok(refused_item(key, vec![wrong("source", &why)]));
            }
        };
    let around = page::cut(&mut found, size, &from, |group: &Group| group.id.to_string());
    let token = |from| {
        let state = State { query: query.clone(), source: source.clone(), from };
        ids.page_token(PATH, account, &state)
    };
    let mut pagination = around.pagination(found.len(), total, token);
    // Recorded from the service: an answer without groups has no count.
    pagination.total_count = pagination.total_count.filter(|count| *count > 0);
    call.count(found.len());
    let folders = found.iter().map(|group| row(&ids, group)).collect();
    Ok(Reply::of(&Answer::page(vec![Groups { source, query, folders }], pagination)))
}
