//! The rows of the table, and the code that their measurements share.

pub(crate) mod bulk;
pub(crate) mod console;
pub(crate) mod create;
pub(crate) mod growth;
pub(crate) mod import;
pub(crate) mod ldap;
pub(crate) mod openldap;
pub(crate) mod passwords;
pub(crate) mod pooler;
pub(crate) mod postgres;
pub(crate) mod single;
pub(crate) mod start;

use std::time::Duration;

use crate::Settings;
use crate::driver::{self, Load, Sent};
use crate::figure::Row;
use crate::machine;
use crate::output::Output;
use crate::process::Process;
use crate::request::{PLAIN, People, Requests, Shape};
use crate::site::Site;

/// Measures rows of the table.
pub(crate) type Measure = fn(&Settings, &Output) -> anyhow::Result<Vec<Row>>;

/// The time that both sides run before the measurement.
const WARM_UP: Duration = Duration::from_secs(1);

/// A bare server does not look at requests, so they can be repeated.
fn bare_load(requests: Requests, connections: usize) -> Load {
    Load { requests: requests.over_and_over(), connections, every: None }
}

/// A server under test, and the number of users created on it.
struct Bench {
    site: Site,
    server: Process,
    people: People,
    /// Creations that the server acknowledged.
    acknowledged: u64,
    /// The latest rate in requests per second. It decides how many to render.
    pace: f64,
}

impl Bench {
    fn new(settings: &Settings) -> anyhow::Result<Self> {
        Self::on_site(Site::new(settings)?)
    }

    fn on_site(site: Site) -> anyhow::Result<Self> {
        let server = site.serve()?;
        Ok(Self { site, server, people: People::default(), acknowledged: 0, pace: 0.0 })
    }

    /// Requests for this time, with half as many in reserve.
    fn render(&mut self, shape: Shape, length: Duration) -> anyhow::Result<Requests> {
        let count = (self.pace * length.as_secs_f64() * 1.5).ceil();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few million at most")]
        self.render_some(shape, (count as usize).max(64))
    }

    fn render_some(&mut self, shape: Shape, count: usize) -> anyhow::Result<Requests> {
        Requests::render(&self.site.keys, &mut self.people, shape, count)
    }

    /// Creates users on several connections, as fast as possible.
    fn create(
        &mut self,
        requests: Requests,
        shape: Shape,
        connections: usize,
        length: Duration,
    ) -> anyhow::Result<Sent> {
        let sent = driver::send(self.server.address, Load { requests, connections, every: None }, length)?;
        self.acknowledged += sent.answered * shape.items as u64;
        self.pace = sent.per_second();
        Ok(sent)
    }

    /// Creates users for a moment, with at most `at_most` requests, to warm caches and learn the rate.
    fn warm_up(&mut self, shape: Shape, connections: usize, at_most: usize) -> anyhow::Result<()> {
        let requests = self.render_some(shape, at_most)?;
        self.create(requests, shape, connections, WARM_UP).map(drop)
    }

    /// Starts a bare server, which answers every request with one real response of the server under test.
    fn serve_bare(&mut self) -> anyhow::Result<Process> {
        let sample = self.render_some(PLAIN, 1)?;
        let answer = driver::ask(self.server.address, sample.take().unwrap_or_default())?;
        self.acknowledged += 1;
        self.site.serve_bare(&answer)
    }

    fn show_round(&self, row: &str, round: u32, settings: &Settings, output: &Output) {
        let (rounds, pid) = (settings.rounds, self.server.pid());
        output.progress(&format!("{row}: round {round} of {rounds}, server process {pid}"));
    }

    fn memory(&self) -> anyhow::Result<machine::Memory> {
        machine::memory(self.server.pid())
    }

    /// Stops the server and compares the database with the acknowledged creations.
    fn finish(self) -> anyhow::Result<()> {
        self.server.stop()?;
        self.site.verify(self.acknowledged)
    }
}
