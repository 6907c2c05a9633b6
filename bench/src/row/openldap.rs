//! create-user compared with OpenLDAP's `slapd` and its mdb backend, which forces every add to disk before it
//! acknowledges it.

use crate::Settings;
use crate::figure::{Row, Series, Target, Unit};
use crate::ldap;
use crate::output::Output;
use crate::request::{PLAIN, People};
use crate::slapd::Slapd;

use super::{Bench, WARM_UP};

/// The number at which OpenLDAP is fastest.
const CONNECTIONS: usize = 32;

pub(crate) fn measure(settings: &Settings, output: &Output) -> anyhow::Result<Vec<Row>> {
    let title = format!("create-user beside OpenLDAP, {CONNECTIONS} connections");
    let row = |title, series, verdicts| Row { title, series, verdicts, others: 0.0 };
    let Some(program) = Slapd::program() else {
        return Ok(vec![row(format!("{title}: left out, slapd is not installed"), vec![], vec![])]);
    };
    output.progress("openldap: warming up");
    let mut bench = Bench::new(settings)?;
    bench.warm_up(PLAIN, CONNECTIONS, 20_000)?;
    let folder = bench.site.file("openldap");
    Slapd::configure(&folder)?;
    let slapd = Slapd::start(program, &folder)?;
    let peer = slapd.peer();
    ldap::add_suffix(&peer)?;
    let mut people = People::default();
    ldap::add(&peer, &mut people, CONNECTIONS, WARM_UP)?;
    let (mut theirs, mut ours) = (vec![], vec![]);
    for round in 1..=settings.rounds {
        output.progress(&format!("openldap: round {round} of {}", settings.rounds));
        theirs.push(ldap::add(&peer, &mut people, CONNECTIONS, settings.length())?);
        let requests = bench.render(PLAIN, settings.length())?;
        ours.push(bench.create(requests, PLAIN, CONNECTIONS, settings.length())?.per_second());
    }
    drop(slapd);
    bench.finish()?;
    let theirs = Series::new("OpenLDAP add", Unit::PerSecond, theirs);
    let ours = Series::new("create-user", Unit::PerSecond, ours);
    let ratio = ours.ratio_to("create-user ÷ OpenLDAP add", &theirs).compared_with(Target::AtLeast(25.0));
    Ok(vec![row(title, vec![theirs, ours], vec![ratio])])
}
