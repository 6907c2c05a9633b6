//! From the operations of a request to steps.

use serde_json::{Map, Value};

use super::super::error::{ScimError, ScimType, shown};
use super::super::filter::{Filter, parse_path};
use super::super::path::{AttributePath, Name, resolve};
use super::super::resource::check_schemas;
use super::super::schema::{Attribute, Kind, Mutability, ResourceType, Schema};
use super::super::value::{ValueReader, unexpected};
use super::{Change, Patch, Step};

/// The schema of the message.
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Most operations of a request. `[ours]`
const MAX_OPERATIONS: usize = 1_000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Op {
    Add,
    Replace,
    Remove,
}

pub(super) fn read(json: Value, resource_type: &ResourceType) -> Result<Patch, ScimError> {
    let Value::Object(mut body) = json else {
        return Err(invalid_syntax("Expected the body to be an object with Operations."));
    };
    if let Some(schemas) = take(&mut body, "schemas")?
        && !check_schemas(&schemas)?.iter().any(|schema| schema.eq_ignore_ascii_case(PATCH_OP))
    {
        return Err(invalid_syntax(format!("Expected schemas to have {PATCH_OP}.")));
    }
    let Some(Value::Array(operations)) = take(&mut body, "Operations")? else {
        return Err(invalid_syntax("Expected Operations to be a list of operations."));
    };
    if !(1..=MAX_OPERATIONS).contains(&operations.len()) {
        let found = operations.len();
        return Err(invalid_syntax(format!("Expected 1 to {MAX_OPERATIONS} Operations, found {found}.")));
    }
    let mut reader = Reader { resource_type, values: ValueReader::default(), steps: Vec::new() };
    for operation in operations {
        reader.operation(operation)?;
    }
    Ok(Patch { steps: reader.steps, ignored: reader.values.ignored })
}

struct Reader<'t> {
    resource_type: &'t ResourceType,
    values: ValueReader,
    steps: Vec<Step>,
}

impl Reader<'_> {
    fn operation(&mut self, operation: Value) -> Result<(), ScimError> {
        let Value::Object(mut fields) = operation else {
            return Err(invalid_syntax("Expected each operation to be an object with op, path and value."));
        };
        let op = read_op(take(&mut fields, "op")?)?;
        let value = take(&mut fields, "value")?;
        let path = match take(&mut fields, "path")? {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) => Some(path),
            Some(_) => return Err(ScimError::new(ScimType::InvalidPath, "Expected path to be a text.")),
        };
        match (op, path, value) {
            (Op::Remove, None, _) => {
                let detail = "A remove operation needs a path that says what to remove.";
                Err(ScimError::new(ScimType::NoTarget, detail))
            }
            (Op::Add | Op::Replace, _, None) => {
                let detail = "An add or replace operation needs a value; null removes.";
                Err(ScimError::new(ScimType::InvalidValue, detail))
            }
            (_, None, Some(Value::Object(values))) => self.without_path(op, values),
            (_, None, Some(_)) => {
                let detail = "Expected value to be an object, because the operation has no path.";
                Err(ScimError::new(ScimType::InvalidValue, detail))
            }
            (_, Some(path), value) => match parse_path(&path, self.resource_type)? {
                (Name::Extension(schema), _) => self.extension(op, schema, value),
                (Name::Attribute(path), filter) => {
                    check_mutability(path)?;
                    self.attribute(op, path, filter, value)
                }
            },
        }
    }

    /// Each key is a path. Entra ID sends all kinds of them; Okta sends the id of the resource, too.
    fn without_path(&mut self, op: Op, values: Map<String, Value>) -> Result<(), ScimError> {
        for (key, value) in values {
            let name = key.split('[').next().unwrap_or_default().trim();
            match resolve(name, self.resource_type) {
                Err(_) => self.values.ignore(&key),
                Ok(Name::Extension(schema)) => self.extension(op, schema, Some(value))?,
                Ok(Name::Attribute(path)) if is_read_only(path.attribute()) || is_read_only(path.leaf()) => {}
                Ok(Name::Attribute(_)) => {
                    if let (Name::Attribute(path), filter) = parse_path(&key, self.resource_type)? {
                        check_mutability(path)?;
                        self.attribute(op, path, filter, Some(value))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn extension(&mut self, op: Op, schema: &'static Schema, value: Option<Value>) -> Result<(), ScimError> {
        match value {
            _ if op == Op::Remove => self.steps.push(Step::RemoveExtension(schema)),
            None | Some(Value::Null) => self.steps.push(Step::RemoveExtension(schema)),
            Some(Value::Object(values)) => {
                for (key, value) in values {
                    match schema.attribute(&key) {
                        Some(attribute) => {
                            let path = AttributePath::new(Some(schema), attribute);
                            self.attribute(op, path, None, Some(value))?;
                        }
                        None => self.values.ignore(&format!("{}:{key}", schema.id)),
                    }
                }
            }
            Some(_) => {
                let detail = format!("Expected the value of {} to be an object.", schema.id);
                return Err(ScimError::new(ScimType::InvalidValue, detail));
            }
        }
        Ok(())
    }

    fn attribute(
        &mut self,
        op: Op,
        path: AttributePath,
        filter: Option<Filter>,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        if !path.attribute().multi_valued {
            return self.single(op, path, value.unwrap_or_default());
        }
        match (path.sub(), filter) {
            (None, None) => self.list(op, path, value),
            (Some(sub), filter) => {
                let value = match op {
                    Op::Remove => None,
                    _ => self.values.single(path, value.unwrap_or_default())?,
                };
                let change = value.map_or(Change::Unset(sub), |value| Change::Set(sub, value));
                self.steps.push(Step::Change { path, filter, change });
                Ok(())
            }
            (None, Some(filter)) => self.elements(op, path, filter, value),
        }
    }

    /// A single value, simple or complex.
    fn single(&mut self, op: Op, path: AttributePath, value: Value) -> Result<(), ScimError> {
        if op == Op::Remove {
            return self.set(path, None);
        }
        let parts = match value {
            Value::Object(parts) if path.leaf().kind == Kind::Complex => parts,
            value => {
                let value = self.values.single(path, value)?;
                return self.set(path, value);
            }
        };
        if parts.is_empty() && op == Op::Replace {
            return self.set(path, None);
        }
        // Sub-attributes that the value does not have keep their values (RFC 7644, 3.5.2.3).
        for (key, value) in parts {
            if let Some(sub) = self.values.known_sub(path, &key) {
                let value = self.values.single(path.with_sub(sub), value)?;
                self.set(path.with_sub(sub), value)?;
            }
        }
        Ok(())
    }

    fn set(&mut self, path: AttributePath, value: Option<Value>) -> Result<(), ScimError> {
        if value.is_none() && path.leaf().required {
            let detail = format!("{path} is required and cannot be removed; replace it by another value.");
            return Err(ScimError::new(ScimType::Mutability, detail));
        }
        self.steps.push(Step::Set(path, value));
        Ok(())
    }

    /// A whole list.
    fn list(&mut self, op: Op, path: AttributePath, value: Option<Value>) -> Result<(), ScimError> {
        let value = value.unwrap_or_default();
        if op == Op::Remove && value.is_null() {
            self.steps.push(Step::ReplaceAll(path, Vec::new()));
            return Ok(());
        }
        let elements = self.values.list(path, value)?;
        match op {
            Op::Add => self.push_joined(path, elements, Step::Add),
            Op::Remove => self.push_joined(path, elements, Step::RemoveNamed),
            Op::Replace => self.steps.push(Step::ReplaceAll(path, elements)),
        }
        Ok(())
    }

    /// Joins operations on the same list: a group's members may come one by one, and each step looks at all of them.
    fn push_joined(
        &mut self,
        path: AttributePath,
        elements: Vec<Value>,
        step: fn(AttributePath, Vec<Value>) -> Step,
    ) {
        let new = step(path, elements);
        match (self.steps.last_mut(), new) {
            (Some(Step::Add(last, all)), Step::Add(path, elements)) if *last == path => all.extend(elements),
            (Some(Step::RemoveNamed(last, all)), Step::RemoveNamed(path, elements)) if *last == path => {
                all.extend(elements);
            }
            (_, new) => self.steps.push(new),
        }
    }

    /// The elements that match a filter.
    fn elements(
        &mut self,
        op: Op,
        path: AttributePath,
        filter: Filter,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        if op == Op::Remove {
            match filter.only_value() {
                // Okta removes members so, one operation for each.
                Some(value) => {
                    let element = Map::from_iter([("value".to_owned(), Value::from(value))]);
                    self.push_joined(path, vec![Value::Object(element)], Step::RemoveNamed);
                }
                None => {
                    self.steps.push(Step::Change { path, filter: Some(filter), change: Change::Remove });
                }
            }
            return Ok(());
        }
        let value = match value.unwrap_or_default() {
            Value::Array(mut values) if values.len() == 1 => values.pop().unwrap_or_default(),
            Value::Array(values) if values.is_empty() => Value::Null,
            value @ Value::Array(_) => return Err(unexpected(path, "one object", &value)),
            value => value,
        };
        let change = match (op, self.values.single(path, value)?) {
            (Op::Add, Some(Value::Object(parts))) => Change::Merge(parts),
            (_, Some(Value::Object(parts))) => Change::Replace(parts),
            (Op::Add, _) => return Ok(()),
            (..) => Change::Remove,
        };
        self.steps.push(Step::Change { path, filter: Some(filter), change });
        Ok(())
    }
}

fn read_op(op: Option<Value>) -> Result<Op, ScimError> {
    const EXPECTED: &str = "Expected op to be add, replace or remove";
    let Some(Value::String(op)) = op else {
        return Err(invalid_syntax(format!("{EXPECTED}.")));
    };
    match op.to_ascii_lowercase().as_str() {
        "add" => Ok(Op::Add),
        "replace" => Ok(Op::Replace),
        "remove" => Ok(Op::Remove),
        _ => Err(invalid_syntax(format!("{EXPECTED}, found {}.", shown(&op)))),
    }
}

/// Takes the field with this name, in any letter case.
fn take(fields: &mut Map<String, Value>, name: &str) -> Result<Option<Value>, ScimError> {
    let mut keys = fields.keys().filter(|key| key.eq_ignore_ascii_case(name));
    let Some(key) = keys.next().cloned() else { return Ok(None) };
    if keys.next().is_some() {
        return Err(invalid_syntax(format!(
            "{name} was sent twice, in different letter case. Send it once."
        )));
    }
    Ok(fields.shift_remove(&key))
}

fn is_read_only(attribute: &Attribute) -> bool {
    attribute.mutability == Mutability::ReadOnly
}

fn check_mutability(path: AttributePath) -> Result<(), ScimError> {
    let reason = if is_read_only(path.attribute()) || is_read_only(path.leaf()) {
        "only the server sets it"
    } else if path.leaf().mutability == Mutability::Immutable {
        "it never changes; remove the element and add another"
    } else {
        return Ok(());
    };
    Err(ScimError::new(ScimType::Mutability, format!("{path} cannot be changed: {reason}.")))
}

fn invalid_syntax(detail: impl Into<String>) -> ScimError {
    ScimError::new(ScimType::InvalidSyntax, detail)
}
