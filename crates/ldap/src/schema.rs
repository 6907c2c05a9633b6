//! The attribute types that entries have, and how their values compare.

pub mod dn;
mod published;

use directory::EmailAddress;
use directory::address::fold;
use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::Offset;

pub(crate) use published::{attribute_types, is_equality, matching_rules, object_classes, syntaxes};

/// How the values of an attribute compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Text without case; blanks around it do not count, and several within count as one.
    Text,
    /// Text with case.
    Exact,
    /// An e-mail address; what is none compares as text.
    Address,
    /// A telephone number: as text, without blanks and hyphens.
    Telephone,
    /// A distinguished name.
    Dn,
    /// A UUID.
    Uuid,
    /// A whole number.
    Integer,
    /// A time.
    Time,
    /// The name of an object class or an attribute type.
    Oid,
    /// `TRUE` or `FALSE`.
    Boolean,
}

/// A value in the form in which it compares.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// Of a text.
    Text(String),
    /// Of a number, or of a time in milliseconds since 1970.
    Number(i64),
}

/// What is known about an attribute type.
pub struct Type {
    /// The name that entries use.
    pub name: &'static str,
    /// Further names.
    pub others: &'static [&'static str],
    /// Its object identifier.
    pub oid: &'static str,
    /// How its values compare.
    pub rule: Rule,
    /// Whether it has one value.
    pub is_single: bool,
    /// Whether it is an operational attribute, given only to those who ask for it.
    pub is_operational: bool,
}

macro_rules! attributes {
    ($( $name:ident = $text:literal $others:tt $oid:literal $rule:ident $count:ident $usage:ident; )*) => {
        /// An attribute type.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Attribute { $(
            #[doc = concat!("`", $text, "`")]
            $name,
        )* }

        impl Attribute {
            /// All of them.
            pub const ALL: &[Attribute] = &[ $( Attribute::$name, )* ];

            /// What is known about it.
            pub const fn of(self) -> &'static Type {
                match self { $(
                    Attribute::$name => &Type {
                        name: $text,
                        others: &$others,
                        oid: $oid,
                        rule: Rule::$rule,
                        is_single: attributes!(@$count),
                        is_operational: attributes!(@$usage),
                    },
                )* }
            }
        }
    };
    (@one) => { true };
    (@many) => { false };
    (@operational) => { true };
    (@user) => { false };
}

attributes! {
    ObjectClass = "objectClass" [] "2.5.4.0" Oid many user;
    Cn = "cn" ["commonName"] "2.5.4.3" Text many user;
    Sn = "sn" ["surname"] "2.5.4.4" Text many user;
    GivenName = "givenName" ["gn"] "2.5.4.42" Text many user;
    DisplayName = "displayName" [] "2.16.840.1.113730.3.1.241" Text one user;
    Uid = "uid" ["userid"] "0.9.2342.19200300.100.1.1" Address many user;
    Mail = "mail" ["rfc822Mailbox"] "0.9.2342.19200300.100.1.3" Address many user;
    Organization = "o" ["organizationName"] "2.5.4.10" Text many user;
    OrganizationalUnit = "ou" ["organizationalUnitName"] "2.5.4.11" Text many user;
    Dc = "dc" ["domainComponent"] "0.9.2342.19200300.100.1.25" Text one user;
    Description = "description" [] "2.5.4.13" Text many user;
    Title = "title" [] "2.5.4.12" Text many user;
    DepartmentNumber = "departmentNumber" [] "2.16.840.1.113730.3.1.2" Text many user;
    EmployeeNumber = "employeeNumber" [] "2.16.840.1.113730.3.1.3" Text one user;
    TelephoneNumber = "telephoneNumber" [] "2.5.4.20" Telephone many user;
    Mobile = "mobile" ["mobileTelephoneNumber"] "0.9.2342.19200300.100.1.41" Telephone many user;
    Office = "physicalDeliveryOfficeName" [] "2.5.4.19" Text many user;
    Member = "member" [] "2.5.4.31" Dn many user;
    UniqueMember = "uniqueMember" [] "2.5.4.50" Dn many user;
    UidNumber = "uidNumber" [] "1.3.6.1.1.1.1.0" Integer one user;
    GidNumber = "gidNumber" [] "1.3.6.1.1.1.1.1" Integer one user;
    Gecos = "gecos" [] "1.3.6.1.1.1.1.2" Text one user;
    HomeDirectory = "homeDirectory" [] "1.3.6.1.1.1.1.3" Exact one user;
    LoginShell = "loginShell" [] "1.3.6.1.1.1.1.4" Exact one user;
    MemberOf = "memberOf" [] "1.2.840.113556.1.2.102" Dn many operational;
    IsMemberOf = "isMemberOf" [] "1.3.6.1.4.1.42.2.27.9.1.792" Dn many operational;
    EntryUuid = "entryUUID" [] "1.3.6.1.1.16.4" Uuid one operational;
    EntryDn = "entryDN" [] "1.3.6.1.1.20" Dn one operational;
    CreateTimestamp = "createTimestamp" [] "2.5.18.1" Time one operational;
    ModifyTimestamp = "modifyTimestamp" [] "2.5.18.2" Time one operational;
    PwdChangedTime = "pwdChangedTime" [] "1.3.6.1.4.1.42.2.27.8.1.16" Time one operational;
    NsAccountLock = "nsAccountLock" [] "2.16.840.1.113730.3.1.610" Boolean one operational;
    StructuralObjectClass = "structuralObjectClass" [] "2.5.21.9" Oid one operational;
    HasSubordinates = "hasSubordinates" [] "2.5.18.9" Boolean one operational;
    SubschemaSubentry = "subschemaSubentry" [] "2.5.18.10" Dn one operational;
    NamingContexts = "namingContexts" [] "1.3.6.1.4.1.1466.101.120.5" Dn many operational;
    DefaultNamingContext = "defaultNamingContext" [] "1.2.840.113556.1.4.903" Dn one operational;
    SupportedControl = "supportedControl" [] "1.3.6.1.4.1.1466.101.120.13" Oid many operational;
    SupportedExtension = "supportedExtension" [] "1.3.6.1.4.1.1466.101.120.7" Oid many operational;
    SupportedFeatures = "supportedFeatures" [] "1.3.6.1.4.1.4203.1.3.5" Oid many operational;
    SupportedLdapVersion = "supportedLDAPVersion" [] "1.3.6.1.4.1.1466.101.120.15" Integer many operational;
    VendorName = "vendorName" [] "1.3.6.1.1.4" Exact one operational;
    VendorVersion = "vendorVersion" [] "1.3.6.1.1.5" Exact one operational;
    AttributeTypes = "attributeTypes" [] "2.5.21.5" Exact many operational;
    ObjectClasses = "objectClasses" [] "2.5.21.6" Exact many operational;
    MatchingRules = "matchingRules" [] "2.5.21.4" Exact many operational;
    LdapSyntaxes = "ldapSyntaxes" [] "1.3.6.1.4.1.1466.101.120.16" Exact many operational;
}

impl Attribute {
    /// The attribute type with this name or object identifier, in any case. A description with options names none.
    pub fn named(name: &str) -> Option<Self> {
        let names = |attribute: &Self| {
            let kind = attribute.of();
            let is = |other: &&str| other.eq_ignore_ascii_case(name);
            is(&kind.name) || kind.others.iter().any(is) || kind.oid == name
        };
        Self::ALL.iter().copied().find(names)
    }
}

impl Rule {
    /// A value in the form in which it compares; `None`: it is no value of this kind.
    pub fn key(self, value: &str) -> Option<Key> {
        match self {
            Rule::Text => Some(Key::Text(prepared(value))),
            Rule::Exact => Some(Key::Text(value.to_owned())),
            Rule::Address => Some(Key::Text(address_key(value))),
            Rule::Telephone => Some(Key::Text(telephone(value))),
            Rule::Dn => dn::Dn::parse(value).ok().map(|dn| Key::Text(dn.key())),
            Rule::Uuid => uuid::Uuid::try_parse(value.trim()).ok().map(|id| Key::Text(id.to_string())),
            Rule::Integer => value.trim().parse().ok().map(Key::Number),
            Rule::Time => time(value.trim()).map(|time| Key::Number(time.as_millisecond())),
            Rule::Oid => Some(Key::Text(value.trim().to_ascii_lowercase())),
            Rule::Boolean => {
                let value = value.trim().to_ascii_uppercase();
                matches!(&*value, "TRUE" | "FALSE").then_some(Key::Text(value))
            }
        }
    }

    /// Whether values can be compared by order.
    pub fn has_order(self) -> bool {
        matches!(self, Rule::Integer | Rule::Time | Rule::Text | Rule::Exact)
    }

    /// Whether parts of values can be searched for.
    pub fn has_parts(self) -> bool {
        matches!(self, Rule::Text | Rule::Exact | Rule::Address | Rule::Telephone)
    }

    /// A part of a value, as it is searched for. Blanks at its ends count.
    pub fn part(self, part: &str) -> String {
        match self {
            Rule::Exact => part.to_owned(),
            Rule::Telephone => telephone(part),
            _ => collapsed(&fold(part)),
        }
    }

    /// The text in which parts are searched for.
    pub fn whole(self, value: &str) -> String {
        match self {
            Rule::Exact => value.to_owned(),
            Rule::Telephone => self.part(value),
            _ => prepared(value),
        }
    }
}

/// Without case, and without blanks that do not count (RFC 4518).
pub(crate) fn prepared(value: &str) -> String {
    collapsed(&fold(value.trim()))
}

/// Without case, blanks and hyphens. Folded last: what stood around a blank may become one letter.
fn telephone(value: &str) -> String {
    fold(&value.chars().filter(|c| !c.is_whitespace() && *c != '-').collect::<String>())
}

fn collapsed(text: &str) -> String {
    if !text.contains("  ") {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != ' ' || !out.ends_with(' ') {
            out.push(c);
        }
    }
    out
}

/// The key of an address as `local@domain`, so that domains in Unicode and in ASCII are equal; of other text as of text.
fn address_key(value: &str) -> String {
    match EmailAddress::stored(value.trim()) {
        Ok(address) => {
            let (domain, local) = address.key().split_once('@').unwrap_or_default();
            format!("{local}@{domain}")
        }
        Err(_) => prepared(value),
    }
}

/// Reads a generalized time (RFC 4517, 3.3.13). A fraction of a second is rounded down to milliseconds.
pub fn time(text: &str) -> Option<Timestamp> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    let part = |range: std::ops::Range<usize>| number.get(range)?.parse::<i8>().ok();
    let day = date(number.get(..4)?.parse().ok()?, 1, 1);
    let day = day.with().month(part(4..6)?).day(part(6..8)?).build().ok()?;
    let (minute, second) = match digits {
        10 => (0, 0),
        12 => (part(10..12)?, 0),
        14 => (part(10..12)?, part(12..14)?),
        _ => return None,
    };
    let (fraction, zone) = match rest.strip_prefix(['.', ',']) {
        Some(rest) => rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count()),
        None => ("", rest),
    };
    let clock = jiff::civil::Time::new(part(8..10)?, minute, second.min(59), 0).ok()?;
    let local = day.to_datetime(clock);
    let time = zone_of(zone)?.to_timestamp(local).ok()?;
    let unit = match digits {
        10 => 3_600_000_f64,
        12 => 60_000_f64,
        _ => 1_000_f64,
    };
    let more = if fraction.is_empty() { 0.0 } else { format!("0.{fraction}").parse::<f64>().ok()? * unit };
    #[expect(clippy::cast_possible_truncation, reason = "a fraction of an hour in milliseconds")]
    time.checked_add(jiff::SignedDuration::from_millis(more as i64)).ok()
}

fn zone_of(zone: &str) -> Option<Offset> {
    if zone == "Z" {
        return Some(Offset::UTC);
    }
    let sign = if zone.strip_prefix('-').is_some() { -1 } else { 1 };
    let digits = zone.strip_prefix(['+', '-'])?;
    let is_whole = matches!(digits.len(), 2 | 4) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let hours: i32 = digits.get(..2).filter(|_| is_whole)?.parse().ok()?;
    let minutes: i32 = if digits.len() == 4 { digits[2..].parse().ok()? } else { 0 };
    Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok()
}

/// A time as entries have it.
pub fn time_text(time: Timestamp) -> String {
    time.strftime("%Y%m%d%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn names_are_found_in_any_case_and_by_their_numbers() {
        for attribute in Attribute::ALL {
            let kind = attribute.of();
            let names = [kind.name, kind.oid].into_iter().chain(kind.others.iter().copied());
            for name in names {
                assert_eq!(Attribute::named(name), Some(*attribute));
                assert_eq!(Attribute::named(&name.to_uppercase()), Some(*attribute));
            }
        }
        assert_eq!(Attribute::named("cn;lang-de"), None);
        assert_eq!(Attribute::named("userPassword"), None);
    }

    #[rstest]
    #[case(Rule::Text, " Ann  Lee ", "ann lee")]
    #[case(Rule::Text, "A\u{30a}SA", "åsa")]
    #[case(Rule::Exact, "/Home/A", "/Home/A")]
    #[case(Rule::Address, "Ann@BÜCHER.example", "ann@xn--bcher-kva.example")]
    #[case(Rule::Address, " Ann ", "ann")]
    #[case(Rule::Telephone, "+44 20-7946", "+44207946")]
    #[case(Rule::Telephone, "A \u{307}", "ȧ")]
    #[case(Rule::Dn, "CN=Sales , OU=Groups,DC=x", "cn=sales,ou=groups,dc=x")]
    #[case(Rule::Oid, "inetOrgPerson", "inetorgperson")]
    #[case(Rule::Boolean, "true", "TRUE")]
    fn values_compare_by_their_key(#[case] rule: Rule, #[case] value: &str, #[case] key: &str) {
        assert_eq!(rule.key(value), Some(Key::Text(key.to_owned())));
    }

    #[rstest]
    #[case("20261130181905Z", Some(1_796_062_745_000))]
    #[case("20261130181905.5Z", Some(1_796_062_745_500))]
    #[case("20261130191905+0100", Some(1_796_062_745_000))]
    #[case("202611301819Z", Some(1_796_062_740_000))]
    #[case("2026113018Z", Some(1_796_061_600_000))]
    #[case("2026113018.25Z", Some(1_796_062_500_000))]
    #[case("20261130181905", None)]
    #[case("20261330181905Z", None)]
    #[case("2026-11-30T18:19:05Z", None)]
    #[case("", None)]
    fn times_are_read(#[case] text: &str, #[case] millis: Option<i64>) {
        assert_eq!(Rule::Time.key(text), millis.map(Key::Number));
        if let Some(time) = time(text).filter(|_| text == "20261130181905Z") {
            assert_eq!(time_text(time), text);
        }
    }

    #[test]
    fn what_is_no_value_has_no_key() {
        for (rule, value) in
            [(Rule::Dn, "no name"), (Rule::Uuid, "x"), (Rule::Integer, "1x"), (Rule::Boolean, "yes")]
        {
            assert_eq!(rule.key(value), None);
        }
    }

    proptest::proptest! {
        /// What compares is in the form in which it compares.
        #[test]
        fn a_key_is_its_own_key(text in "[aA\u{307}Σς \u{130}ǅ@.,=+#\u{2000}-]{0,12}|\\PC{0,12}") {
            for rule in [Rule::Text, Rule::Address, Rule::Telephone, Rule::Dn, Rule::Oid] {
                if let Some(Key::Text(key)) = rule.key(&text) {
                    proptest::prop_assert_eq!(rule.key(&key), Some(Key::Text(key)), "{:?}", rule);
                }
            }
        }
    }
}
