//! The header `traceparent` of W3C Trace Context: the trace that a request belongs to. `[ours]`

use std::fmt;

/// The header, in requests and responses.
pub const TRACE_PARENT: &str = "traceparent";

/// The length of a header of version 00.
const LENGTH: usize = 55;

/// The trace of a request, and the span that sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace; never all zeros.
    pub trace_id: [u8; 16],
    /// The span; never all zeros.
    pub span_id: [u8; 8],
    /// Whether the sender records the trace.
    pub is_sampled: bool,
}

impl TraceParent {
    /// Parses a header: version, trace, span and flags in lower-case hexadecimal digits. A higher version may continue
    /// after a further hyphen. `None` for everything else: such a header is ignored.
    pub fn parse(header: &[u8]) -> Option<Self> {
        let (known, rest) = header.split_at_checked(LENGTH)?;
        let [version] = digits(&known[..2])?;
        let may_continue = version > 0 && rest.first() == Some(&b'-');
        let hyphens = [2, 35, 52].iter().all(|place| known[*place] == b'-');
        if version == 0xff || !hyphens || !(rest.is_empty() || may_continue) {
            return None;
        }
        let (trace_id, span_id) = (digits(&known[3..35])?, digits(&known[36..52])?);
        let [flags] = digits(&known[53..])?;
        let is_named = trace_id != [0; 16] && span_id != [0; 8];
        is_named.then_some(Self { trace_id, span_id, is_sampled: flags & 1 == 1 })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace, span) = (u128::from_be_bytes(self.trace_id), u64::from_be_bytes(self.span_id));
        write!(f, "00-{trace:032x}-{span:016x}-{:02x}", u8::from(self.is_sampled))
    }
}

/// `N` bytes from twice as many lower-case digits.
fn digits<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    (text.len() == 2 * N).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_example_of_the_specification() {
        let parsed = TraceParent::parse(VALID.as_bytes()).unwrap();
        assert_eq!(parsed.trace_id[..3], [0x4b, 0xf9, 0x2f]);
        assert_eq!(parsed.span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes());
        assert!(parsed.is_sampled);
        assert_eq!(parsed.to_string(), VALID);
    }

    #[rstest]
    #[case::unknown_flags("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe", false)]
    #[case::all_flags("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff", true)]
    #[case::later_version("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true)]
    #[case::later_version_that_continues(
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what",
        true
    )]
    fn these_are_valid(#[case] header: &str, #[case] is_sampled: bool) {
        assert_eq!(TraceParent::parse(header.as_bytes()).map(|parsed| parsed.is_sampled), Some(is_sampled));
    }

    #[rstest]
    #[case::empty("")]
    #[case::too_short("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0")]
    #[case::continued("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what")]
    #[case::continued_without_hyphen("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what")]
    #[case::invalid_version("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
    #[case::no_version("0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
    #[case::upper_case("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01")]
    #[case::no_trace("00-00000000000000000000000000000000-00f067aa0ba902b7-01")]
    #[case::no_span("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01")]
    #[case::other_hyphen("00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
    #[case::flags_that_are_no_digits("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-.1")]
    #[case::blank_before(" 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
    fn these_are_ignored(#[case] header: &str) {
        assert_eq!(TraceParent::parse(header.as_bytes()), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(trace in 1_u128.., span in 1_u64.., is_sampled: bool) {
            let written = TraceParent { trace_id: trace.to_be_bytes(), span_id: span.to_be_bytes(), is_sampled };
            prop_assert_eq!(TraceParent::parse(written.to_string().as_bytes()), Some(written));
        }

        #[test]
        fn one_wrong_byte_is_noticed(place in 0..LENGTH, byte: u8) {
            let mut header = VALID.as_bytes().to_vec();
            header[place] = byte;
            let written = TraceParent::parse(&header).map(|parsed| parsed.to_string());
            // Another version and unknown flags are not passed on.
            let same = written.as_ref().is_none_or(|written| written.as_bytes()[2..54] == header[2..54] || place == 53);
            prop_assert!(same, "{written:?}");
        }
    }
}
