//! PATCH compared with a naive model: random operations on a small user.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::super::{Patch, USER, read};

#[derive(Clone, Debug, PartialEq)]
struct Email {
    value: String,
    kind: Option<String>,
    primary: Option<bool>,
}

/// The sub-attributes of an operation's value.
#[derive(Clone, Debug)]
struct Parts {
    value: Option<String>,
    kind: Option<String>,
    primary: Option<bool>,
}

#[derive(Clone, Debug)]
enum Operation {
    Title(Option<String>),
    Add(Vec<Email>),
    ReplaceAll(Vec<Email>),
    RemoveNamed(Vec<Email>),
    /// At `emails[type eq …]`.
    SetValue(String, Option<String>),
    ReplaceElement(String, Email),
    AddToElement(String, Parts),
    RemoveElement(String),
}

#[derive(Clone, Debug, Default)]
struct User {
    title: Option<String>,
    emails: Vec<Email>,
}

fn same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

fn same_kind(a: Option<&String>, b: Option<&String>) -> bool {
    a.map(|kind| kind.to_lowercase()) == b.map(|kind| kind.to_lowercase())
}

fn is_equal(a: &Email, b: &Email) -> bool {
    same(&a.value, &b.value) && same_kind(a.kind.as_ref(), b.kind.as_ref())
}

/// Keeps the first of equal elements, and the primary flag.
fn unique(emails: Vec<Email>) -> Vec<Email> {
    let mut kept: Vec<Email> = Vec::new();
    for email in emails {
        match kept.iter_mut().find(|one| is_equal(one, &email)) {
            Some(one) if email.primary == Some(true) => one.primary = Some(true),
            Some(_) => {}
            None => kept.push(email),
        }
    }
    kept
}

impl User {
    fn apply(&mut self, operation: &Operation) {
        let has_kind = |email: &Email, kind: &str| email.kind.as_ref().is_some_and(|own| same(own, kind));
        match operation {
            Operation::Title(title) => self.title = title.clone(),
            Operation::Add(new) => new.iter().for_each(|email| self.add(email)),
            Operation::ReplaceAll(new) => self.emails = new.clone(),
            Operation::RemoveNamed(named) => self.emails.retain(|email| {
                let is_named = |one: &Email| match one.kind {
                    Some(_) => is_equal(one, email),
                    None => same(&one.value, &email.value),
                };
                !named.iter().any(is_named)
            }),
            Operation::RemoveElement(kind) | Operation::SetValue(kind, None) => {
                self.emails.retain(|email| !has_kind(email, kind));
            }
            Operation::SetValue(kind, Some(value)) => {
                let parts = Parts { value: Some(value.clone()), kind: None, primary: None };
                self.change(kind, &parts, |email| email.value.clone_from(value));
            }
            Operation::ReplaceElement(kind, new) => {
                let parts =
                    Parts { value: Some(new.value.clone()), kind: new.kind.clone(), primary: new.primary };
                self.change(kind, &parts, |email| {
                    *email = Email { kind: new.kind.clone().or(Some(kind.clone())), ..new.clone() };
                });
            }
            Operation::AddToElement(kind, parts) => self.change(kind, parts, |email| {
                email.value = parts.value.clone().unwrap_or(email.value.clone());
                email.kind = parts.kind.clone().or(email.kind.clone());
                email.primary = parts.primary.or(email.primary);
            }),
        }
    }

    fn add(&mut self, email: &Email) {
        match self.emails.iter().position(|one| is_equal(one, email)) {
            Some(place) => self.emails[place].primary = email.primary.or(self.emails[place].primary),
            None => self.emails.push(email.clone()),
        }
        if email.primary == Some(true) {
            for other in self.emails.iter_mut().filter(|one| !is_equal(one, email)) {
                other.primary = other.primary.map(|_| false);
            }
        }
    }

    fn change(&mut self, kind: &str, parts: &Parts, change: impl Fn(&mut Email)) {
        let matches = |email: &Email| email.kind.as_ref().is_some_and(|own| same(own, kind));
        let mut places: Vec<usize> = (0..self.emails.len()).filter(|&n| matches(&self.emails[n])).collect();
        if places.is_empty() {
            places.push(self.emails.len());
            let value = parts.value.clone().unwrap_or_default();
            self.emails.push(Email { value, kind: Some(kind.to_owned()), primary: None });
        }
        places.iter().for_each(|&place| change(&mut self.emails[place]));
        let primary = places.into_iter().rfind(|&place| self.emails[place].primary == Some(true));
        for (place, email) in self.emails.iter_mut().enumerate() {
            if primary.is_some_and(|primary| primary != place) {
                email.primary = email.primary.map(|_| false);
            }
        }
        self.emails = unique(std::mem::take(&mut self.emails));
    }

    fn json(&self) -> Map<String, Value> {
        let emails: Vec<Value> = self.emails.iter().map(Email::json).collect();
        let body = json!({ "userName": "a", "title": self.title, "emails": emails });
        read(body, &USER).unwrap().fields
    }
}

impl Email {
    fn json(&self) -> Value {
        json!({ "value": self.value, "type": self.kind, "primary": self.primary })
    }
}

impl Operation {
    fn json(&self) -> Value {
        let list = |emails: &[Email]| -> Value { emails.iter().map(Email::json).collect() };
        let at = |kind: &str| format!("emails[type eq \"{kind}\"]");
        match self {
            Self::Title(title) => json!({ "op": "replace", "path": "title", "value": title }),
            Self::Add(new) => json!({ "op": "Add", "path": "emails", "value": list(new) }),
            Self::ReplaceAll(new) => json!({ "op": "replace", "value": { "emails": list(new) } }),
            Self::RemoveNamed(named) => json!({ "op": "remove", "path": "emails", "value": list(named) }),
            Self::SetValue(kind, value) => {
                json!({ "op": "add", "path": format!("{}.value", at(kind)), "value": value })
            }
            Self::ReplaceElement(kind, new) => {
                json!({ "op": "replace", "path": at(kind), "value": new.json() })
            }
            Self::AddToElement(kind, parts) => {
                let value = json!({ "value": parts.value, "type": parts.kind, "primary": parts.primary });
                json!({ "op": "add", "path": at(kind), "value": value })
            }
            Self::RemoveElement(kind) => json!({ "op": "remove", "path": at(kind) }),
        }
    }
}

fn values() -> impl Strategy<Value = String> {
    select(vec!["a", "A", "b", "c", "É", "é"]).prop_map(str::to_owned)
}

fn kinds() -> impl Strategy<Value = String> {
    select(vec!["work", "WORK", "home"]).prop_map(str::to_owned)
}

fn emails() -> impl Strategy<Value = Vec<Email>> {
    let email = (values(), prop::option::of(kinds()), any::<Option<bool>>());
    let email = email.prop_map(|(value, kind, primary)| Email { value, kind, primary });
    prop::collection::vec(email, 1..4).prop_map(|emails| {
        let mut emails = unique(emails);
        // A list in a request has at most one primary element.
        let first = emails.iter().position(|email| email.primary == Some(true));
        for (place, email) in emails.iter_mut().enumerate() {
            email.primary = email.primary.map(|primary| primary && Some(place) == first);
        }
        emails
    })
}

fn operations() -> impl Strategy<Value = Operation> {
    // The type is that of the filter: an element of another type would not be created.
    let parts = (prop::option::of(values()), any::<bool>(), any::<Option<bool>>());
    prop_oneof![
        prop::option::of(values()).prop_map(Operation::Title),
        emails().prop_map(Operation::Add),
        emails().prop_map(Operation::ReplaceAll),
        emails().prop_map(Operation::RemoveNamed),
        (kinds(), prop::option::of(values())).prop_map(|(kind, value)| Operation::SetValue(kind, value)),
        (kinds(), emails()).prop_map(|(kind, emails)| {
            Operation::ReplaceElement(kind, Email { kind: None, ..emails[0].clone() })
        }),
        (kinds(), parts).prop_map(|(kind, (value, has_kind, primary))| {
            let (value, own) = (value.or(Some("d".to_owned())), has_kind.then(|| kind.clone()));
            Operation::AddToElement(kind, Parts { value, kind: own, primary })
        }),
        kinds().prop_map(Operation::RemoveElement),
    ]
}

proptest! {
    #[test]
    fn a_patch_does_what_the_model_does(operations in prop::collection::vec(operations(), 1..8)) {
        let mut model = User::default();
        let mut current = model.json();
        for operation in &operations {
            model.apply(operation);
        }
        let body: Vec<Value> = operations.iter().map(Operation::json).collect();
        let whole = Patch::read(json!({ "Operations": body }), &USER).unwrap().apply(&current).unwrap();
        prop_assert_eq!(&whole.resource, &model.json());
        // One request for each operation has the same result.
        for operation in &operations {
            let body = json!({ "Operations": [operation.json()] });
            current = Patch::read(body, &USER).unwrap().apply(&current).unwrap().resource;
        }
        prop_assert_eq!(&current, &whole.resource);
        prop_assert_eq!(&read(Value::Object(current.clone()), &USER).unwrap().fields, &current);
    }
}
