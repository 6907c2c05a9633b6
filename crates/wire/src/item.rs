//! Items of a request and rows of a response. Each is declared once: the declaration parses or renders it *and*
//! describes it in the OpenAPI document.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::secret_name::is_secret_name;
use crate::{Code, Error};

/// A field of an item or row, for the OpenAPI document.
pub struct FieldSpec {
    /// Its name on the wire.
    pub name: &'static str,
    /// Its description.
    pub doc: &'static str,
    /// In an item: whether it is mandatory. In a row: whether it is always present.
    pub required: bool,
    /// Whether it is a secret, which must never be shown.
    pub secret: bool,
    /// Its JSON schema.
    pub schema: fn() -> Value,
}

/// The type of an item's field.
pub trait Kind: Sized {
    /// The expected type for people, such as "text".
    const EXPECTED: &'static str;
    /// Whether it is wiped and never shown.
    const SECRET: bool = false;

    /// Parses a value; `None` for another type.
    fn read(value: Value) -> Option<Self>;

    /// Whether it is present but blank.
    fn is_blank(&self) -> bool {
        false
    }

    /// Serialises it for a request.
    ///
    /// # Errors
    /// Those of the serializer.
    fn send<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Its JSON schema.
    fn schema() -> Value;
}

/// A field of a request.
pub struct Sent<'a, K>(pub &'a K);

impl<K: Kind> Serialize for Sent<'_, K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.send(serializer)
    }
}

/// A typed entry of `data`.
pub trait Item: Sized {
    /// Its fields.
    const FIELDS: &'static [FieldSpec];

    /// Parses an entry; errors are collected in `fields`.
    fn read(fields: &mut Fields) -> Option<Self>;
}

/// A row of `data` in a response.
pub trait Row {
    /// Its fields.
    const FIELDS: &'static [FieldSpec];
}

/// An entry of `data`. Each succeeds or fails alone, so a wrong type is an error of the entry and not of the body.
pub struct Entry<I> {
    /// The entry without its secrets, for `fail[].key`.
    pub key: Map<String, Value>,
    /// The item, or all its errors.
    pub item: Result<I, Vec<Error>>,
}

impl<I: Item> Entry<I> {
    /// Parses an entry. Anything except an object is an entry without fields, so that the errors name its mandatory
    /// fields.
    pub fn read(value: Value) -> Self {
        let entry = match value {
            Value::Object(entry) => entry,
            _ => Map::new(),
        };
        let is_shown = |name: &str| match I::FIELDS.iter().find(|field| field.name == name) {
            Some(field) => !field.secret,
            // A password under a misspelt name is still a password.
            None => !is_secret_name(name),
        };
        let mut key = Map::with_capacity(entry.len());
        for (name, value) in entry.iter().filter(|(name, _)| is_shown(name)) {
            key.insert(name.clone(), value.clone());
        }
        let mut fields = Fields { entry, errors: Vec::new() };
        let item = I::read(&mut fields);
        Self {
            key,
            item: match item {
                Some(item) if fields.errors.is_empty() => Ok(item),
                _ => Err(fields.errors),
            },
        }
    }
}

/// A nested item, as a client sends it.
impl<I> From<I> for Entry<I> {
    fn from(item: I) -> Self {
        Self { key: Map::new(), item: Ok(item) }
    }
}

/// The fields of an entry during parsing.
pub struct Fields {
    entry: Map<String, Value>,
    errors: Vec<Error>,
}

impl Fields {
    /// An optional field. Null and missing are the same (spec/clients.md 3.6). The outer `None` is an error.
    pub fn optional<K: Kind>(&mut self, name: &'static str) -> Option<Option<K>> {
        let value = match self.entry.get_mut(name).map(Value::take) {
            None | Some(Value::Null) => return Some(None),
            Some(value) => value,
        };
        let found = kind(&value);
        let read = K::read(value);
        if read.is_none() {
            // Not the value: it may be a password in the wrong field.
            let found = match found {
                "a list" if K::EXPECTED.starts_with(found) => "a list of something else",
                "a number" if K::EXPECTED.starts_with(found) => "another number",
                _ => found,
            };
            let message = format!("Expected {}, found {found}", K::EXPECTED);
            self.errors.push(Error::in_field(Code::Type, name, message));
        }
        read.map(Some)
    }

    /// A mandatory field that may be null. It must be present, because a misspelt name must not mean null. The inner
    /// `None` is null.
    pub fn stated<K: Kind>(&mut self, name: &'static str) -> Option<Option<K>> {
        if self.entry.contains_key(name) {
            return self.optional(name);
        }
        let message = "This field is mandatory: send null or \"\" to remove what is set";
        self.errors.push(Error::in_field(Code::Null, name, message));
        None
    }

    /// A mandatory field that must not be blank.
    pub fn required<K: Kind>(&mut self, name: &'static str) -> Option<K> {
        let read = self.optional::<K>(name)?;
        let (code, message) = match &read {
            None => (Code::Null, "This field is mandatory"),
            Some(value) if value.is_blank() => (Code::Blank, "This field must not be blank"),
            Some(_) => return read,
        };
        self.errors.push(Error::in_field(code, name, message));
        None
    }
}

impl Kind for String {
    const EXPECTED: &'static str = "text";

    fn read(value: Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    fn is_blank(&self) -> bool {
        self.trim().is_empty()
    }

    fn send<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }

    fn schema() -> Value {
        json!({ "type": "string" })
    }
}

/// Text that is wiped when dropped.
impl Kind for SecretString {
    const EXPECTED: &'static str = "text";
    const SECRET: bool = true;

    fn read(value: Value) -> Option<Self> {
        String::read(value).map(SecretString::from)
    }

    fn is_blank(&self) -> bool {
        self.expose_secret().trim().is_empty()
    }

    /// A secret is serialised only in requests to a server.
    fn send<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose_secret())
    }

    fn schema() -> Value {
        json!({ "type": "string", "format": "password" })
    }
}

/// A boolean, also in quotes and in any case, as real clients send it (spec/protocol.md 1e).
impl Kind for bool {
    const EXPECTED: &'static str = "true or false";

    fn read(value: Value) -> Option<Self> {
        match value {
            Value::Bool(flag) => Some(flag),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    fn send<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(*self)
    }

    fn schema() -> Value {
        json!({ "type": "boolean" })
    }
}

/// A time such as `2015-11-16T14:49:18+0000`, as in the service (spec/protocol.md 1.11), or in RFC 3339.
impl Kind for Timestamp {
    const EXPECTED: &'static str = "a time like 2015-11-16T14:49:18+0000";

    fn read(value: Value) -> Option<Self> {
        let text = String::read(value)?;
        Timestamp::strptime(TIME, &text).or_else(|_| text.parse()).ok()
    }

    fn send<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&time(*self))
    }

    fn schema() -> Value {
        json!({ "type": "string", "example": "2015-11-16T14:49:18+0000" })
    }
}

/// The format of times in bodies (spec/protocol.md 1.11).
const TIME: &str = "%Y-%m-%dT%H:%M:%S%z";

/// Formats a time for a body.
pub fn time(at: Timestamp) -> String {
    at.strftime(TIME).to_string()
}

impl Kind for Vec<String> {
    const EXPECTED: &'static str = "a list of texts";

    fn read(value: Value) -> Option<Self> {
        match value {
            Value::Array(values) => values.into_iter().map(String::read).collect(),
            _ => None,
        }
    }

    fn is_blank(&self) -> bool {
        self.is_empty()
    }

    fn send<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }

    fn schema() -> Value {
        json!({ "type": "array", "items": { "type": "string" } })
    }
}

/// Nested entries.
impl<I: Item + Serialize> Kind for Vec<Entry<I>> {
    const EXPECTED: &'static str = "a list of objects";

    fn read(value: Value) -> Option<Self> {
        match value {
            Value::Array(values) if values.iter().all(Value::is_object) => {
                Some(values.into_iter().map(Entry::read).collect())
            }
            _ => None,
        }
    }

    fn is_blank(&self) -> bool {
        self.is_empty()
    }

    fn send<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().filter_map(|entry| entry.item.as_ref().ok()))
    }

    fn schema() -> Value {
        json!({ "type": "array", "items": object(I::FIELDS) })
    }
}

/// The JSON schema of a nullable field.
pub fn nullable<K: Kind>() -> Value {
    let mut schema = K::schema();
    schema["type"] = json!([schema["type"], "null"]);
    schema
}

/// The type of a row's field, for its JSON schema.
pub trait Shown {
    /// The schema.
    fn schema() -> Value;
}

macro_rules! shown {
    ($( $type:ty: $schema:tt; )*) => { $(
        impl Shown for $type {
            fn schema() -> Value {
                json!($schema)
            }
        }
    )* };
}

shown! {
    String: { "type": "string" };
    bool: { "type": "boolean" };
    u64: { "type": "integer", "minimum": 0 };
}

impl<T: Shown> Shown for Vec<T> {
    fn schema() -> Value {
        json!({ "type": "array", "items": T::schema() })
    }
}

/// The JSON schema of an object with these fields.
pub fn object(fields: &[FieldSpec]) -> Value {
    let described = |field: &FieldSpec| {
        let mut schema = (field.schema)();
        if let Value::Object(schema) = &mut schema {
            schema.insert("description".to_owned(), field.doc.trim().into());
        }
        (field.name.to_owned(), schema)
    };
    let properties: Map<String, Value> = fields.iter().map(described).collect();
    let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Declares an [`Item`]: `name: required Type = "wireName"`. `required` fields are errors if missing or blank;
/// `optional` ones are `Option`s; `judged` ones as well, but the rules require them; `stated` ones must be present but
/// may be null. Servers parse items, clients serialise them.
macro_rules! item {
    (@type required $kind:ty) => { $kind };
    (@type $need:ident $kind:ty) => { Option<$kind> };
    (@read $fields:ident required $kind:ty, $wire:literal) => { $fields.required::<$kind>($wire) };
    (@read $fields:ident stated $kind:ty, $wire:literal) => { $fields.stated::<$kind>($wire) };
    (@read $fields:ident $need:ident $kind:ty, $wire:literal) => { $fields.optional::<$kind>($wire) };
    (@send $map:ident required $wire:literal, $value:expr) => {
        serde::ser::SerializeMap::serialize_entry(&mut $map, $wire, &$crate::item::Sent(&$value))?
    };
    (@send $map:ident stated $wire:literal, $value:expr) => {
        serde::ser::SerializeMap::serialize_entry(&mut $map, $wire, &$value.as_ref().map($crate::item::Sent))?
    };
    (@send $map:ident $need:ident $wire:literal, $value:expr) => {
        if let Some(value) = &$value {
            serde::ser::SerializeMap::serialize_entry(&mut $map, $wire, &$crate::item::Sent(value))?;
        }
    };
    (@schema stated $kind:ty) => { $crate::item::nullable::<$kind> };
    (@schema $need:ident $kind:ty) => { <$kind as $crate::item::Kind>::schema };
    (@needed optional) => { false };
    (@needed $need:ident) => { true };
    ($( $(#[doc = $doc:literal])+ $vis:vis struct $Item:ident {
        $( $(#[doc = $field_doc:literal])+ $name:ident: $need:ident $kind:ty = $wire:literal, )*
    } )+) => { $(
        $(#[doc = $doc])+
        #[derive(Default)]
        $vis struct $Item { $( $(#[doc = $field_doc])+ pub $name: $crate::item::item!(@type $need $kind), )* }

        impl serde::Serialize for $Item {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(None)?;
                // An item may have no fields.
                let _ = &mut map;
                $( $crate::item::item!(@send map $need $wire, self.$name); )*
                serde::ser::SerializeMap::end(map)
            }
        }

        impl $crate::item::Item for $Item {
            const FIELDS: &'static [$crate::item::FieldSpec] = &[ $( $crate::item::FieldSpec {
                name: $wire,
                doc: concat!($($field_doc),+),
                required: $crate::item::item!(@needed $need),
                secret: <$kind as $crate::item::Kind>::SECRET,
                schema: $crate::item::item!(@schema $need $kind),
            }, )* ];

            fn read(fields: &mut $crate::item::Fields) -> Option<Self> {
                $( let $name = $crate::item::item!(@read fields $need $kind, $wire); )*
                let _ = &fields;
                Some(Self { $( $name: $name?, )* })
            }
        }
    )+ };
}

/// Declares a [`Row`](crate::item::Row): `name: always Type = "wireName"`, or `maybe` for fields that may be absent.
macro_rules! row {
    (@type always $kind:ty) => { $kind };
    (@type maybe $kind:ty) => { Option<$kind> };
    (@always always) => { true };
    (@always maybe) => { false };
    ($( $(#[doc = $doc:literal])+ pub struct $Row:ident {
        $( $(#[doc = $field_doc:literal])+ $name:ident: $need:ident $kind:ty = $wire:literal, )*
    } )+) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $Row { $(
            $(#[doc = $field_doc])+
            #[serde(rename = $wire, default, skip_serializing_if = "crate::item::left_out")]
            pub $name: $crate::item::row!(@type $need $kind),
        )* }

        impl $crate::item::Row for $Row {
            const FIELDS: &'static [$crate::item::FieldSpec] = &[ $( $crate::item::FieldSpec {
                name: $wire,
                doc: concat!($($field_doc),+),
                required: $crate::item::row!(@always $need),
                secret: false,
                schema: <$kind as $crate::item::Shown>::schema,
            }, )* ];
        }

        impl $crate::item::MaybeAbsent for $Row {}

        impl $crate::item::Shown for $Row {
            fn schema() -> serde_json::Value {
                $crate::item::object(<$Row as $crate::item::Row>::FIELDS)
            }
        }
    )+ };
}

pub(crate) use {item, row};

/// Whether a field of a row is absent: a field without a value is omitted instead of null (spec/protocol.md 1.10).
pub(crate) fn left_out<T: MaybeAbsent>(value: &T) -> bool {
    value.is_absent()
}

pub(crate) trait MaybeAbsent {
    fn is_absent(&self) -> bool {
        false
    }
}

impl<T> MaybeAbsent for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

macro_rules! never_absent {
    ($($type:ty),*) => { $( impl MaybeAbsent for $type {} )* };
}
never_absent!(String, bool, u64);

impl<T> MaybeAbsent for Vec<T> {}
