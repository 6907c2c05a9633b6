//! Result codes (RFC 4511, appendix A) that this server gives.

macro_rules! codes {
    ($( $name:ident = $number:literal $text:literal; )*) => {
        /// A result code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $(
            #[doc = concat!("`", $text, "`")]
            $name = $number,
        )* }

        impl Code {
            /// All of them.
            pub const ALL: &[Code] = &[ $( Code::$name, )* ];

            /// Its name in the standard.
            pub const fn name(self) -> &'static str {
                match self { $( Code::$name => $text, )* }
            }
        }
    };
}

codes! {
    Success = 0 "success";
    OperationsError = 1 "operationsError";
    ProtocolError = 2 "protocolError";
    TimeLimitExceeded = 3 "timeLimitExceeded";
    SizeLimitExceeded = 4 "sizeLimitExceeded";
    CompareFalse = 5 "compareFalse";
    CompareTrue = 6 "compareTrue";
    AuthMethodNotSupported = 7 "authMethodNotSupported";
    AdminLimitExceeded = 11 "adminLimitExceeded";
    UnavailableCriticalExtension = 12 "unavailableCriticalExtension";
    ConfidentialityRequired = 13 "confidentialityRequired";
    NoSuchAttribute = 16 "noSuchAttribute";
    UndefinedAttributeType = 17 "undefinedAttributeType";
    ConstraintViolation = 19 "constraintViolation";
    InvalidAttributeSyntax = 21 "invalidAttributeSyntax";
    NoSuchObject = 32 "noSuchObject";
    InvalidDnSyntax = 34 "invalidDNSyntax";
    InvalidCredentials = 49 "invalidCredentials";
    InsufficientAccessRights = 50 "insufficientAccessRights";
    Busy = 51 "busy";
    Unavailable = 52 "unavailable";
    UnwillingToPerform = 53 "unwillingToPerform";
}

impl Code {
    /// Its number.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// The result of an operation: a code, and a text that says what was expected, what was found, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The code.
    pub code: Code,
    /// The text; may be empty.
    pub text: String,
    /// The entry above a missing one that exists.
    pub matched: String,
}

impl Outcome {
    /// Success, without a text.
    pub const OK: Self = Self { code: Code::Success, text: String::new(), matched: String::new() };

    /// A code and its text.
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), matched: String::new() }
    }
}
