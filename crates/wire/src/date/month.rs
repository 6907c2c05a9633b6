/// A month of the Gregorian calendar, 1 to 12.
#[derive(Clone, Copy)]
pub(super) struct Month(pub(super) i8);

/// Names of the months, lower case and without a final dot: English, German, French, Spanish, Italian, Portuguese,
/// Dutch, Danish, Norwegian, Swedish, Finnish, Polish, Czech, Turkish, Russian, each name once.
///
/// A name that is missing here is not refused, but guessed at from the date of today, and so a date signed in a language
/// that is not here would look fresh again a month later. Hence the list, and hence no name that means different
/// months in different languages (Croatian `lis` is October, Polish `lis` is November).
const NAMES: [&str; 12] = [
    "jan january januar januari janv janvier janeiro jän jänner ene enero gen gennaio tammi tammikuu tammikuuta \
     sty styczeń stycznia led leden ledna oca ocak янв январь января",
    "feb february februar februari févr février fev fevereiro febrero febbraio helmi helmikuu helmikuuta \
     lut luty lutego úno únor února şub şubat февр февраль февраля",
    "mar march märz mär mars marzo março maart mrt marts maalis maaliskuu maaliskuuta \
     marzec marca bře březen března mart март марта",
    "apr april avr avril abr abril aprile huhti huhtikuu huhtikuuta kwi kwiecień kwietnia dub duben dubna \
     nis nisan апр апрель апреля",
    "may mai mayo mag maggio maio mei maj touko toukokuu toukokuuta maja kvě květen května mayıs май мая",
    "jun june juni juin junio giu giugno junho kesä kesäkuu kesäkuuta cze czerwiec czerwca čvn červen června \
     haz haziran июнь июня",
    "jul july juli juil juillet julio lug luglio julho heinä heinäkuu heinäkuuta lipiec lipca \
     čvc červenec července tem temmuz июль июля",
    "aug august août ago agosto augustus augusti elo elokuu elokuuta sie sierpień sierpnia srpen srpna \
     ağu ağustos авг август августа",
    "sep sept september septembre septiembre set settembre setembro syys syyskuu syyskuuta wrz wrzesień września \
     zář září eyl eylül сент сентябрь сентября",
    "oct october okt oktober octobre octubre ott ottobre out outubro loka lokakuu lokakuuta \
     paź październik października říj říjen října eki ekim окт октябрь октября",
    "nov november novembre noviembre novembro marras marraskuu marraskuuta listopadu kas kasım нояб ноябрь ноября",
    "dec december dez dezember déc décembre dic diciembre dicembre dezembro des desember joulu joulukuu joulukuuta \
     gru grudzień grudnia prosinec prosince ara aralık дек декабрь декабря",
];

/// The month that `words` name. Nothing if they are in a language that is not known here.
pub(super) fn parse(words: &[&str]) -> Option<Month> {
    match words {
        [name] => named(name).or_else(|| numbered(words)),
        _ => numbered(words),
    }
}

fn named(word: &str) -> Option<Month> {
    let word = word.strip_suffix('.').unwrap_or(word);
    let is = |name: &str| {
        if word.is_ascii() { name.eq_ignore_ascii_case(word) } else { name == word.to_lowercase() }
    };
    (1..).zip(NAMES).find(|(_, names)| names.split(' ').any(is)).map(|(month, _)| Month(month))
}

/// A number with letters around it, as Chinese, Japanese, Korean and Vietnamese have it: `11月`, `11월`, `thg 11`. A bare
/// number is left alone: it would say nothing about which of two numbers is the day.
fn numbered(words: &[&str]) -> Option<Month> {
    let mut digits = words.iter().flat_map(|word| word.split(|sign: char| !sign.is_ascii_digit()));
    let mut present = digits.by_ref().filter(|run| !run.is_empty());
    let number = super::number(present.next()?, 1..=2)?;
    let letters = words.iter().any(|word| word.contains(char::is_alphabetic));
    (letters && present.next().is_none() && (1..=12).contains(&number)).then_some(Month(number))
}
