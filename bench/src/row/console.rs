//! The console's list of a million users: time to the first byte, and size.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use anyhow::Context as _;

use crate::Settings;
use crate::figure::{Row, Series, Target, Unit, quantile};
use crate::machine;
use crate::output::Output;
use crate::process::Process;
use crate::request::DOMAIN;
use crate::site::{ACCOUNT, Site};

/// Number of users.
const USERS: u64 = 1_000_000;

/// Visits of each page in a round.
const VISITS: usize = 100;

/// The cheapest hash, because only the list is measured.
const CHEAP_HASH: &str = "[passwords]\nmemory_kib = 8\niterations = 1\n";

const ADDRESS: &str = "console@example.com";
const PASSWORD: &str = "Correct horse 7 battery";

/// Queries of the list, and their names.
const PAGES: &[(&str, &str)] = &[
    ("list, first byte p99", ""),
    ("list, from its middle", "?after=example.com@user0500000"),
    ("search by word", "?q=user0424242"),
    ("search by address", "?q=user0770077@"),
    ("administrators", "?state=administrator"),
];

pub(crate) fn measure(settings: &Settings, output: &Output) -> anyhow::Result<Vec<Row>> {
    let site = Site::with_settings(settings, "", CHEAP_HASH)?;
    let hasher = site.hasher()?;
    site.admin(async |admin| {
        let password = PASSWORD.to_owned().into();
        let role = "Super Administrator";
        admin.add_administrator(ACCOUNT, ADDRESS, "", role, Some((&password, &hasher))).await?;
        let mut progress =
            |there: u64| output.progress(&format!("console: seeding, {} %", there * 100 / USERS));
        admin.seed(Some(ACCOUNT), Some(DOMAIN), USERS, &mut progress).await?;
        output.progress("console: the index of words");
        admin.index_users().await?;
        Ok(())
    })?;
    let watch = machine::Watch::start()?;
    let server = site.serve()?;
    let mut browser = Browser::open(&server)?;
    browser.sign_in()?;
    let list = format!("/console/{ACCOUNT}/users");
    browser.get(&list)?;
    let mut times = vec![Vec::new(); PAGES.len()];
    for round in 1..=settings.rounds {
        output.progress(&format!("console: round {round} of {}", settings.rounds));
        for ((_, query), times) in PAGES.iter().zip(&mut times) {
            let mut micros = Vec::with_capacity(VISITS);
            for _ in 0..VISITS {
                let answer = browser.get(&format!("{list}{query}"))?;
                anyhow::ensure!(answer.has_rows(), "{query:?} finds nobody");
                micros.push(answer.first_byte_micros);
            }
            times.push(quantile(&mut micros, 0.99) / 1_000.0);
        }
    }
    let first = browser.get(&list)?;
    let mut bytes = first.bytes;
    for asset in first.assets() {
        bytes += browser.get(&asset)?.bytes;
    }
    server.stop()?;
    let series =
        PAGES.iter().zip(times).map(|((name, _), times)| Series::new(*name, Unit::Milliseconds, times));
    let mut verdicts: Vec<_> = series.map(|series| series.compared_with(Target::Below(20.0))).collect();
    #[expect(clippy::cast_precision_loss, reason = "a few hundred thousand at most")]
    let transferred =
        Series::new("list, all that is transferred", Unit::Kibibytes, vec![bytes as f64 / 1_024.0]);
    // 100 kB, in units of 1,024 bytes.
    verdicts.push(transferred.compared_with(Target::Below(100_000.0 / 1_024.0)));
    Ok(vec![Row {
        title: format!("console, list of {USERS} users"),
        series: vec![],
        verdicts,
        others: watch.share_of_others()?,
    }])
}

/// One connection, kept open as by a browser.
struct Browser {
    stream: BufReader<TcpStream>,
    cookie: String,
}

struct Answer {
    first_byte_micros: u32,
    /// Bytes of the whole response, with headers.
    bytes: usize,
    headers: Vec<String>,
    body: Vec<u8>,
}

impl Answer {
    /// Whether the page lists any user.
    fn has_rows(&self) -> bool {
        String::from_utf8_lossy(&self.body).contains("name=\"pick\"")
    }

    /// The files that the page makes a browser fetch.
    fn assets(&self) -> Vec<String> {
        let page = String::from_utf8_lossy(&self.body);
        let links = page.split(['"', '\'']).filter(|text| text.starts_with("/console/assets/"));
        let links: std::collections::BTreeSet<_> = links.map(str::to_owned).collect();
        links.into_iter().collect()
    }
}

impl Browser {
    fn open(server: &Process) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(server.address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), cookie: String::new() })
    }

    fn sign_in(&mut self) -> anyhow::Result<()> {
        let form = format!("address={ADDRESS}&password={}", PASSWORD.replace(' ', "+"));
        let length = form.len();
        let answer = self.send(
            &format!(
                "POST /console/sign-in HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {length}\r\n"
            ),
            &form,
        )?;
        let cookie = answer.headers.iter().find_map(|header| header.strip_prefix("set-cookie: "));
        let cookie = cookie.context("nobody is let in")?.split(';').next().unwrap_or_default();
        cookie.clone_into(&mut self.cookie);
        Ok(())
    }

    fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        let answer = self.send(&format!("GET {path} HTTP/1.1\r\nAccept-Encoding: gzip\r\n"), "")?;
        anyhow::ensure!(
            answer.headers.first().is_some_and(|line| line.contains(" 200 ")),
            "{path}: {:?}",
            answer.headers
        );
        Ok(answer)
    }

    fn send(&mut self, head: &str, body: &str) -> anyhow::Result<Answer> {
        let request = format!("{head}Host: localhost\r\nCookie: {}\r\n\r\n{body}", self.cookie);
        let sent = machine::now();
        self.stream.get_mut().write_all(request.as_bytes())?;
        self.stream.fill_buf()?;
        let first_byte_micros = u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX);
        let (mut headers, mut bytes, mut length) = (Vec::new(), 0, 0);
        loop {
            let mut line = String::new();
            bytes += self.stream.read_line(&mut line)?;
            let line = line.trim_end().to_owned();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse()?;
            }
            headers.push(line);
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(Answer { first_byte_micros, bytes: bytes + length, headers, body })
    }
}
