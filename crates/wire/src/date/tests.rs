use proptest::prelude::*;
use rstest::rstest;

use super::*;

/// A moment in UTC, as in `2026-11-24T12:50:11`.
fn at(moment: &str) -> Timestamp {
    format!("{moment}Z").parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-11-24T12:55:00")
}

/// Years from the tested dates, so that no month can be guessed.
fn another_time() -> Timestamp {
    at("2031-06-15T00:00:00")
}

#[rstest]
#[case::documented("Tue, 24 Nov 2015 12:50:11 UTC")]
#[case::c_sharp("Tue, 24 Nov 2015 12:50:11 GMT")]
#[case::no_weekday("24 Nov 2015 12:50:11 UTC")]
#[case::no_comma("Tue 24 Nov 2015 12:50:11 UTC")]
#[case::wrong_weekday("Mon, 24 Nov 2015 12:50:11 UTC")]
#[case::full_names("Tuesday, 24 November 2015 12:50:11 Z")]
#[case::any_case("TUE, 24 NOV 2015 12:50:11 utc")]
#[case::blanks("  Tue,  24 Nov   2015 12:50:11\tUTC ")]
#[case::zero_offset("Tue, 24 Nov 2015 12:50:11 +0000")]
#[case::minus_zero("Tue, 24 Nov 2015 12:50:11 -0000")]
#[case::east("Tue, 24 Nov 2015 13:50:11 +0100")]
#[case::west_with_colon("Tue, 24 Nov 2015 07:20:11 -05:30")]
#[case::hours_only("Tue, 24 Nov 2015 14:50:11 +02")]
#[case::java_offset("Tue, 24 Nov 2015 13:50:11 GMT+01:00")]
#[case::short_java_offset("Tue, 24 Nov 2015 10:50:11 UTC-2")]
#[case::british_summer("Tue, 24 Nov 2015 13:50:11 BST")]
#[case::new_york("Tue, 24 Nov 2015 07:50:11 EST")]
#[case::california("Tue, 24 Nov 2015 04:50:11 PST")]
#[case::sydney("Tue, 24 Nov 2015 23:50:11 AEDT")]
#[case::next_day("Wed, 25 Nov 2015 01:50:11 NZDT")]
#[case::johannesburg("Tue, 24 Nov 2015 14:50:11 SAST")]
#[case::german("Di., 24 Nov. 2015 12:50:11 UTC")]
#[case::french("mar., 24 nov. 2015 12:50:11 UTC")]
#[case::polish("wt., 24 listopadu 2015 12:50:11 UTC")]
#[case::russian("вт, 24 нояб. 2015 12:50:11 UTC")]
#[case::russian_capitals("ВТ, 24 НОЯБ. 2015 12:50:11 UTC")]
#[case::turkish("Sal, 24 Kas 2015 12:50:11 UTC")]
#[case::japanese("火, 24 11月 2015 12:50:11 UTC")]
#[case::korean("화, 24 11월 2015 12:50:11 UTC")]
#[case::vietnamese("Th 3, 24 thg 11 2015 12:50:11 UTC")]
#[case::chinese("星期二, 24 十一月 2015 12:50:11 UTC")]
#[case::dots_in_the_time("ti, 24 marrask. 2015 12.50.11 UTC")]
fn forms_that_are_read(#[case] value: &str) {
    assert_eq!(parse(value.as_bytes(), another_time()), Ok(at("2015-11-24T12:50:11")));
}

#[rstest]
#[case::day_of_one_digit("Thu, 3 Dec 2026 09:05:08 UTC", "2026-12-03T09:05:08")]
#[case::german("Mi., 4 März 2026 09:05:08 UTC", "2026-03-04T09:05:08")]
#[case::german("Do., 3 Dez. 2026 09:05:08 UTC", "2026-12-03T09:05:08")]
#[case::french("lun., 3 août 2026 09:05:08 UTC", "2026-08-03T09:05:08")]
#[case::british("Thu, 3 Sept 2026 09:05:08 UTC", "2026-09-03T09:05:08")]
#[case::canadian("Mon., 7 Sep. 2026 09:05:08 UTC", "2026-09-07T09:05:08")]
#[case::australian("Sun, 7 June 2026 09:05:08 UTC", "2026-06-07T09:05:08")]
#[case::weekday_empty(", 7 Sep 2026 09:05:08 UTC", "2026-09-07T09:05:08")]
#[case::leap_day("Sat, 29 Feb 2020 00:00:00 UTC", "2020-02-29T00:00:00")]
#[case::leap_second("Sat, 31 Dec 2016 23:59:60 UTC", "2016-12-31T23:59:59")]
#[case::hour_of_one_digit("Sat, 31 Dec 2016 3:59:01 UTC", "2016-12-31T03:59:01")]
fn other_days(#[case] value: &str, #[case] expected: &str) {
    assert_eq!(parse(value.as_bytes(), another_time()), Ok(at(expected)));
}

#[rstest]
#[case::this_month("Tue, 24 Nowember 2026 12:50:11 UTC", "2026-11-24T12:55:00", "2026-11-24T12:50:11")]
#[case::greek("Τρί, 24 Νοε 2026 12:50:11 UTC", "2026-11-24T12:55:00", "2026-11-24T12:50:11")]
#[case::thai("อ., 24 พ.ย. 2026 12:50:11 UTC", "2026-11-24T12:55:00", "2026-11-24T12:50:11")]
#[case::two_words("الثلاثاء, 24 تشرين الثاني 2026 12:50:11 UTC", "2026-11-24T12:55:00", "2026-11-24T12:50:11")]
#[case::japanese_on_mono("火, 24 11 2026 12:50:11 UTC", "2026-11-24T12:55:00", "2026-11-24T12:50:11")]
#[case::end_of_last_month("x, 30 y 2026 23:59:58 UTC", "2026-12-01T00:00:03", "2026-11-30T23:59:58")]
#[case::start_of_next_month("x, 1 y 2026 00:00:01 UTC", "2026-11-30T23:59:58", "2026-12-01T00:00:01")]
#[case::last_year("x, 31 y 2026 23:59:58 UTC", "2027-01-01T00:00:03", "2026-12-31T23:59:58")]
#[case::next_year("x, 1 y 2027 00:00:01 UTC", "2026-12-31T23:59:58", "2027-01-01T00:00:01")]
#[case::zone_counts("x, 1 y 2027 01:00:01 CET", "2026-12-31T23:59:58", "2027-01-01T00:00:01")]
#[case::day_only_some_months_have("x, 31 y 2026 12:00:00 UTC", "2026-11-24T12:55:00", "2026-10-31T12:00:00")]
fn an_unknown_month_is_the_nearest_one(#[case] value: &str, #[case] now: &str, #[case] expected: &str) {
    assert_eq!(parse(value.as_bytes(), at(now)), Ok(at(expected)));
}

#[rstest]
#[case::nothing("", DateError::Empty)]
#[case::blanks(" \t", DateError::Empty)]
#[case::iso_8601("2015-11-24T12:50:11Z", DateError::Form)]
#[case::unix("1448369411", DateError::Form)]
#[case::ctime("Tue Nov 24 12:50:11 2015", DateError::Form)]
#[case::american("Nov 24 2015 12:50:11 UTC", DateError::Form)]
#[case::numeric("24/11/2015 12:50:11 UTC", DateError::Form)]
#[case::many_words("a, 1 b c d e 2015 12:50:11 UTC f g h", DateError::Form)]
#[case::rfc_850("Tuesday, 24-Nov-15 12:50:11 GMT", DateError::Year)]
#[case::two_digits("Tue, 24 Nov 15 12:50:11 UTC", DateError::Year)]
#[case::japanese_era("火, 24 11月 8 12:50:11 UTC", DateError::Year)]
#[case::five_digits("Tue, 24 Nov 02015 12:50:11 UTC", DateError::Year)]
#[case::buddhist("อ., 24 พ.ย. 2569 12:50:11 UTC", DateError::BuddhistYear)]
#[case::thai_on_mono(", 7 9 2569 09:05:08 UTC", DateError::BuddhistYear)]
#[case::islamic_year(", 25 ربيع الأول 1448 09:05:08 UTC", DateError::Month)]
#[case::imperial_year_on_mono("土, 7 11 08 09:05:08 UTC", DateError::Year)]
#[case::imperial_year("月, 7 9月 8 09:05:08 UTC", DateError::Year)]
#[case::arabic_digits("الثلاثاء, ٢٤ نوفمبر ٢٠٢٦ ١٢:٥٠:١١ UTC", DateError::Digits)]
#[case::no_zone("Tue, 24 Nov 2015 12:50:11", DateError::ZoneMissing)]
#[case::no_zone("24 thg 11 2015 12:50:11", DateError::ZoneMissing)]
#[case::ambiguous_zone("Tue, 24 Nov 2015 12:50:11 IST", DateError::Zone)]
#[case::unknown_zone("Tue, 24 Nov 2015 12:50:11 XYZ", DateError::Zone)]
#[case::counted_from_another_zone("Tue, 24 Nov 2015 12:50:11 EST+01", DateError::Zone)]
#[case::large_offset("Tue, 24 Nov 2015 12:50:11 +2400", DateError::Zone)]
#[case::odd_offset("Tue, 24 Nov 2015 12:50:11 +00:0", DateError::Zone)]
#[case::long_offset("Tue, 24 Nov 2015 12:50:11 +010000", DateError::Zone)]
#[case::bare_sign("Tue, 24 Nov 2015 12:50:11 +", DateError::Zone)]
#[case::no_seconds("Tue, 24 Nov 2015 12:50 UTC", DateError::Time)]
#[case::fraction("Tue, 24 Nov 2015 12:50:11.000 UTC", DateError::Time)]
#[case::hour_24("Tue, 24 Nov 2015 24:00:00 UTC", DateError::Time)]
#[case::second_61("Tue, 24 Nov 2015 12:50:61 UTC", DateError::Time)]
#[case::signs("Tue, 24 Nov 2015 -1:50:11 UTC", DateError::Time)]
#[case::three_digits("Tue, 024 Nov 2015 12:50:11 UTC", DateError::Day)]
#[case::day_missing("Tue, the Nov 2015 12:50:11 UTC", DateError::Day)]
#[case::day_zero("Tue, 0 Nov 2015 12:50:11 UTC", DateError::NoSuchDay)]
#[case::no_such_day("Tue, 31 Nov 2015 12:50:11 UTC", DateError::NoSuchDay)]
#[case::no_leap_year("Tue, 29 Feb 2015 12:50:11 UTC", DateError::NoSuchDay)]
#[case::beyond_time("Fri, 31 Dec 9999 23:59:59 -2359", DateError::NoSuchDay)]
#[case::unknown_month_of_another_year("Tue, 24 Xyz 2015 12:50:11 UTC", DateError::Month)]
#[case::bare_number("Tue, 24 11 2015 12:50:11 UTC", DateError::Month)]
#[case::month_13("火, 24 13月 2015 12:50:11 UTC", DateError::Month)]
fn forms_that_are_refused(#[case] value: &str, #[case] expected: DateError) {
    assert_eq!(parse(value.as_bytes(), now()), Err(expected));
}

#[test]
fn a_long_value_is_not_looked_at() {
    let value = format!("{:>129}", "Tue, 24 Nov 2015 12:50:11 UTC");
    assert_eq!(parse(value.as_bytes(), now()), Err(DateError::TooLong));
    assert!(parse(&value.as_bytes()[1..], now()).is_ok());
}

#[test]
fn names_in_another_encoding_are_unknown_names() {
    let value = b"mer., 24 ao\xfbt 2026 12:50:11 UTC";
    assert_eq!(parse(value, now()), Ok(at("2026-11-24T12:50:11")), "nearest month, not August");
}

#[test]
fn messages_say_what_to_send() {
    let errors = [
        DateError::Empty,
        DateError::TooLong,
        DateError::Form,
        DateError::Digits,
        DateError::Day,
        DateError::Year,
        DateError::BuddhistYear,
        DateError::Month,
        DateError::Time,
        DateError::ZoneMissing,
        DateError::Zone,
        DateError::NoSuchDay,
    ];
    insta::assert_snapshot!(errors.map(|error| error.to_string()).join("\n"), @r#"
    x-mc-date is empty: expected a date such as `Tue, 24 Nov 2015 12:50:11 UTC`
    x-mc-date is too long: expected a date such as `Tue, 24 Nov 2015 12:50:11 UTC`
    x-mc-date has another form: expected day, month, year, time and zone as in `Tue, 24 Nov 2015 12:50:11 UTC`
    x-mc-date has digits that are not 0-9: format it with an English or the root locale
    x-mc-date has no day of the month where it is expected: write it in digits before the month, as in `24 Nov`
    x-mc-date has a year that is not of four digits: write it in full, as in `2015`
    x-mc-date has a year of the Buddhist calendar: format it with the Gregorian calendar
    x-mc-date has a month that is not known: write it in English, as in `Nov`
    x-mc-date has no time as expected: write hour, minute and second, as in `12:50:11`
    x-mc-date has no zone: write `UTC` or `GMT` after the time
    x-mc-date has a zone that is not known or not unique: write `UTC`, `GMT` or an offset such as `+0000`
    x-mc-date names a day that does not exist
    "#);
}

proptest! {
    #[test]
    fn anything_is_answered(value in any::<Vec<u8>>()) {
        let _ = parse(&value, now());
    }

    #[test]
    fn anything_like_a_date_is_answered(value in "[A-Za-zä., 0-9:+-]{0,40}") {
        let _ = parse(value.as_bytes(), now());
    }

    #[test]
    fn what_rfc_1123_writes_is_read(seconds in -62_135_596_800..253_402_207_200_i64, pad in any::<bool>()) {
        let moment = Timestamp::from_second(seconds).unwrap();
        let format = if pad { "%a, %d %b %Y %H:%M:%S UTC" } else { "%a, %-d %b %Y %H:%M:%S UTC" };
        let value = moment.strftime(format).to_string();
        let now = moment + jiff::SignedDuration::from_hours(24 * 365 * if seconds > 0 { -40 } else { 40 });
        prop_assert_eq!(parse(value.as_bytes(), now), Ok(moment), "{}", value);
    }
}
