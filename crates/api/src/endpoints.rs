//! The endpoints: one file each, in folders named as their paths.

pub mod account;
pub mod audit;
pub mod cloud_gateway;
pub mod directory;
pub mod domain;
pub mod identity;
pub mod login;
pub mod oauth;
pub mod provisioning;
pub mod role;
mod stub;
pub mod ttp;
pub mod user;

use crate::endpoint::Endpoint;

/// The endpoints by family: the first segment of the path, after `/api`.
const FAMILIES: [&[Endpoint]; 12] = [
    account::ENDPOINTS,
    audit::ENDPOINTS,
    cloud_gateway::ENDPOINTS,
    directory::ENDPOINTS,
    domain::ENDPOINTS,
    identity::ENDPOINTS,
    login::ENDPOINTS,
    oauth::ENDPOINTS,
    provisioning::ENDPOINTS,
    role::ENDPOINTS,
    ttp::ENDPOINTS,
    user::ENDPOINTS,
];

/// Every endpoint.
pub fn all() -> impl Iterator<Item = &'static Endpoint> + Clone {
    FAMILIES.into_iter().flatten()
}

/// The path of an endpoint that is nearest to a path without one: it stands at the end of it, or at most a fifth of the
/// letters differ.
pub fn nearest(path: &str) -> Option<&'static str> {
    if path.len() > MOST_BYTES {
        return None;
    }
    let typed = path.to_ascii_lowercase();
    if let Some(longer) = all().find(|endpoint| typed.ends_with(endpoint.path)) {
        return Some(longer.path);
    }
    let distances = all().map(|endpoint| (strsim::osa_distance(&typed, endpoint.path), endpoint.path));
    let (distance, nearest) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance * 5 <= nearest.len()).then_some(nearest)
}

/// Longest path that is compared with those of the endpoints.
const MOST_BYTES: usize = 100;

/// Whether callers of a path are identified only by the body: a password or the secret of an application.
pub fn knows_nobody(path: &str) -> bool {
    all().any(|endpoint| !endpoint.is_signed() && endpoint.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("/api/user/creat-user", Some("/api/user/create-user"))]
    #[case("/api/users/create-user", Some("/api/user/create-user"))]
    #[case("/API/User/create-user", Some("/api/user/create-user"))]
    #[case("/user/create-user", Some("/api/user/create-user"))]
    #[case("/v1/proxy/for/everybody/api/user/create-user", Some("/api/user/create-user"))]
    #[case("/api/user/no-such", None)]
    #[case("/", None)]
    #[case("/index.html", None)]
    fn a_path_that_is_almost_right_is_found(#[case] path: &str, #[case] expected: Option<&str>) {
        assert_eq!(nearest(path), expected);
    }

    #[test]
    fn a_path_that_is_too_long_is_not_compared() {
        assert_eq!(nearest(&format!("/{}/api/user/create-user", "x".repeat(MOST_BYTES))), None);
    }

    #[test]
    fn an_id_is_one_segment() {
        let endpoint = all().find(|e| e.path == "/directory/cloud-gateway/v1/groups/{id}/members").unwrap();
        assert_eq!(endpoint.id_in("/directory/cloud-gateway/v1/groups/aB-_/members"), Some("aB-_"));
        for path in ["", "a/b", "a/members", "//"] {
            assert_eq!(endpoint.id_in(&format!("/directory/cloud-gateway/v1/groups/{path}/members")), None);
        }
        assert_eq!(endpoint.id_in("/directory/cloud-gateway/v1/groups"), None);
    }
}
