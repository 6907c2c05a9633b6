//! Generated passwords: easy to read aloud and type, and changed at the next login.

use directory::Account;

use crate::Console;

/// Characters that are not mistaken for others: no 0 and O, no 1, l and I.
const CHARACTERS: &[u8; 54] = b"abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ2345679";

/// Characters between two hyphens.
const GROUP: usize = 5;

/// A password that satisfies the account's policy: groups of five characters, more than 100 bits in all.
pub(super) fn generate(console: &Console, account: &Account) -> String {
    let policy = &account.password_policy;
    let groups = policy.min_length.div_ceil(GROUP + 1).max(4);
    let mut password = String::new();
    // Retries for policies that only some of these passwords satisfy.
    for _ in 0..100 {
        password.clear();
        while password.len() < groups * (GROUP + 1) - 1 {
            if password.len() % (GROUP + 1) == GROUP {
                password.push('-');
                continue;
            }
            let mut random = [0];
            console.core.entropy.fill(&mut random);
            // Rejection sampling, so that all characters are equally likely.
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
