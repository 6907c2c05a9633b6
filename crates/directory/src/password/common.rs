//! The most common passwords.

use std::sync::LazyLock;

use zeroize::Zeroizing;

/// The list of zxcvbn 3.1.1 (MIT, © 2016 Joshua Holmer), one per line, most common first, ASCII in lower case. It is
/// repeated here because zxcvbn does not expose it: it rates a password by the cheapest way to guess it, and one in
/// eight of these is cheaper to guess as something else, such as a name and a digit.
const LIST: &str = include_str!("common.txt");

/// The same in order: a search takes a fifth of a microsecond, and reading the list through takes 200. [ours]
static SORTED: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let mut list: Vec<_> = LIST.lines().collect();
    list.sort_unstable();
    list
});

/// Whether the whole password is a common one, without case.
pub(super) fn is_common(password: &str) -> bool {
    let lower = Zeroizing::new(password.to_ascii_lowercase());
    SORTED.binary_search(&lower.as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("123456", true)]
    #[case("Password", true)]
    #[case("P@ssw0rd", true)]
    #[case("moore1", true)]
    #[case("bjhgfi", true)]
    #[case("", false)]
    #[case("password\n123456", false)]
    #[case("Password and more", false)]
    #[case("drowssap1", false)]
    #[case("pässword", false)]
    fn only_a_whole_entry_is_common(#[case] password: &str, #[case] expected: bool) {
        assert_eq!(is_common(password), expected);
    }

    #[test]
    fn every_entry_is_found() {
        assert!(LIST.lines().all(|common| is_common(common) && is_common(&common.to_ascii_uppercase())));
    }

    #[test]
    fn the_list_is_whole() {
        assert_eq!(LIST.lines().count(), 30_000);
        assert!(LIST.lines().all(|common| !common.is_empty() && common == common.to_ascii_lowercase()));
    }
}
