//! The server as the directory grows: the same measurements at several sizes, each with a separately seeded directory.

mod report;

use std::path::PathBuf;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde_json::{Value, json};

use self::report::{Point, Report};
use super::Bench;
use crate::Settings;
use crate::driver::Dialogue;
use crate::figure::{Series, Unit};
use crate::machine;
use crate::output::Output;
use crate::process::Process;
use crate::request::{self, DOMAIN, PLAIN, People};
use crate::site::{ACCOUNT, Site};

/// The cheapest hash, so that the measurement of logins is not one of hashing.
const CHEAP_HASH: &str = "[passwords]\nmemory_kib = 8\niterations = 1\n";

/// Users per page: the maximum.
const PAGE: u64 = 500;

/// The number of pages and logins of which the median is taken.
const ASKED: usize = 50;

/// The user that logs in.
const LOGIN: &str = "login@example.com";
const PASSWORD: &str = "Correct horse 7 battery";

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Sizes of the directory, in users
    #[arg(
        long,
        value_name = "N,N,…",
        required = true,
        value_delimiter = ',',
        value_parser = clap::value_parser!(u64).range(1_000..=100_000_000)
    )]
    users: Vec<u64>,
    /// Keep the directories
    #[arg(long)]
    keep: bool,
    /// Also draw the results into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

impl Arguments {
    /// The distinct sizes in ascending order. The others are compared with the first.
    fn sizes(&self) -> Vec<u64> {
        let mut sizes = self.users.clone();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }
}

pub(crate) fn run(settings: &Settings, arguments: &Arguments, output: &Output) -> anyhow::Result<()> {
    let before = machine::load();
    let watch = machine::Watch::start()?;
    let mut points = Vec::new();
    for users in arguments.sizes() {
        points.push(measure(settings, arguments.keep, users, output)?);
    }
    let report = Report::new(settings, machine::describe(before), points, watch.share_of_others()?);
    output.print(&report.table())?;
    if let Some(path) = &settings.json {
        output.json(&report, path)?;
    }
    if let Some(path) = &arguments.svg {
        std::fs::write(path, report.svg()).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn measure(settings: &Settings, keep: bool, users: u64, output: &Output) -> anyhow::Result<Point> {
    let say = |what: &str| output.progress(&format!("growth, {users} users: {what}"));
    let site = Site::with_settings(settings, "", CHEAP_HASH)?;
    let seeded = seed(&site, users, &say)?;
    let size = site.size()?;
    say("starting");
    let (server, starts) = start_repeatedly(&site, settings.rounds)?;
    let rest = machine::memory(server.pid())?.now;
    say("turning pages up to the middle");
    let pages = pages(&site, &server, users)?;
    say("logging in");
    let logins = logins(&site, &server)?;

    let mut bench =
        Bench { site, server, people: People::after_seeded(users), acknowledged: users, pace: 0.0 };
    let created = create(&mut bench, settings, &say)?;
    let loaded = bench.memory()?.most;
    say("verifying");
    let Bench { site, server, acknowledged, .. } = bench;
    server.stop()?;
    site.verify(acknowledged)?;
    if keep {
        output.progress(&format!("kept: {}\n", site.keep().display()));
    }
    Ok(Point {
        users,
        seeded,
        created: Series::new("create-user", Unit::PerSecond, created),
        page: Series::new("page of 500 in the middle", Unit::Milliseconds, pages),
        login: Series::new("login without the cost of its hash", Unit::Milliseconds, logins),
        start: Series::new("from spawn to ready", Unit::Milliseconds, starts),
        rest,
        loaded,
        size: size as f64 / f64::from(1 << 20),
    })
}

/// Seeds the directory. Returns users per second.
fn seed(site: &Site, users: u64, say: &(impl Fn(&str) + Sync)) -> anyhow::Result<f64> {
    let started = machine::now();
    let hasher = site.hasher()?;
    site.admin(async |admin| {
        let password = PASSWORD.to_owned().into();
        admin
            .add_administrator(ACCOUNT, LOGIN, "", "Basic Administrator", Some((&password, &hasher)))
            .await?;
        let mut progress = |count: u64| say(&format!("seeding, {} %", count * 100 / users));
        let seeded = admin.seed(Some(ACCOUNT), Some(DOMAIN), users, &mut progress).await?;
        anyhow::ensure!(seeded.added == users, "{seeded:?}");
        Ok(())
    })?;
    Ok(users as f64 / started.elapsed().as_secs_f64())
}

/// Starts the server once per round. Returns the last one, still running, and the milliseconds of each start.
fn start_repeatedly(site: &Site, rounds: u32) -> anyhow::Result<(Process, Vec<f64>)> {
    let mut times = Vec::new();
    for _ in 1..rounds {
        let server = site.serve()?;
        times.push(milliseconds(&server));
        server.stop()?;
    }
    let server = site.serve()?;
    times.push(milliseconds(&server));
    Ok((server, times))
}

/// Creates users in every round. Returns users per second.
fn create(bench: &mut Bench, settings: &Settings, say: &impl Fn(&str)) -> anyhow::Result<Vec<f64>> {
    let (connections, rounds) = (usize::from(settings.connections), settings.rounds);
    bench.warm_up(PLAIN, connections, 20_000)?;
    let mut created = Vec::new();
    for round in 1..=rounds {
        say(&format!("creating, round {round} of {rounds}, server process {}", bench.server.pid()));
        let requests = bench.render(PLAIN, settings.length())?;
        created.push(bench.create(requests, PLAIN, connections, settings.length())?.per_second());
    }
    Ok(created)
}

fn milliseconds(server: &Process) -> f64 {
    server.ready_after.as_secs_f64() * 1_000.0
}

/// Times of pages from the middle of the list on, which is reached page by page, as by any client.
fn pages(site: &Site, server: &Process, users: u64) -> anyhow::Result<Vec<f64>> {
    let signer = client::Signer::new(&site.keys)?;
    let mut dialogue = Dialogue::open(server.address)?;
    let mut turn = |token: &Option<String>| -> anyhow::Result<(Option<String>, f64)> {
        let pagination = json!({ "pageSize": PAGE, "pageToken": token });
        let body =
            json!({ "meta": { "pagination": pagination }, "data": [{ "domain": DOMAIN }] }).to_string();
        let mut request = Vec::new();
        request::signed(&signer, "/api/user/get-internal-users", body.as_bytes(), &mut request);
        let (answer, took) = dialogue.ask(&request)?;
        let answer: Value = serde_json::from_slice(answer)?;
        Ok((answer["meta"]["pagination"]["next"].as_str().map(str::to_owned), took))
    };
    let mut middle = None;
    for _ in 0..users / 2 / PAGE {
        middle = Some(turn(&middle)?.0.context("the list ended before its middle")?);
    }
    let (mut token, mut times) = (middle.clone(), Vec::new());
    while times.len() < ASKED {
        let (next, took) = turn(&token)?;
        // The last page is not full.
        if next.is_some() {
            times.push(took);
        }
        token = next.or_else(|| middle.clone());
    }
    Ok(times)
}

/// Times of logins that prolong one key pair.
fn logins(site: &Site, server: &Process) -> anyhow::Result<Vec<f64>> {
    let credentials = STANDARD.encode(format!("{LOGIN}:{PASSWORD}"));
    let authorization = format!("Basic-Cloud {credentials}");
    let headers = [("authorization", &*authorization), ("x-mc-app-id", &*site.keys.app_id)];
    let mut dialogue = Dialogue::open(server.address)?;
    let (mut times, mut access_key) = (Vec::new(), None);
    while times.len() <= ASKED {
        let body = json!({ "data": [{ "userName": LOGIN, "accessKey": access_key }] }).to_string();
        let mut request = Vec::new();
        request::render("/api/login/login", headers, body.as_bytes(), &mut request);
        let (answer, took) = dialogue.ask(&request)?;
        let answer: Value = serde_json::from_slice(answer)?;
        access_key = answer["data"][0]["accessKey"].as_str().map(str::to_owned);
        anyhow::ensure!(access_key.is_some(), "no login: {answer}");
        times.push(took);
    }
    // The first login created the key pair.
    Ok(times.split_off(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn sizes_are_read_sorted_and_taken_once() {
        let read = |users: &str| Line::try_parse_from(["growth", "--users", users]);
        assert_eq!(read("1000000,10000,1000000").unwrap().arguments.sizes(), [10_000, 1_000_000]);
        for wrong in ["", "10", "10000,many", "10000;20000"] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
