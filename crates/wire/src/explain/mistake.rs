//! All known mistakes in one table: name, subject, what is wrong, how to fix it.

use std::fmt;

use serde::{Serialize, Serializer};

/// The subject of a mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A missing or malformed header.
    Header,
    /// The access key in `Authorization`.
    AccessKey,
    /// The key of the HMAC.
    Secret,
    /// `x-mc-date` in the signed text.
    Date,
    /// `x-mc-req-id` in the signed text.
    RequestId,
    /// The path in the signed text.
    Path,
    /// The application key in the signed text.
    AppKey,
    /// The composition of the signed text.
    Text,
    /// The hash function.
    Hash,
    /// The encoding of the hash in `Authorization`.
    Encoding,
    /// The time of signing, apart from the signature.
    Clock,
    /// `x-mc-app-id`, apart from the signature.
    AppId,
}

macro_rules! mistakes {
    ($($part:ident { $($variant:ident $name:literal $wrong:literal $mend:literal)* })*) => {
        /// A mistake in a signed request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Mistake {
            $($(#[doc = $wrong] $variant,)*)*
        }

        impl Mistake {
            /// All mistakes, ordered by subject.
            pub const ALL: &[Mistake] = &[$($(Mistake::$variant,)*)*];

            /// A stable machine-readable name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $($(Mistake::$variant => $name,)*)* }
            }

            /// Its subject.
            #[must_use]
            pub const fn part(self) -> Part {
                match self { $($(Mistake::$variant)|* => Part::$part,)* }
            }

            /// The mistake in one sentence.
            #[must_use]
            pub const fn wrong(self) -> &'static str {
                match self { $($(Mistake::$variant => $wrong,)*)* }
            }

            /// The fix in one sentence.
            #[must_use]
            pub const fn mend(self) -> &'static str {
                match self { $($(Mistake::$variant => $mend,)*)* }
            }
        }
    };
}

mistakes! {
    Header {
        HeaderMissing "header_missing"
            "A header of a signed request is missing."
            "Send Authorization, x-mc-date, x-mc-req-id and x-mc-app-id with every request."
        SchemeMissing "scheme_missing"
            "Authorization does not begin with its scheme."
            "Write `MC`, a space, the access key, a colon and the signature."
        SchemeTwice "scheme_twice"
            "Authorization has its scheme twice."
            "Write `MC` once; find where it is added a second time."
        SchemeBearer "scheme_bearer"
            "Authorization has a token instead of a signature."
            "A token needs no signature; if a signature is required, sign the request and send `MC`."
        SchemeBasic "scheme_basic"
            "Authorization has a password instead of a signature."
            "Only login takes a password; log in once and sign other requests with the keys from the login response."
        AuthorizationMalformed "authorization_malformed"
            "Authorization cannot be read."
            "Write `MC`, a space, the access key, a colon and the base64 of the HMAC-SHA1."
        RequestIdMalformed "request_id_malformed"
            "The value of x-mc-req-id is not a GUID."
            "Create a new GUID for every request, such as 8578fcfc-a305-4d9a-99cb-f4d5ecefe297; sign and send the same one."
        DateMalformed "date_malformed"
            "The value of x-mc-date cannot be read."
            "Write it as in `Tue, 24 Nov 2015 12:50:11 UTC`, in English and in UTC."
    }
    AccessKey {
        AccessKeyUnknown "access_key_unknown"
            "The access key in Authorization is not among the given keys."
            "Compare it with the issued key, to the last character; then check which server is called."
        AccessKeyOther "access_key_other"
            "The signature was made with another set of keys than the one of the access key in Authorization."
            "Take access key, secret key, application id and application key from one set."
        AccessKeyRevoked "access_key_revoked"
            "The access key was revoked, or its user or application is disabled."
            "Log in again, or get new keys."
        AccessKeyExpired "access_key_expired"
            "The key pair has expired."
            "Log in with `accessKey` in the item to renew it; the secret key stays the same."
    }
    Secret {
        SecretNotDecoded "secret_not_decoded"
            "The secret key was used as it is written, as text."
            "Decode the secret key from base64 first, and key the HMAC with the bytes."
        SecretThroughText "secret_through_text"
            "The secret key was decoded from base64 and then turned into text, which loses bytes."
            "Keep the decoded secret key as bytes; never make a string of them."
        SecretLineBreak "secret_line_break"
            "The secret key was used with a line break or a space at its end."
            "Trim the secret key after it is read from its file or variable."
        SecretUrlSafe "secret_url_safe"
            "The secret key was decoded without its `+` or `/`, as if it were URL-safe base64."
            "Decode it as standard base64, and keep it out of URLs and forms."
        SecretHex "secret_hex"
            "The secret key was read as hexadecimal digits, or written as such."
            "Decode the secret key from base64, and key the HMAC with the bytes."
        SecretUtf16 "secret_utf_16"
            "The secret key was used as UTF-16 text."
            "Decode the secret key from base64, and key the HMAC with the bytes."
        SecretUnset "secret_unset"
            "The secret key was empty or not set."
            "Check where the secret key is read from: the variable or entry does not exist."
        SecretIsAppKey "secret_is_app_key"
            "The application key was used as the secret key."
            "Key the HMAC with the secret key; the application key is the last part of the text."
        SecretIsAccessKey "secret_is_access_key"
            "The access key was used as the secret key."
            "Key the HMAC with the secret key; the access key goes into Authorization."
        SecretOther "secret_other"
            "The secret key of another set of keys was used."
            "Take access key and secret key from one set: they were issued together."
    }
    AppKey {
        AppKeyIsAppId "app_key_is_app_id"
            "The application id was signed instead of the application key."
            "Sign the application key; the application id only goes into x-mc-app-id."
        AppKeyIsAccessKey "app_key_is_access_key"
            "The access key was signed instead of the application key."
            "Sign the application key; the access key only goes into Authorization."
        AppKeyIsSecret "app_key_is_secret"
            "The secret key was signed instead of the application key."
            "Sign the application key; the secret key only keys the HMAC."
        AppKeyCase "app_key_case"
            "The application key was signed in another case."
            "Sign the application key as it was issued."
        AppKeyForm "app_key_form"
            "The application key was signed with braces, with quotes or without its hyphens."
            "Sign the application key as it was issued."
        AppKeyUnset "app_key_unset"
            "The application key was empty or not set."
            "Check where the application key is read from: the variable or entry does not exist."
        AppKeyOther "app_key_other"
            "The application key of another application was signed."
            "Sign the key of the application that the access key was issued for."
    }
    Path {
        PathUrl "path_url"
            "The whole URL was signed instead of the path."
            "Sign the part after the host, such as /api/user/create-user."
        PathHost "path_host"
            "The host was signed in front of the path."
            "Sign the part after the host, such as /api/user/create-user."
        PathTrailingSlash "path_trailing_slash"
            "The path was signed with a slash at its end."
            "Sign the path without it."
        PathLeadingSlash "path_leading_slash"
            "The path was signed without the slash at its beginning."
            "Begin the signed path with a slash."
        PathCase "path_case"
            "The path was signed in another case than it was sent in."
            "Sign the path as it is sent."
        PathEncoded "path_encoded"
            "The path was signed with percent-encoding that the request does not have, or without what it has."
            "Sign the path as it is sent."
        PathPrefix "path_prefix"
            "Only a part of the path was signed, or more than the path."
            "Sign the whole path, from the first slash after the host; check whether the base URL contains a part of it."
        PathQuery "path_query"
            "A query was signed that the request does not have in this form."
            "Sign the path without question mark and query."
        PathOther "path_other"
            "The path of another endpoint was signed."
            "Sign the path that is called; sign again for each call."
    }
    Date {
        DateZone "date_zone"
            "The date was signed with another zone at its end than it was sent with."
            "Format the date once, and sign and send the same text."
        DateDayDigits "date_day_digits"
            "The date was signed with another number of digits in its day than it was sent with."
            "Format the date once, and sign and send the same text."
        DateWeekday "date_weekday"
            "The date was signed with a weekday and sent without it, or the other way round."
            "Format the date once, and sign and send the same text."
        DateIso8601 "date_iso_8601"
            "The date was signed in the form of ISO 8601, and sent in another."
            "Format the date once, and sign and send the same text."
        DateEpoch "date_epoch"
            "The date was signed as a number of seconds or milliseconds, and sent in another form."
            "Format the date once, and sign and send the same text."
        DateOtherForm "date_other_form"
            "The date was signed in another form than it was sent in."
            "Format the date once, and sign and send the same text."
        DateLocalTime "date_local_time"
            "The date was signed in the time of another zone than it was sent in."
            "Format the date once, in UTC, and sign and send the same text."
        DateCase "date_case"
            "The date was signed in another case than it was sent in."
            "Format the date once, and sign and send the same text."
        DateEncoding "date_encoding"
            "The date was signed in another character encoding than it was sent in."
            "Format the date in English, which is plain ASCII, or sign the bytes that are sent."
        DateMoment "date_moment"
            "The date was signed as of another moment than it was sent."
            "Read the clock once per request, and sign and send the same text."
    }
    RequestId {
        RequestIdCase "request_id_case"
            "The request id was signed in another case than it was sent in."
            "Create the request id once, and sign and send the same text."
        RequestIdForm "request_id_form"
            "The request id was signed in another form than it was sent in: braces, hyphens or a prefix."
            "Create the request id once, and sign and send the same text."
        RequestIdIsOther "request_id_is_other"
            "Another value was signed instead of the request id."
            "Sign the value that x-mc-req-id carries."
    }
    Text {
        NewlineJoined "newline_joined"
            "The parts of the text are joined with line breaks."
            "Join them with colons: date, request id, path, application key."
        CommaJoined "comma_joined"
            "The parts of the text are joined with commas."
            "Join them with colons: date, request id, path, application key."
        NoSeparator "no_separator"
            "The parts of the text are joined with nothing between them."
            "Join them with colons: date, request id, path, application key."
        OtherSeparator "other_separator"
            "The parts of the text are joined with something other than colons."
            "Join them with a colon and nothing else: date, request id, path, application key."
        TrailingLineBreak "trailing_line_break"
            "The text has a line break at its end: `echo` adds one, and so does an application key read from a file."
            "Sign the text without it; in a shell, use printf '%s', and trim what is read from files."
        TrailingSeparator "trailing_separator"
            "The text has an extra colon or space at its beginning or end."
            "Sign date, request id, path and application key with three colons between them."
        Quotes "quotes"
            "The text or a part of it was signed in quotes."
            "Remove the quotes before signing; in a shell or file they are not part of the value."
        PartBlank "part_blank"
            "A part of the text has a line break or a space at its end."
            "Trim what is read from files, variables and the output of commands."
        PartUnset "part_unset"
            "A part of the text was empty or not set."
            "Sign the values of the headers; check where the variable gets its value."
        PartLeftOut "part_left_out"
            "A part of the text was left out."
            "Sign all four: date, request id, path, application key."
        Order "order"
            "The parts of the text are in another order."
            "Sign them in this order: date, request id, path, application key."
        MethodInText "method_in_text"
            "The method was signed with the text."
            "Sign date, request id, path and application key only."
        BodyInText "body_in_text"
            "The body, or a hash of it, was signed with the text."
            "Sign date, request id, path and application key only; the body is not signed."
        HostInText "host_in_text"
            "The host was signed as a separate element."
            "Sign date, request id, path and application key only."
        KeyInText "key_in_text"
            "The access key, the application id or the secret key was signed with the text."
            "Sign date, request id, path and application key only."
        TextCase "text_case"
            "The whole text was turned into lower or upper case before signing."
            "Sign the text as it is."
        TextUtf16 "text_utf_16"
            "The text was signed as UTF-16, as by .NET's Encoding.Unicode."
            "Sign its bytes in UTF-8."
        TextByteOrderMark "text_byte_order_mark"
            "The text was signed with a byte order mark in front."
            "Sign its bytes in UTF-8 without one."
        TextEncoded "text_encoded"
            "The text was percent-encoded or written in base64 before signing."
            "Sign the text as it is."
        TextHashed "text_hashed"
            "A hash of the text was signed instead of the text."
            "Sign the text itself: the HMAC hashes it."
        TextPythonBytes "text_python_bytes"
            "The text was signed as Python prints bytes, with b'…' around it."
            "Encode the text with .encode(); don't take str() of bytes."
    }
    Hash {
        Sha256 "sha_256"
            "The signature is made with SHA-256."
            "Use HMAC-SHA1, whose 20 bytes are 28 characters of base64."
        Sha512 "sha_512"
            "The signature is made with SHA-512."
            "Use HMAC-SHA1, whose 20 bytes are 28 characters of base64."
        Md5 "md5"
            "The signature is made with MD5."
            "Use HMAC-SHA1, whose 20 bytes are 28 characters of base64."
        PlainHash "plain_hash"
            "The text was hashed without a key, or with the secret key only appended."
            "Use HMAC-SHA1, keyed with the base64-decoded secret key."
        KeyAndTextSwapped "key_and_text_swapped"
            "Key and text of the HMAC were swapped."
            "Key the HMAC with the decoded secret key, and give it the text as its message."
    }
    Encoding {
        SignatureHex "signature_hex"
            "The signature is written in hexadecimal digits."
            "Take the bytes of the HMAC and write them in base64."
        SignatureBase64OfHex "signature_base64_of_hex"
            "The signature is the base64 of hexadecimal digits."
            "Take the bytes of the HMAC, as digest() gives them, and write those in base64."
        SignatureBase64Twice "signature_base64_twice"
            "The signature was written in base64 twice."
            "Encode the bytes of the HMAC once."
        SignatureUrlSafe "signature_url_safe"
            "The signature is written in URL-safe base64."
            "Write it in standard base64, which has `+` and `/`."
        SignaturePythonBytes "signature_python_bytes"
            "The signature has Python's b'…' around it."
            "Decode the bytes, as in base64.b64encode(digest).decode()."
        SignatureQuotes "signature_quotes"
            "The signature is quoted."
            "Send it without them."
        SignaturePercentEncoded "signature_percent_encoded"
            "The signature is percent-encoded."
            "Send the base64 as it is: a header is not a URL."
        SignaturePlusLost "signature_plus_lost"
            "The signature has spaces or line breaks where base64 has `+` or nothing."
            "Send the base64 in one piece; do not pass it through a form or a URL."
    }
    Clock {
        ClockBehind "clock_behind"
            "The date is older than the server allows."
            "Correct the clock of the signing machine, and sign each request when it is sent."
        ClockAhead "clock_ahead"
            "The date is further in the future than the server allows."
            "Correct the clock of the signing machine; if the date says UTC, write the time in UTC."
    }
    AppId {
        AppIdOther "app_id_other"
            "The value of x-mc-app-id is not the application that the access key was issued for."
            "Send the application id that belongs to the keys."
        AppIdIsAppKey "app_id_is_app_key"
            "The header x-mc-app-id carries the application key."
            "Send the application id; the application key must never be sent, so get a new one if others could read it."
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Mistake {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
