//! Internal ids: UUIDs of version 7, so that rows made one after the other lie side by side in an index.

use jiff::Timestamp;
use uuid::Uuid;

/// Random bytes that go into one id.
pub type Randomness = [u8; 10];

macro_rules! ids {
    ($( $(#[$doc:meta])* $name:ident; )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, from the time and randomness it is given.
            pub fn at(now: Timestamp, randomness: &Randomness) -> Self {
                Self(version_7(now, randomness))
            }

            /// An id that was made earlier.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The sixteen bytes a store keeps.
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
    /// A domain that is registered and not yet proven.
    PendingDomainId;
    /// A user.
    UserId;
    /// A role.
    RoleId;
    /// An application, as the directory knows it; callers know it by its application id.
    ApplicationId;
    /// An application of API 2.0, as the directory knows it; callers know it by its client id.
    ClientId;
    /// An authentication profile.
    ProfileId;
    /// A delegation of one user's address to another.
    DelegateId;
    /// A group.
    GroupId;
    /// A binding, as the directory knows it; callers know it by its access key.
    BindingId;
    /// A session of the console.
    SessionId;
}

fn version_7(now: Timestamp, randomness: &Randomness) -> Uuid {
    // Before 1970 there was no directory; a clock that says so is read as 1970.
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
