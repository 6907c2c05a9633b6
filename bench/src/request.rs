//! Requests, signed and rendered before the measurement, so that the driver only sends bytes.

use std::sync::atomic::{AtomicUsize, Ordering};

use client::{Keys, NewUser, Signer};
use serde::Serialize;

/// The domain of the created users.
pub(crate) const DOMAIN: &str = "example.com";

const FIRST_NAMES: [&str; 16] = [
    "Ada", "Bruno", "Clara", "Dmitri", "Elena", "Farid", "Grace", "Hugo", "Ingrid", "Jonas", "Keiko", "Liam",
    "Maria", "Nadia", "Omar", "Priya",
];
const LAST_NAMES: [&str; 16] = [
    "Adler", "Baker", "Costa", "Dupont", "Eriksen", "Fischer", "Garcia", "Haddad", "Ivanova", "Jansen",
    "Kowalski", "Lopez", "Moreau", "Nakamura", "Okafor", "Petrov",
];

/// A source of distinct people. Their addresses are not sorted, as in a real directory, so inserts hit all of an index
/// and not only its end.
#[derive(Default)]
pub(crate) struct People {
    next: u32,
    /// The number of seeded users among which the addresses fall; 0 for none.
    seeded: u64,
}

/// A person who is not in the directory yet.
pub(crate) struct Person {
    pub(crate) address: String,
    pub(crate) name: String,
}

impl People {
    /// People whose addresses fall anywhere among those of seeded users, so inserts hit all of a large index. In a
    /// range apart from it, a large directory would be as fast as a small one.
    pub(crate) fn after_seeded(seeded: u64) -> Self {
        Self { next: 0, seeded }
    }

    pub(crate) fn next_person(&mut self) -> Person {
        self.next += 1;
        // Multiplication by an odd number and folding are bijective, so all numbers differ.
        let mut number = self.next.wrapping_mul(0x9E37_79B1);
        number = (number ^ (number >> 16)).wrapping_mul(0x85EB_CA6B);
        number ^= number >> 13;
        let pick = |names: [&'static str; 16], shift: u32| names[(number >> shift) as usize % 16];
        let (first, last) = (pick(FIRST_NAMES, 28), pick(LAST_NAMES, 24));
        let address = match self.seeded {
            0 => format!("{}.{}.{number:08x}@{DOMAIN}", first.to_lowercase(), last.to_lowercase()),
            seeded => format!("user{:07}.{number:08x}@{DOMAIN}", u64::from(number) % seeded + 1),
        };
        Person { address, name: format!("{first} {last}") }
    }
}

/// The content of the requests of a measurement.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// Items in a request.
    pub(crate) items: usize,
    /// Whether each item has a password.
    pub(crate) passwords: bool,
}

/// One user without a password.
pub(crate) const PLAIN: Shape = Shape { items: 1, passwords: false };

/// One user with a password.
pub(crate) const WITH_PASSWORD: Shape = Shape { items: 1, passwords: true };

#[derive(Serialize)]
struct Body {
    data: Vec<NewUser>,
}

/// The expected response.
#[derive(Clone, Debug)]
pub(crate) enum Expected {
    /// The creation of every item. Any other response ends the measurement.
    Creation,
    /// A response of another server. Others are counted.
    Of {
        status: u16,
        /// The expected content of the body.
        contains: Option<String>,
    },
}

/// Rendered requests in one buffer.
pub(crate) struct Requests {
    pub(crate) expected: Expected,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    taken: AtomicUsize,
    /// Whether they are repeated from the start. Only a server that ignores their content accepts them twice.
    again: bool,
}

impl Requests {
    /// Signs and renders requests to create people.
    pub(crate) fn render(
        keys: &Keys,
        people: &mut People,
        shape: Shape,
        count: usize,
    ) -> anyhow::Result<Self> {
        let signer = Signer::new(keys)?;
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(count));
        for _ in 0..count {
            let data = (0..shape.items).map(|_| new_user(people.next_person(), shape.passwords)).collect();
            let body = serde_json::to_vec(&Body { data })?;
            let path = wire::create_user::PATH;
            signed(&signer, path, &body, &mut bytes);
            ends.push(bytes.len());
        }
        Ok(Self { expected: Expected::Creation, bytes, ends, taken: AtomicUsize::new(0), again: false })
    }

    /// Requests rendered elsewhere.
    pub(crate) fn from_rendered(requests: impl Iterator<Item = Vec<u8>>, expected: Expected) -> Self {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for request in requests {
            bytes.extend_from_slice(&request);
            ends.push(bytes.len());
        }
        Self { expected, bytes, ends, taken: AtomicUsize::new(0), again: false }
    }

    /// The same bytes, repeated until the end of the measurement.
    pub(crate) fn over_and_over(mut self) -> Self {
        self.taken = AtomicUsize::new(0);
        self.again = true;
        self
    }

    /// The same bytes, each once.
    pub(crate) fn once(mut self) -> Self {
        self.taken = AtomicUsize::new(0);
        self.again = false;
        self
    }

    /// The next request; `None` when all were taken.
    pub(crate) fn take(&self) -> Option<&[u8]> {
        let taken = self.taken.fetch_add(1, Ordering::Relaxed);
        let index = if self.again { taken % self.ends.len().max(1) } else { taken };
        let end = *self.ends.get(index)?;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        Some(&self.bytes[start..end])
    }
}

/// Signs a request and appends its bytes.
pub(crate) fn signed(signer: &Signer, path: &str, body: &[u8], bytes: &mut Vec<u8>) {
    let signed = signer.sign(path, client::machine_clock(), &client::random_request_id());
    render(path, signed.iter(), body, bytes);
}

/// Appends the bytes of a request.
pub(crate) fn render<'n, 'v>(
    path: &str,
    headers: impl IntoIterator<Item = (&'n str, &'v str)>,
    body: &[u8],
    bytes: &mut Vec<u8>,
) {
    bytes.extend_from_slice(format!("POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: */*\r\n").as_bytes());
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    let end = format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    bytes.extend_from_slice(end.as_bytes());
    bytes.extend_from_slice(body);
}

/// The password of a user: a different one for each, hard to guess by the default policy.
pub(crate) fn password(address: &str) -> String {
    format!("Tr7-{}", &address[address.len() - 20..])
}

fn new_user(person: Person, password: bool) -> NewUser {
    let mut user = NewUser::new(person.address.clone());
    user.password = password.then(|| self::password(&person.address).into());
    user.name = Some(person.name);
    user
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_address_comes_twice() {
        for mut people in [People::default(), People::after_seeded(1_000)] {
            let addresses: HashSet<_> = (0..100_000).map(|_| people.next_person().address).collect();
            assert_eq!(addresses.len(), 100_000);
        }
    }
}
