//! Internal ids: UUIDs of version 7, so that rows created one after the other are adjacent in an index.

use jiff::Timestamp;
use uuid::Uuid;

/// Random bytes for one id.
pub type Randomness = [u8; 10];

macro_rules! ids {
    ($( $(#[$doc:meta])* $name:ident; )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, from a time and randomness.
            pub fn at(now: Timestamp, randomness: &Randomness) -> Self {
                Self(version_7(now, randomness))
            }

            /// An id from its stored bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// When it was made, to the millisecond.
            pub fn made_at(&self) -> Timestamp {
                let [a, b, c, d, e, f, ..] = *self.as_bytes();
                let millis = i64::from_be_bytes([0, 0, a, b, c, d, e, f]);
                Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
            }

            /// The sixteen bytes that are stored.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::try_parse(text).map(Self)
            }
        }
    )* };
}

ids! {
    /// An account.
    AccountId;
    /// An internal domain.
    DomainId;
    /// A pending domain.
    PendingDomainId;
    /// A user.
    UserId;
    /// A role.
    RoleId;
    /// An application; callers name it by its application id.
    ApplicationId;
    /// An application of API 2.0; callers name it by its client id.
    ClientId;
    /// An authentication profile.
    ProfileId;
    /// A delegation of one user's address to another.
    DelegateId;
    /// A group.
    GroupId;
    /// A binding; callers name it by its access key.
    BindingId;
    /// A session of the console.
    SessionId;
    /// A token of an application of API 2.0 that lasts.
    TokenId;
}

fn version_7(now: Timestamp, randomness: &Randomness) -> Uuid {
    // A clock before 1970 is read as 1970.
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, randomness).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_read_back() {
        let earlier = UserId::at(Timestamp::from_millisecond(1_000).unwrap(), &[255; 10]);
        let later = UserId::at(Timestamp::from_millisecond(1_001).unwrap(), &[0; 10]);
        assert!(earlier < later);
        assert_eq!(earlier.to_string().parse::<UserId>().unwrap(), earlier);
        assert_eq!(UserId::from_bytes(*later.as_bytes()), later);
    }
}
