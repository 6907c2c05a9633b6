use super::*;
use directory::AccountId;
use directory::ldap::Root;
use proptest::prelude::*;

fn tree() -> Tree {
    let root = Root {
        account: AccountId::from_bytes([1; 16]),
        name: String::new(),
        base: Some("dc=x".to_owned()),
        domains: Vec::new(),
        places: ["a.example", "b.example"].map(str::to_owned).to_vec(),
    };
    Tree::of(root).unwrap()
}

fn equal(attribute: Attribute, value: &str) -> Filter {
    Filter::Equal(attribute, attribute.of().rule.key(value).unwrap())
}

fn keys(names: &[&str]) -> People {
    People::Spans(names.iter().map(|name| Span::Key((*name).to_owned())).collect())
}

#[test]
fn the_best_condition_of_all_is_read() {
    let tree = tree();
    let person = equal(Attribute::ObjectClass, "Person");
    let ann = equal(Attribute::Uid, "Ann");
    let both = Filter::And(vec![person.clone(), ann.clone()]);
    assert_eq!(people(&both, &tree), keys(&["a.example@ann", "b.example@ann"]));
    let sales = equal(Attribute::MemberOf, "cn=Sales,ou=groups,dc=x");
    let members = Filter::And(vec![person.clone(), sales.clone()]);
    assert_eq!(people(&members, &tree), People::Members(vec![GroupRef::Name("sales".to_owned())]));
    let user = Filter::And(vec![sales, ann.clone(), person.clone()]);
    assert_eq!(people(&user, &tree), keys(&["a.example@ann", "b.example@ann"]));
    let mail = equal(Attribute::Mail, "Ann@A.example");
    let either = Filter::Or(vec![mail, equal(Attribute::Uid, "bob@b.example")]);
    assert_eq!(people(&either, &tree), keys(&["a.example@ann", "b.example@bob"]));
    // What no index finds makes the whole list necessary; what matches nobody does not.
    let other = Filter::Or(vec![ann.clone(), equal(Attribute::Sn, "x")]);
    assert_eq!(people(&other, &tree), People::All);
    let other = Filter::Or(vec![ann, equal(Attribute::OrganizationalUnit, "x"), Filter::Undefined]);
    assert_eq!(people(&other, &tree), keys(&["a.example@ann", "b.example@ann"]));
    assert_eq!(groups(&person, &tree), Groups::Nobody);
    assert_eq!(people(&Filter::Not(Box::new(person)), &tree), People::All);
    assert_eq!(people(&Filter::And(Vec::new()), &tree), People::All);
    assert_eq!(people(&Filter::Or(Vec::new()), &tree), People::Nobody);
}

/// Conditions that unlike indexes answer are read in one list, with one part for each index.
#[test]
fn one_thing_or_another_is_read_by_several_indexes() {
    let tree = tree();
    let (uid, id) = (equal(Attribute::Uid, "ann@a.example"), equal(Attribute::EntryUuid, ANN));
    let sales = equal(Attribute::MemberOf, "cn=Sales,ou=groups,dc=x");
    let inner = Filter::Or(vec![equal(Attribute::Mail, "lee@b.example"), sales]);
    let either = Filter::Or(vec![uid, id.clone(), inner]);
    let ids = People::Ids([ANN.parse().unwrap()].into());
    let members = People::Members(vec![GroupRef::Name("sales".to_owned())]);
    let all = People::Any(vec![keys(&["a.example@ann", "b.example@lee"]), ids.clone(), members]);
    assert_eq!(people(&either, &tree), all);
    let both = Filter::And(vec![either.clone(), id]);
    assert_eq!(people(&both, &tree), ids);
    let or_all = Filter::Or(vec![either, equal(Attribute::ObjectClass, "person")]);
    assert_eq!(people(&or_all, &tree), People::All);
}

#[test]
fn names_are_found_by_their_first_word() {
    let tree = tree();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(people(&equal(Attribute::Cn, "Ann  Lee"), &tree), People::Words(words(&["ann"]), [].into()));
    let first = |text: &str| Parts { first: Some(text.to_owned()), ..Parts::default() };
    let either = Filter::Or(vec![
        Filter::Parts(Attribute::DisplayName, first("le")),
        Filter::Parts(Attribute::Cn, first("an")),
        equal(Attribute::Mail, "le@a.example"),
    ]);
    let key = Span::Key("a.example@le".to_owned());
    assert_eq!(people(&either, &tree), People::Words(words(&["an", "le"]), [key].into()));
    for text in ["(", "", "a@b"] {
        assert_eq!(people(&equal(Attribute::Cn, text), &tree), People::All, "{text}");
    }
}

#[test]
fn parts_of_addresses_are_ranges() {
    let tree = tree();
    let parts = |first: Option<&str>, last: Option<&str>| {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let parts = Parts { first: own(first), any: Vec::new(), last: own(last) };
        people(&Filter::Parts(Attribute::Mail, parts), &tree)
    };
    let range = |low: &str, high: &str| Span::Range(low.to_owned(), high.to_owned());
    assert_eq!(parts(None, Some("@b.example")), People::Spans([range("b.example@", "b.exampleA")].into()));
    let max = char::MAX;
    let ann = ["a", "b"].map(|d| range(&format!("{d}.example@ann"), &format!("{d}.example@ann{max}")));
    assert_eq!(parts(Some("ann"), None), People::Spans(ann.into()));
    assert_eq!(parts(None, Some("example")), People::All);
    assert_eq!(parts(Some("@"), None), People::All);
}

#[test]
fn groups_are_found_by_name_and_member() {
    let tree = tree();
    let class = equal(Attribute::ObjectClass, "groupOfUniqueNames");
    let names = Filter::Or(vec![equal(Attribute::Cn, "A"), equal(Attribute::Cn, "b")]);
    let both = Filter::And(vec![Filter::Or(vec![class.clone()]), names]);
    assert_eq!(groups(&both, &tree), Groups::Names(["a".to_owned(), "b".to_owned()].into()));
    let member = equal(Attribute::UniqueMember, "uid=ann@a.example,ou=people,dc=x");
    let of_ann = Filter::And(vec![class, member.clone()]);
    assert!(matches!(groups(&of_ann, &tree), Groups::Of(UserName::Address(_))));
    assert_eq!(only_member(&of_ann), Some("uid=ann@a.example,ou=people,dc=x"));
    let other = equal(Attribute::Member, "uid=bob@a.example,ou=people,dc=x");
    assert_eq!(only_member(&Filter::And(vec![member, other])), None);
}

fn condition() -> impl Strategy<Value = Filter> {
    prop_oneof![
        Just(equal(Attribute::Uid, "ann")),
        Just(equal(Attribute::Uid, "ann@a.example")),
        Just(equal(Attribute::Mail, "lee@b.example")),
        Just(equal(Attribute::Mail, "bob@b.example")),
        Just(equal(Attribute::ObjectClass, "person")),
        Just(equal(Attribute::ObjectClass, "groupOfNames")),
        Just(equal(Attribute::Cn, "Ann Lee")),
        Just(Filter::Present(Attribute::OrganizationalUnit)),
        Just(Filter::Parts(
            Attribute::Mail,
            Parts { last: Some("@a.example".to_owned()), ..Parts::default() }
        )),
        Just(Filter::Parts(Attribute::Uid, Parts { first: Some("le".to_owned()), ..Parts::default() })),
        Just(Filter::Undefined),
        Just(equal(Attribute::EntryUuid, ANN)),
        Just(equal(Attribute::EntryUuid, "00000000-0000-0000-0000-000000000002")),
        Just(equal(Attribute::UidNumber, "100001")),
    ]
}

const ANN: &str = "00000000-0000-0000-0000-000000000001";

/// Whether ann is among those that are read.
fn reads_ann(plan: &People) -> bool {
    let has = |span: &Span| {
        ["a.example@ann", "b.example@lee"].iter().any(|key| match span {
            Span::Key(own) => own == key,
            Span::Range(low, high) => low.as_str() <= *key && *key < high.as_str(),
        })
    };
    match plan {
        People::All => true,
        People::Spans(spans) => spans.iter().any(has),
        People::Words(words, spans) => {
            words.iter().any(|word| "ann".starts_with(word.as_str())) || spans.iter().any(has)
        }
        People::Ids(ids) => ids.iter().any(|id| id.to_string() == ANN),
        People::Numbers(numbers) => numbers.contains(&100_001),
        People::Any(parts) => parts.iter().any(reads_ann),
        People::Nobody | People::Members(_) | People::Since(_) => false,
    }
}

proptest! {
    /// A user who matches is among those that are read.
    #[test]
    fn candidates_are_never_fewer_than_matches(
        filter in condition().prop_recursive(4, 20, 4, |inner| prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Filter::Or),
            inner.prop_map(|one| Filter::Not(Box::new(one))),
        ])
    ) {
        let mut ann = crate::entry::Entry::new("uid=ann@a.example,ou=people,dc=x".to_owned());
        ann.set(Attribute::ObjectClass, PERSON.map(str::to_owned).to_vec());
        ann.set(Attribute::Uid, vec!["ann@a.example".to_owned(), "ann".to_owned()]);
        ann.set(Attribute::Mail, vec!["ann@a.example".to_owned(), "lee@b.example".to_owned()]);
        ann.set_one(Attribute::Cn, "Ann Lee");
        ann.set_one(Attribute::EntryUuid, ANN);
        ann.set_one(Attribute::UidNumber, "100001");
        if filter.matches(&ann) == Some(true) {
            prop_assert!(reads_ann(&people(&filter, &tree())), "{filter:?}");
        }
    }
}
