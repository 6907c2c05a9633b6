//! Properties of every message, filter and distinguished name of LDAP.

use matricula_ldap::dn::Dn;
use matricula_ldap::entry::{Entry, Selection};
use matricula_ldap::filter::Filter;
use matricula_ldap::message::{Request, decode};
use matricula_ldap::schema::Attribute;

/// A message is read, or refused in one line. What is read of a search can be used.
pub fn ldap_message(input: &[u8]) {
    match decode(input) {
        Ok(message) => {
            assert!(message.id >= 0);
            if let Request::Search(search) = &message.request {
                let selection = Selection::of(search.attributes(), search.types_only);
                assert!(selection.user || search.attributes().count() > 0);
                ldap_filter(search.filter);
                ldap_dn(search.base.as_bytes());
            }
        }
        Err(error) => assert!(!error.to_string().contains(char::is_control)),
    }
}

/// A filter has one outcome, and its opposite the opposite one; it looks only at the attributes that it names.
pub fn ldap_filter(input: &[u8]) {
    let groups = Dn::parse("ou=groups,dc=example,dc=com").unwrap_or_default();
    let filter = match Filter::decode(input, &groups) {
        Ok(filter) => filter,
        Err(error) => return assert!(!error.to_string().contains(char::is_control)),
    };
    let mut named = Vec::new();
    filter.attributes(&mut |attribute| named.push(attribute));
    let (mut whole, mut part) = (Entry::new("uid=ann".to_owned()), Entry::new("uid=ann".to_owned()));
    for (attribute, value) in [
        (Attribute::ObjectClass, "inetOrgPerson"),
        (Attribute::Uid, "Ann@bücher.example"),
        (Attribute::Cn, "Ann  Lee"),
        (Attribute::MemberOf, "cn=Sales\\, EMEA,ou=groups,dc=example,dc=com"),
        (Attribute::CreateTimestamp, "20261130181905Z"),
        (Attribute::UidNumber, "100001"),
        (Attribute::EntryUuid, "019e0000-0000-7000-8000-000000000000"),
    ] {
        whole.set_one(attribute, value);
        if named.contains(&attribute) {
            part.set_one(attribute, value);
        }
    }
    let outcome = filter.matches(&whole);
    assert_eq!(filter.matches(&part), outcome);
    assert_eq!(Filter::Not(Box::new(filter)).matches(&whole), outcome.map(|is| !is));
}

/// A name is read, written and read back as the same name; so is its key. Any value can be a part of a name.
pub fn ldap_dn(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    match Dn::parse(text) {
        Ok(dn) => {
            let (written, key) = (dn.to_string(), dn.key());
            for text in [&written, &key] {
                // Written with escapes, a name near the limit may be beyond it.
                if let Ok(again) = Dn::parse(text) {
                    assert_eq!(again.key(), key, "{text}");
                }
            }
        }
        Err(error) => assert!(!error.to_string().contains(char::is_control)),
    }
    if text.len() < 1_000 {
        let named = Dn::parse(&Dn::default().child("cn", text).to_string());
        let value = named.ok().and_then(|named| named.part(0).map(|pair| pair.value.clone()));
        assert_eq!(value.as_deref(), Some(text));
    }
}
