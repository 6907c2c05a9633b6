//! create-user compared with OpenLDAP's `slapd` and its mdb backend, which forces every add to disk before it
//! acknowledges it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::Settings;
use crate::figure::{Row, Series, Target, Unit};
use crate::ldap;
use crate::machine;
use crate::output::Output;
use crate::request::{PLAIN, People};

use super::{Bench, WARM_UP};

/// The number at which OpenLDAP is fastest.
const CONNECTIONS: usize = 32;

/// The time limit for its start.
const START: Duration = Duration::from_secs(10);

/// The path on Debian, which is not in every user's PATH.
const PROGRAMS: [&str; 3] = ["/usr/sbin/slapd", "/usr/local/libexec/slapd", "/usr/libexec/slapd"];

pub(crate) fn measure(settings: &Settings, output: &Output) -> anyhow::Result<Vec<Row>> {
    let title = format!("create-user beside OpenLDAP, {CONNECTIONS} connections");
    let row = |title, series, verdicts| Row { title, series, verdicts, others: 0.0 };
    let Some(program) = PROGRAMS.iter().find(|program| Path::new(program).exists()) else {
        return Ok(vec![row(format!("{title}: left out, slapd is not installed"), vec![], vec![])]);
    };
    output.progress("openldap: warming up");
    let mut bench = Bench::new(settings)?;
    bench.warm_up(PLAIN, CONNECTIONS, 20_000)?;
    let peer = Slapd::start(program, &bench.site.file("openldap"))?;
    let mut people = People::default();
    ldap::add(peer.address, &mut people, CONNECTIONS, WARM_UP)?;
    let (mut theirs, mut ours) = (vec![], vec![]);
    for round in 1..=settings.rounds {
        output.progress(&format!("openldap: round {round} of {}", settings.rounds));
        theirs.push(ldap::add(peer.address, &mut people, CONNECTIONS, settings.length())?);
        let requests = bench.render(PLAIN, settings.length())?;
        ours.push(bench.create(requests, PLAIN, CONNECTIONS, settings.length())?.per_second());
    }
    drop(peer);
    bench.finish()?;
    let theirs = Series::new("OpenLDAP add", Unit::PerSecond, theirs);
    let ours = Series::new("create-user", Unit::PerSecond, ours);
    let ratio = ours.ratio_to("create-user ÷ OpenLDAP add", &theirs).compared_with(Target::AtLeast(25.0));
    Ok(vec![row(title, vec![theirs, ours], vec![ratio])])
}

/// A `slapd` with a database in a separate folder.
struct Slapd {
    process: Child,
    address: SocketAddr,
}

impl Slapd {
    fn start(program: &str, folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder.join("data"))?;
        let config = folder.join("slapd.conf");
        let shown = folder.display();
        // Forced writes stay enabled. The attributes to search by are indexed, as in the server.
        let text = format!(
            "include /etc/ldap/schema/core.schema\n\
             include /etc/ldap/schema/cosine.schema\n\
             include /etc/ldap/schema/inetorgperson.schema\n\
             modulepath /usr/lib/ldap\n\
             moduleload back_mdb\n\
             pidfile {shown}/slapd.pid\n\
             database mdb\n\
             suffix \"{}\"\n\
             rootdn \"{}\"\n\
             rootpw {}\n\
             directory {shown}/data\n\
             maxsize 17179869184\n\
             index objectClass,uid,mail eq\n",
            ldap::SUFFIX,
            ldap::ADMINISTRATOR,
            ldap::PASSWORD,
        );
        std::fs::write(&config, text)?;
        // It cannot report a port that it chose, so it gets one that was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let process = Command::new(program)
            .args(["-d", "0", "-h", &format!("ldap://{address}"), "-f"])
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| program.to_owned())?;
        let mut slapd = Self { process, address };
        let started = machine::now();
        while TcpStream::connect(address).is_err() {
            if slapd.process.try_wait()?.is_some() || started.elapsed() > START {
                bail!("slapd did not start: {program} -d 1 -f {} tells why", config.display());
            }
            std::thread::yield_now();
        }
        ldap::add_suffix(address)?;
        Ok(slapd)
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
