//! Attributes of users: further data about a person. The set is `[ours]`.

use crate::error::ItemError;

/// Longest value, in bytes: room for a small picture in base64. `[ours]`
pub const MAX_VALUE: usize = 64 * 1_024;

macro_rules! attributes {
    ($( $name:ident = $number:literal, $text:literal; )*) => {
        /// An attribute.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Attribute { $(
            #[doc = $text]
            $name = $number,
        )* }

        impl Attribute {
            /// All of them, in the order in which they are listed.
            pub const ALL: &[Attribute] = &[ $( Attribute::$name, )* ];

            /// Its name on the wire.
            pub const fn name(self) -> &'static str {
                match self { $( Attribute::$name => $text, )* }
            }
        }
    };
}

attributes! {
    Company = 1, "company";
    Department = 2, "department";
    EmployeeId = 3, "employeeId";
    Manager = 4, "manager";
    MobileNumber = 5, "mobileNumber";
    Office = 6, "office";
    PhoneNumber = 7, "phoneNumber";
    ThumbnailPhoto = 8, "thumbnailPhoto";
    Title = 9, "title";
}

impl Attribute {
    /// The stored number.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Checks a value.
    ///
    /// # Errors
    /// When it is longer than [`MAX_VALUE`], or contains control characters other than line feeds.
    pub fn check(value: &str) -> Result<(), ItemError> {
        if value.len() > MAX_VALUE {
            Err(ItemError::TooLong { max: MAX_VALUE, unit: "bytes" })
        } else if value.contains(|c: char| c.is_control() && c != '\n') {
            Err(ItemError::Characters)
        } else {
            Ok(())
        }
    }

    /// The attribute of this number.
    pub fn by_number(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|attribute| attribute.number() == number)
    }
}
