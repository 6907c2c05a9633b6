//! The page of an account: its password policy, child accounts and domains, and the registration of domains.

use askama::Template;
use directory::port::Position;
use directory::role::{INTERNAL_READ, REGISTER_DOMAIN};
use wire::domains::{CreateDomain, DeletePendingDomain, VerifyDomain};

use super::request::PageRequest;
use super::shell::{Notice, Shell};
use super::shown_time::ShownTime;
use super::{Page, PageError, PageResponse, endpoints, page};
use crate::method::Method::{Get, Post};

pub(super) const PAGES: &[Page] = &[
    page("/console/{account}/domains", Get, INTERNAL_READ, |request| Box::pin(show(request))),
    page("/console/{account}/domains", Post, REGISTER_DOMAIN, |request| Box::pin(register(request))),
    page("/console/{account}/domains/verify", Post, REGISTER_DOMAIN, |request| Box::pin(verify(request))),
    page("/console/{account}/domains/drop", Post, REGISTER_DOMAIN, |request| {
        Box::pin(delete_pending(request))
    }),
];

/// Domains on the page.
const SHOWN: usize = 1_000;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    shell: Shell,
    made: ShownTime,
    /// The password policy, one sentence per rule.
    policy: Vec<String>,
    /// Code, name, path.
    below: Vec<(String, String, String)>,
    domains: Vec<Internal>,
    pending: Vec<Pending>,
    may_register: bool,
    domain: String,
}

struct Internal {
    name: String,
    users: u64,
    since: ShownTime,
    path: String,
}

struct Pending {
    id: String,
    name: String,
    token: String,
    ends: ShownTime,
    expired: bool,
}

async fn show(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let notice = match request.query.text("done") {
        "register" => {
            Some(Notice::success("The domain is registered. Publish its token now, then verify it."))
        }
        "verify" => Some(Notice::success("The domain is internal: users can be created in it.")),
        "drop" => {
            let domain = request.query.text("domain").to_owned();
            let undo = vec![("domain", domain), ("inbound", "known".to_owned())];
            Some(Notice::success("The registration was deleted.").undo(request.path("/domains"), undo))
        }
        _ => None,
    };
    render(request, notice).await.map(PageResponse::Html)
}

async fn render(request: &PageRequest<'_>, notice: Option<Notice>) -> Result<String, PageError> {
    let (store, account) = (&request.console.core.store, request.scope.account());
    let (ids, now) = (request.console.core.secure_ids(), request.console.core.clock.now());
    let mut domains = Vec::new();
    for domain in store.domains_of(account.id, &Position::Start, SHOWN).await?.rows {
        domains.push(Internal {
            users: store.count_listed(account.id, Some(&domain.name)).await?,
            since: ShownTime(domain.created_at),
            path: request.path(&format!("/users?domain={}", domain.name)),
            name: domain.name.to_string(),
        });
    }
    let may_register = request.may(&REGISTER_DOMAIN);
    let pending = match may_register {
        true => store.pending_domains_of(account.id, &Position::Start, SHOWN).await?.rows,
        false => Vec::new(),
    };
    let caller = request.scope.caller();
    let accounts = store.list_accounts().await?.into_iter();
    let below = accounts.filter(|other| other.above.contains(&account.id) && caller.may_act_in(other));
    let page = AccountPage {
        shell: request.shell("/domains", "Account and domains").with_notice(notice),
        made: ShownTime(account.created_at),
        policy: policy(account),
        below: below
            .map(|other| (other.code.to_string(), other.name, format!("{}/{}", super::PREFIX, other.code)))
            .collect(),
        domains,
        pending: pending
            .into_iter()
            .map(|pending| Pending {
                id: ids.seal("pending domain", account.id, pending.id.as_bytes()),
                name: pending.name.to_string(),
                expired: pending.live(now).is_err(),
                token: pending.token,
                ends: ShownTime(pending.expires_at),
            })
            .collect(),
        may_register,
        domain: request.form.text("domain").to_owned(),
    };
    Ok(page.render()?)
}

fn policy(account: &directory::Account) -> Vec<String> {
    let policy = &account.password_policy;
    let mut rules = vec![
        format!(
            "At least {} characters from at least {} of four classes.",
            policy.min_length, policy.min_classes
        ),
        format!("Strength of at least {} of 4.", policy.min_strength),
    ];
    if policy.common {
        rules.push("Not one of the 30,000 most common passwords.".to_owned());
    }
    if policy.history > 0 {
        rules.push(format!("Not one of the last {}.", policy.history));
    }
    if let Some(days) = policy.max_age_days {
        rules.push(format!("Changed every {days} days."));
    }
    if policy.lockout_tries > 0 {
        rules.push(format!(
            "{} wrong passwords in a row lock a user for {} minutes.",
            policy.lockout_tries, policy.lockout_minutes
        ));
    }
    rules
}

async fn register(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let item = CreateDomain {
        domain: request.form.text("domain").to_owned(),
        inbound_type: request.form.non_empty("inbound").unwrap_or("known").to_owned(),
    };
    let result = request.call_endpoint(&endpoints::CREATE_DOMAIN, &[item]).await?;
    redirect_or_show_errors(request, &result.errors(), "register").await
}

async fn verify(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let item = VerifyDomain { domain: request.form.text("domain").to_owned(), inbound_type: None };
    let result = request.call_endpoint(&endpoints::VERIFY_DOMAIN, &[item]).await?;
    redirect_or_show_errors(request, &result.errors(), "verify").await
}

async fn delete_pending(request: &mut PageRequest<'_>) -> Result<PageResponse, PageError> {
    let item = DeletePendingDomain { id: request.form.text("id").to_owned(), domain: None };
    let result = request.call_endpoint(&endpoints::DELETE_PENDING_DOMAIN, &[item]).await?;
    let domain = result.data.first().map_or("", |row| &row.domain);
    let done = format!("drop&{}", super::form::query_string(&[("domain", domain)]));
    redirect_or_show_errors(request, &result.errors(), &done).await
}

async fn redirect_or_show_errors(
    request: &PageRequest<'_>,
    errors: &[String],
    done: &str,
) -> Result<PageResponse, PageError> {
    if errors.is_empty() {
        return Ok(PageResponse::Redirect(request.path(&format!("/domains?done={done}"))));
    }
    render(request, Some(Notice::error(errors.join(" ")))).await.map(PageResponse::Invalid)
}
