//! The root DSE (RFC 4512, 5.1) and the schema (4.2).

use crate::code::Outcome;
use crate::entry::{self, Attributes, Entry, Selection};
use crate::filter::Filter;
use crate::message::{
    self, MANAGE_DSA_IT, PAGED, PASSWORD_MODIFY, PASSWORD_POLICY, START_TLS, Search, WHO_AM_I,
};
use crate::schema::{self, Attribute, time_text};
use crate::tree::SUBSCHEMA;

/// All operational attributes (RFC 3673), and filters that are always true or false (RFC 4526).
const FEATURES: [&str; 2] = ["1.3.6.1.4.1.4203.1.5.1", "1.3.6.1.4.1.4203.1.5.3"];

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

/// The root DSE. `contexts` are the bases that the client may know; `upgrades`: StartTLS is possible.
pub(crate) fn root_dse(contexts: &[String], upgrades: bool) -> Entry {
    let mut entry = Entry::new(String::new());
    entry.set_one(Attribute::ObjectClass, "top");
    entry.set(Attribute::NamingContexts, contexts.to_vec());
    if let [only] = contexts {
        entry.set_one(Attribute::DefaultNamingContext, only.clone());
    }
    entry.set(Attribute::SupportedControl, texts(&[PAGED, PASSWORD_POLICY, MANAGE_DSA_IT]));
    let extensions: &[&str] =
        if upgrades { &[START_TLS, WHO_AM_I, PASSWORD_MODIFY] } else { &[WHO_AM_I, PASSWORD_MODIFY] };
    entry.set(Attribute::SupportedExtension, texts(extensions));
    entry.set(Attribute::SupportedFeatures, texts(&FEATURES));
    entry.set_one(Attribute::SupportedLdapVersion, "3");
    entry.set_one(Attribute::SubschemaSubentry, SUBSCHEMA);
    entry.set_one(Attribute::VendorName, "Matricula");
    entry.set_one(Attribute::VendorVersion, env!("CARGO_PKG_VERSION"));
    entry
}

/// The schema.
pub(crate) fn subschema() -> Entry {
    let mut entry = Entry::new(SUBSCHEMA.to_owned());
    entry.set(Attribute::ObjectClass, texts(&["top", "subschema"]));
    entry.set_one(Attribute::Cn, "Subschema");
    entry.set_one(Attribute::SubschemaSubentry, SUBSCHEMA);
    // Clients keep a schema until this time changes.
    let since = time_text(jiff::Timestamp::constant(1_796_083_200, 0));
    entry.set_one(Attribute::CreateTimestamp, since.clone());
    entry.set_one(Attribute::ModifyTimestamp, since);
    entry.set(Attribute::AttributeTypes, schema::attribute_types());
    entry.set(Attribute::ObjectClasses, schema::object_classes());
    entry.set(Attribute::MatchingRules, schema::matching_rules());
    entry.set(Attribute::LdapSyntaxes, schema::syntaxes());
    entry
}

/// Appends the entry if the filter matches it.
pub(crate) fn answer(out: &mut Vec<u8>, id: i32, search: &Search<'_>, entry: &Entry) -> Outcome {
    let filter = match Filter::decode(search.filter, &crate::dn::Dn::default()) {
        Ok(filter) => filter,
        Err(why) => return Outcome::new(crate::code::Code::ProtocolError, why.to_string()),
    };
    if filter.matches(entry) == Some(true) {
        let selection = Selection::of(search.attributes(), search.types_only);
        // Clients expect what the root DSE is for without asking for it by name.
        let all = if selection.user { Attributes::ALL } else { selection.attributes() };
        message::respond(out, id, |writer| {
            entry::write(writer, entry, |attribute| all.has(attribute), search.types_only);
        });
    }
    Outcome::OK
}
