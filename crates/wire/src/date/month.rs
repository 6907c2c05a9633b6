use std::borrow::Cow;

/// A month of the Gregorian calendar, 1 to 12.
#[derive(Clone, Copy)]
pub(super) struct Month(pub(super) i8);

/// Names of the months, lower case and without a final dot: English, German, French, Spanish, Italian, Portuguese,
/// Dutch, Danish, Norwegian, Swedish, Finnish, Polish, Czech, Turkish, Russian, Chinese, each name once.
///
/// A missing name is not refused but guessed from today's date, and a date with it is fresh again a month later.
/// Therefore the list is long, and it has no name that means different months in different languages (`lis` is October
/// in Croatian and November in Polish, `srp` is July and August).
const NAMES: [&str; 12] = [
    "jan january januar januari janv janvier janeiro jän jänner ene enero gen gennaio tammi tammik \
     tammikuu tammikuuta sty styczeń stycznia led leden ledna oca ocak янв январь января 一月",
    "feb february februar februari fév févr février fev fevereiro febrero febbraio helmi helmik helmikuu \
     helmikuuta lut luty lutego úno únor února şub şubat февр февраль февраля 二月",
    "mar march märz mär mars marzo março maart mrt marts maalis maalisk maaliskuu maaliskuuta marzec \
     marca bře březen března mart мар март марта 三月",
    "apr april avr avril abr abril aprile huhti huhtik huhtikuu huhtikuuta kwi kwiecień kwietnia dub \
     duben dubna nis nisan апр апрель апреля 四月",
    "may mai mayo mag maggio maio mei maj touko toukok toukokuu toukokuuta maja kvě květen května mayıs \
     май мая 五月",
    "jun june juni juin junio giu giugno junho kesä kesäk kesäkuu kesäkuuta cze czerwiec czerwca čvn \
     červen června haz haziran июн июнь июня 六月",
    "jul july juli juil juill juillet julio lug luglio julho heinä heinäk heinäkuu heinäkuuta lipiec \
     lipca čvc červenec července tem temmuz июл июль июля 七月",
    "aug august août ago agosto augustus augusti elo elok elokuu elokuuta sie sierpień sierpnia srpen \
     srpna ağu ağustos авг август августа 八月",
    "sep sept september septembre septiembre set settembre setembro syys syysk syyskuu syyskuuta wrz \
     wrzesień września zář září eyl eylül сен сент сентябрь сентября 九月",
    "oct october okt oktober octobre octubre ott ottobre out outubro loka lokak lokakuu lokakuuta paź \
     październik października říj říjen října eki ekim окт октябрь октября 十月",
    "nov november novembre noviembre novembro marras marrask marraskuu marraskuuta listopadu kas kasım \
     ноя нояб ноябрь ноября 十一月",
    "dec december dez dezember déc décembre dic diciembre dicembre dezembro des desember joulu jouluk \
     joulukuu joulukuuta gru grudzień grudnia pro prosinec prosince ara aralık дек декабрь декабря 十二月",
];

/// The month that `words` name; `None` for unknown names.
pub(super) fn parse(words: &[&str]) -> Option<Month> {
    match words {
        [name] => named(name).or_else(|| numbered(words)),
        _ => numbered(words),
    }
}

fn named(word: &str) -> Option<Month> {
    let word = word.strip_suffix('.').unwrap_or(word);
    let word = if word.is_ascii() { Cow::Borrowed(word) } else { Cow::Owned(word.to_lowercase()) };
    let is = |name: &str| name.eq_ignore_ascii_case(&word);
    // Most dates have the English abbreviation, which is the first name of each month.
    let english = NAMES.iter().position(|names| is(&names[..3]));
    let index = english.or_else(|| NAMES.iter().position(|names| names.split(' ').any(is)))?;
    i8::try_from(index + 1).ok().map(Month)
}

/// A number with letters around it, as in Chinese, Japanese, Korean and Vietnamese: `11月`, `11월`, `thg 11`. A bare
/// number is ambiguous, because it could be the day.
fn numbered(words: &[&str]) -> Option<Month> {
    let mut digits = words.iter().flat_map(|word| word.split(|sign: char| !sign.is_ascii_digit()));
    let mut present = digits.by_ref().filter(|run| !run.is_empty());
    let number = super::number(present.next()?, 1..=2)?;
    let letters = words.iter().any(|word| word.contains(char::is_alphabetic));
    (letters && present.next().is_none() && (1..=12).contains(&number)).then_some(Month(number))
}
