//! The documented operations of the service around accounts, users, groups, domains and the audit, and which of them are
//! here. The list is a file of facts (`catalogue.txt`); the state of each follows from the table of endpoints.

use crate::endpoint::Endpoint;
use crate::endpoints;

const FACTS: &str = include_str!("catalogue.txt");

/// An operation that the service documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The part of the list that names it, such as `classic`.
    pub part: &'static str,
    /// Its method.
    pub method: &'static str,
    /// Its path; a segment in braces is a parameter.
    pub path: &'static str,
    /// Whether it is here.
    pub state: State,
}

/// Whether an operation is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is here.
    Here,
    /// It is a stub by design: it checks the call and returns an empty list.
    Stub,
    /// It is not here: 404, or 405 where the path has another method.
    Missing,
}

impl State {
    /// All of them.
    pub const ALL: [State; 3] = [State::Here, State::Stub, State::Missing];

    /// Its name in one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Here => "here",
            State::Stub => "stub",
            State::Missing => "missing",
        }
    }
}

/// Every documented operation, part by part.
pub fn operations() -> impl Iterator<Item = Operation> {
    let mut part = "";
    FACTS.lines().filter_map(move |line| {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            part = name;
        }
        let (method, path) = line.split_once(" /").map(|(method, _)| (method, &line[method.len() + 1..]))?;
        (!line.starts_with('#')).then(|| Operation { part, method, path, state: state(method, path) })
    })
}

fn state(method: &str, path: &str) -> State {
    let is_it = |endpoint: &&Endpoint| endpoint.method.as_str() == method && same_path(endpoint.path, path);
    match endpoints::all().find(is_it) {
        None => State::Missing,
        Some(endpoint) if endpoint.is_stub() => State::Stub,
        Some(_) => State::Here,
    }
}

/// Whether two paths are the same, whatever their parameters are called.
pub fn same_path(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.split('/'), other.split('/'));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) if one == other || (one.starts_with('{') && other.starts_with('{')) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_an_operation_once_and_every_part_has_some() {
        let all: Vec<_> = operations().collect();
        let lines = FACTS.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '['])).count();
        assert_eq!(all.len(), lines);
        for (index, operation) in all.iter().enumerate() {
            assert!(["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&operation.method), "{operation:?}");
            let twice = all[..index]
                .iter()
                .any(|earlier| earlier.method == operation.method && same_path(earlier.path, operation.path));
            assert!(!twice, "{operation:?} is there twice");
        }
        let parts: Vec<_> =
            all.chunk_by(|one, next| one.part == next.part).map(|part| part[0].part).collect();
        assert_eq!(parts, ["classic", "new-style", "1.0 only", "others"]);
    }

    #[test]
    fn the_state_is_that_of_the_endpoint() {
        let state =
            |method, path| operations().find(|it| (it.method, it.path) == (method, path)).unwrap().state;
        assert_eq!(state("POST", "/api/user/create-user"), State::Here);
        assert_eq!(state("POST", "/api/directory/execute-sync"), State::Stub);
        assert_eq!(state("POST", "/config-snapshot/v1/create"), State::Missing);
        assert_eq!(state("GET", "/user/cloud-gateway/v1/users"), State::Here);
    }

    #[test]
    fn parameters_are_compared_by_place() {
        assert!(same_path("/groups/{id}/members", "/groups/{group_id}/members"));
        for other in ["/groups/{id}", "/groups/{id}/members/{member}", "/groups/members/members"] {
            assert!(!same_path("/groups/{id}/members", other));
        }
    }
}
