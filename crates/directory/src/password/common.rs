//! The passwords that are tried first.

/// The list that zxcvbn 3.1.1 judges by (MIT, © 2016 Joshua Holmer), one a line, the most common first, ASCII in lower
/// case. It is also here because zxcvbn does not show it: what it makes of a password is the cheapest way to
/// guess that, and one in eight of these is cheaper to guess as something else, such as a name and a digit.
const LIST: &str = include_str!("common.txt");

/// Whether the whole password, whatever its case, is one of the common ones.
pub(super) fn is_common(password: &str) -> bool {
    LIST.lines().any(|common| common.eq_ignore_ascii_case(password))
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
    fn the_list_is_whole() {
        assert_eq!(LIST.lines().count(), 30_000);
        assert!(LIST.lines().all(|common| !common.is_empty() && common == common.to_ascii_lowercase()));
    }
}
