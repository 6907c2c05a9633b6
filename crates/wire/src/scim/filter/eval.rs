//! Whether a resource satisfies a filter.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::super::path::AttributePath;
use super::super::text::comparable;
use super::{Comparison, Filter, Operand, Operator};

/// Where paths are looked up.
#[derive(Clone, Copy)]
pub(super) enum Scope<'v> {
    /// A resource.
    Resource(&'v Map<String, Value>),
    /// An element of a list: only the sub-attribute of a path counts.
    Element(&'v Value),
}

/// Recurses as deep as the filter is nested, which its parser bounds.
pub(super) fn holds(filter: &Filter, scope: Scope<'_>) -> bool {
    match filter {
        Filter::And(all) => all.iter().all(|filter| holds(filter, scope)),
        Filter::Or(any) => any.iter().any(|filter| holds(filter, scope)),
        Filter::Not(filter) => !holds(filter, scope),
        Filter::Present(path) => any_value(path, scope, is_present),
        Filter::Compare(comparison) => compare(comparison, scope),
        Filter::Element(path, condition) => {
            any_value(path, scope, |element| holds(condition, Scope::Element(element)))
        }
    }
}

/// Whether one value of an attribute passes the test.
fn any_value(path: &AttributePath, scope: Scope<'_>, test: impl Fn(&Value) -> bool) -> bool {
    let resource = match scope {
        Scope::Element(element) => {
            return path.sub().and_then(|sub| element.get(sub.name)).is_some_and(test);
        }
        Scope::Resource(resource) => resource,
    };
    let value = match path.extension() {
        Some(extension) => {
            resource.get(extension.id).and_then(|extension| extension.get(path.attribute().name))
        }
        None => resource.get(path.attribute().name),
    };
    let test_element = |element: &Value| match path.sub() {
        Some(sub) => element.get(sub.name).is_some_and(&test),
        None => test(element),
    };
    match value {
        None => false,
        Some(Value::Array(elements)) => elements.iter().any(test_element),
        Some(value) => test_element(value),
    }
}

fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

fn compare(comparison: &Comparison, scope: Scope<'_>) -> bool {
    let Comparison { path, operator, operand, .. } = comparison;
    let case_exact = path.leaf().case_exact;
    let found = match operand {
        Operand::Null => !any_value(path, scope, is_present),
        operand => any_value(path, scope, |value| compare_value(value, *operator, operand, case_exact)),
    };
    // `ne` is the opposite of `eq`, so that it holds for an absent attribute.
    found != (*operator == Operator::Ne)
}

/// Whether one value satisfies the operator. For `ne`, whether it is equal.
fn compare_value(value: &Value, operator: Operator, operand: &Operand, case_exact: bool) -> bool {
    match (value, operand) {
        (Value::Bool(flag), Operand::Boolean(expected)) => flag == expected,
        (Value::String(text), Operand::Instant(expected)) => {
            text.parse::<Timestamp>().is_ok_and(|instant| is_ordered(instant.cmp(expected), operator))
        }
        (Value::String(text), Operand::Text(expected)) => {
            let text = comparable(text, case_exact);
            match operator {
                Operator::Co => text.contains(expected),
                Operator::Sw => text.starts_with(expected),
                Operator::Ew => text.ends_with(expected),
                _ => is_ordered(text.as_ref().cmp(expected), operator),
            }
        }
        _ => false,
    }
}

fn is_ordered(ordering: Ordering, operator: Operator) -> bool {
    match operator {
        Operator::Eq | Operator::Ne => ordering.is_eq(),
        Operator::Gt => ordering.is_gt(),
        Operator::Ge => ordering.is_ge(),
        Operator::Lt => ordering.is_lt(),
        Operator::Le => ordering.is_le(),
        Operator::Co | Operator::Sw | Operator::Ew => false,
    }
}
