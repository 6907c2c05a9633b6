//! LDAP with a million users: searches and walks compared with OpenLDAP's `slapd` that has the same entries; binds compared
//! with the time of one hash.

use std::net::SocketAddr;
use std::time::Duration;

use crate::Settings;
use crate::ceiling;
use crate::figure::{Row, Series, Target, Unit};
use crate::ldap::{self, Peer};
use crate::machine;
use crate::output::Output;
use crate::request::{self, DOMAIN, People, Person, WITH_PASSWORD};
use crate::site::{ACCOUNT, Site};
use crate::slapd::{self, Slapd};

use super::{Bench, WARM_UP};

const USERS: u64 = 1_000_000;

/// Connections that search or bind, each with one request at a time.
const CONNECTIONS: usize = 16;

/// Users that are searched for, spread over all.
const SEARCHED: u64 = 50_000;

/// Users that bind: more than connections, so that none binds twice in a row on one of them.
const BINDING: usize = 256;

/// The time limit for their creation.
const CREATION: Duration = Duration::from_secs(120);

#[derive(Default)]
struct Rounds {
    their_searches: Vec<f64>,
    searches: Vec<f64>,
    their_walks: Vec<f64>,
    walks: Vec<f64>,
    hashes: Vec<f64>,
    binds: Vec<f64>,
    /// MiB at rest, and at most during all walks until then.
    at_rest: Vec<f64>,
    at_most: Vec<f64>,
}

pub(crate) fn measure(settings: &Settings, output: &Output) -> anyhow::Result<Vec<Row>> {
    let address = slapd::free_address()?;
    let site = Site::with_settings(settings, "", &format!("[ldap]\nlisten = \"{address}\"\n"))?;
    let slapd = their_directory(&site, output)?;
    let service = our_directory(&site, address, output)?;
    let mut bench = Bench::on_site(site)?;
    bench.acknowledged = USERS;
    let binding = binding_users(&mut bench)?;
    let mut rounds = Rounds::default();
    ldap::search(&service, searched(), CONNECTIONS, WARM_UP)?;
    for round in 1..=settings.rounds {
        bench.show_round("ldap", round, settings, output);
        rounds.measure_one(&bench, slapd.as_ref(), &service, &binding, settings)?;
    }
    drop(slapd);
    bench.finish()?;
    Ok(vec![rounds.row()])
}

fn user(number: u64) -> String {
    format!("user{number:07}@{DOMAIN}")
}

fn searched() -> impl Iterator<Item = String> {
    (0..SEARCHED).map(|n| user(n * (USERS / SEARCHED) + 1))
}

/// A `slapd` with the users, if it is installed.
fn their_directory(site: &Site, output: &Output) -> anyhow::Result<Option<Slapd>> {
    let Some(program) = Slapd::program() else {
        output.progress("ldap: slapd is not installed, so nothing is compared with it");
        return Ok(None);
    };
    output.progress("ldap: loading OpenLDAP");
    let folder = site.file("openldap");
    Slapd::configure(&folder)?;
    let suffix = ldap::SUFFIX;
    let top = format!(
        "dn: {suffix}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Bench\n\n\
         dn: ou=people,{suffix}\nobjectClass: organizationalUnit\nou: people\n\n"
    );
    let users = (1..=USERS).map(|number| {
        let user = user(number);
        let local = user.split('@').next().unwrap_or_default();
        format!(
            "dn: uid={user},ou=people,{suffix}\nobjectClass: inetOrgPerson\nuid: {user}\nuid: {local}\n\
             mail: {user}\ncn: User {number}\nsn: {number}\n\n"
        )
    });
    Slapd::load(program, &folder, std::iter::once(top).chain(users))?;
    Slapd::start(program, &folder).map(Some)
}

/// Seeds the users. Returns the application that searches.
fn our_directory(site: &Site, address: SocketAddr, output: &Output) -> anyhow::Result<Peer> {
    site.admin(async |admin| {
        let mut progress = |count: u64| output.progress(&format!("ldap: seeding, {} %", count * 100 / USERS));
        admin.seed(Some(ACCOUNT), Some(DOMAIN), USERS, &mut progress).await?;
        let client = admin.add_client(ACCOUNT, "Bench", "Super Administrator", &["directory"]).await?;
        Ok(Peer {
            address,
            name: format!("cn={},ou=applications,{}", client.client_id, ldap::SUFFIX),
            password: client.client_secret().to_owned(),
        })
    })
}

/// Creates users with passwords. Returns their names and passwords.
fn binding_users(bench: &mut Bench) -> anyhow::Result<Vec<(String, String)>> {
    let requests = bench.render_some(WITH_PASSWORD, BINDING)?;
    let sent = bench.create(requests, WITH_PASSWORD, CONNECTIONS, CREATION)?;
    anyhow::ensure!(sent.answered == BINDING as u64, "only {} users were created", sent.answered);
    let mut people = People::default();
    let user = |_| {
        let Person { address, .. } = people.next_person();
        let password = request::password(&address);
        (format!("uid={address},ou=people,{}", ldap::SUFFIX), password)
    };
    Ok((0..BINDING).map(user).collect())
}

impl Rounds {
    fn measure_one(
        &mut self,
        bench: &Bench,
        slapd: Option<&Slapd>,
        service: &Peer,
        binding: &[(String, String)],
        settings: &Settings,
    ) -> anyhow::Result<()> {
        let length = settings.length();
        if let Some(slapd) = slapd {
            self.their_searches.push(ldap::search(&slapd.peer(), searched(), CONNECTIONS, length)?);
        }
        self.searches.push(ldap::search(service, searched(), CONNECTIONS, length)?);
        if let Some(slapd) = slapd {
            let (entries, seconds) = ldap::walk(&slapd.peer())?;
            anyhow::ensure!(entries as u64 == USERS, "slapd has {entries} users");
            self.their_walks.push(entries as f64 / seconds);
        }
        self.at_rest.push(bench.memory()?.now);
        let (entries, seconds) = ldap::walk(service)?;
        anyhow::ensure!(entries as u64 >= USERS, "a walk has {entries} users");
        self.walks.push(entries as f64 / seconds);
        self.at_most.push(bench.memory()?.most);
        self.hashes.push(ceiling::hashes(1, length)? * machine::cores() as f64);
        self.binds.push(ldap::bind(service, binding.iter().cloned(), CONNECTIONS, length)?);
        Ok(())
    }

    fn row(self) -> Row {
        let rate = |name, values| Series::new(name, Unit::PerSecond, values);
        let (searches, walks) = (rate("searches", self.searches), rate("entries of a walk", self.walks));
        let (hashes, binds) = (rate("cores ÷ time of one hash", self.hashes), rate("binds", self.binds));
        let memory = |name, values| Series::new(name, Unit::Mebibytes, values);
        let at_rest = memory("memory before the walk", self.at_rest);
        let at_most = memory("memory, at most", self.at_most);
        let mut verdicts = vec![
            binds.ratio_to("binds ÷ (cores ÷ time of one hash)", &hashes).compared_with(Target::AtLeast(0.9)),
        ];
        let mut series = vec![searches, walks, hashes, binds, at_rest, at_most];
        if !self.their_searches.is_empty() {
            let theirs = [
                rate("searches of OpenLDAP", self.their_searches),
                rate("entries of a walk of OpenLDAP", self.their_walks),
            ];
            let names = ["searches ÷ those of OpenLDAP", "walk ÷ that of OpenLDAP"];
            let [searches, walks] = [0, 1].map(|n: usize| series[n].ratio_to(names[n], &theirs[n]));
            verdicts.insert(0, searches.compared_with(Target::AtLeast(1.0)));
            series.push(walks);
            series.splice(0..0, theirs);
        }
        Row {
            title: format!("LDAP, {USERS} users, {CONNECTIONS} connections"),
            series,
            verdicts,
            others: 0.0,
        }
    }
}
