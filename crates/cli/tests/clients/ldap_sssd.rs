//! sssd: users and groups of the directory are users and groups of a Linux machine.

use std::path::Path;

use crate::ldap_site::{ANN, ANN_NAME, GROUP, STAFF, on_both_engines};
use crate::program::command;
use crate::{compatibility, tools};

#[test]
fn sssd_finds_users_and_their_groups() {
    let what = "sssd";
    let has_all = tools::has_tools(what, &["unshare", "getent", "python3"])
        && tools::has_file(what, Path::new("/usr/sbin/sssd"));
    if !has_all {
        return;
    }
    if !rustix::process::getuid().is_root() {
        return testkit::left_out(what, "root, to mount folders in a namespace");
    }
    let version = format!("sssd {}", tools::version("/usr/sbin/sssd", &["--version"]));
    on_both_engines(what, |site| {
        let output = command("unshare")
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .arg(tools::file("ldap/sssd.sh"))
            .arg(site.settings())
            .args([ANN, STAFF])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{output:?}");
        let lines: Vec<_> = said.lines().collect();
        let [user, group, groups] = lines[..] else { panic!("three lines: {said}") };
        let fields: Vec<_> = user.split(':').collect();
        assert_eq!((fields[0], fields[4], fields[6]), (ANN, ANN_NAME, "/bin/bash"), "{user}");
        assert!(fields[2].parse::<u32>().unwrap() >= 100_000, "{user}");
        assert!(group.starts_with(&format!("{STAFF}:")) && group.ends_with(&format!(":{ANN}")), "{group}");
        // Of the group in which it is, and of the group above that.
        assert!(groups.contains(GROUP) && groups.contains(STAFF), "{groups}");
    });
    compatibility::record_run(&compatibility::SSSD, &version);
}
