//! Applications, bindings and their use.

use std::sync::Arc;

use directory::application::Client;
use directory::port::{
    ApplicationRow, ApplicationStore, BindingRow, CallerStore, Freshness, KeysOf, Pending, Refusal, Usage,
};
use directory::{AccessKey, Application, ApplicationId, BindingId, UserId};
use jiff::Timestamp;

use super::{Engine, TableStore};
use crate::tables::refusals::NoteRefusals;
use crate::tables::usage::NoteUsage;
use crate::tables::{read, refusals, usage};

impl<E: Engine> ApplicationStore for TableStore<E> {
    fn client_by_name<'a>(&'a self, client_id: &'a str) -> Pending<'a, Option<Client>> {
        let client_id = client_id.to_owned();
        Box::pin(self.engine.read(move |s| read::clients::by_name(s, &client_id)))
    }

    fn list_clients(&self) -> Pending<'_, Vec<Client>> {
        Box::pin(self.engine.scan(read::clients::list))
    }

    fn application<'a>(&'a self, app_id: &'a str) -> Pending<'a, Option<Application>> {
        let (app_id, vault) = (app_id.to_owned(), Arc::clone(&self.vault));
        Box::pin(self.engine.read(move |s| read::application(s, &vault, &app_id)))
    }

    fn list_applications(&self) -> Pending<'_, Vec<ApplicationRow>> {
        Box::pin(self.engine.scan(read::applications))
    }

    fn list_bindings(&self, user: Option<UserId>) -> Pending<'_, Vec<BindingRow>> {
        Box::pin(self.engine.scan(move |s| read::bindings(s, user)))
    }

    fn bindings_to(
        &self,
        application: ApplicationId,
        before: Option<BindingId>,
        limit: usize,
    ) -> Pending<'_, Vec<BindingRow>> {
        Box::pin(self.engine.read(move |s| read::bindings_to(s, application, before, limit)))
    }

    fn binding(&self, id: BindingId) -> Pending<'_, Option<BindingRow>> {
        Box::pin(self.engine.read(move |s| read::binding(s, id)))
    }

    fn keys_of<'a>(&'a self, access_key: &'a AccessKey, limit: usize) -> Pending<'a, Option<KeysOf>> {
        Box::pin(async move {
            let (key, vault) = (access_key.clone(), Arc::clone(&self.vault));
            let found = self.engine.read(move |s| {
                let Some(binding) = read::binding_of(s, &key)? else { return Ok(None) };
                let applications = read::applications_beside(s, &vault, &binding.app_id, limit)?;
                Ok(Some((binding, applications)))
            });
            let Some((binding, applications)) = found.await? else { return Ok(None) };
            let principal = self.principal(access_key, Freshness::Recent).await?;
            Ok(Some(KeysOf { binding, principal, applications }))
        })
    }

    fn note_refusals(&self, refusals: Vec<Refusal>, now: Timestamp) -> Pending<'_, ()> {
        Box::pin(self.engine.run(NoteRefusals(refusals, now)))
    }

    fn refusals_of<'a>(&'a self, app_id: &'a str, since: Timestamp) -> Pending<'a, Vec<Refusal>> {
        let app_id = app_id.to_owned();
        Box::pin(self.engine.read(move |s| refusals::of(s, &app_id, since)))
    }

    fn note_usage(&self, usage: Vec<Usage>) -> Pending<'_, ()> {
        Box::pin(self.engine.run(NoteUsage(usage)))
    }

    fn usage_of<'a>(&'a self, credentials: &'a [[u8; 16]]) -> Pending<'a, Vec<Option<Usage>>> {
        let credentials = credentials.to_vec();
        Box::pin(self.engine.read(move |s| credentials.iter().map(|of| usage::of(s, of)).collect()))
    }
}
