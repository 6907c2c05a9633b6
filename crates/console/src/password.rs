//! Passwords that the console makes up: read aloud and typed once, then changed.

use directory::Account;

use crate::Console;

/// Characters that nobody takes for another: no 0 and O, no 1, l and I.
const CHARACTERS: &[u8; 54] = b"abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ2345679";

/// Signs between two hyphens.
const GROUP: usize = 5;

/// A password that satisfies the policy of the account: groups of five signs, more than a hundred bits.
pub(super) fn generate(console: &Console, account: &Account) -> String {
    let policy = &account.password_policy;
    let groups = policy.min_length.div_ceil(GROUP + 1).max(4);
    let mut password = String::new();
    // A policy that such passwords don't satisfy is met by chance, or nobody could set any.
    for _ in 0..100 {
        password.clear();
        while password.len() < groups * (GROUP + 1) - 1 {
            if password.len() % (GROUP + 1) == GROUP {
                password.push('-');
                continue;
            }
            let mut random = [0];
            console.core.entropy.fill(&mut random);
            // Rejection sampling, so that each character is equally likely.
            if let Some(character) = CHARACTERS.get(usize::from(random[0] & 63)) {
                password.push(char::from(*character));
            }
        }
        if policy.unmet(&password, &[]).is_empty() {
            break;
        }
    }
    password
}
