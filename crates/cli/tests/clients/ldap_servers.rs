//! Servers that look users up and log them in: sssd, which makes users and groups of the directory those of a Linux machine,
//! and Dovecot.

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

#[test]
fn dovecot_logs_users_in() {
    let what = "Dovecot";
    if !tools::has_tools(what, &["python3", "doveadm"])
        || !tools::has_file(what, Path::new("/usr/lib/dovecot/modules/auth/libauthdb_ldap.so"))
    {
        return;
    }
    if !rustix::process::getuid().is_root() {
        return testkit::left_out(what, "root, as whom Dovecot starts");
    }
    let version = format!("Dovecot {}", tools::version("/usr/sbin/dovecot", &["--version"]));
    on_both_engines(what, |site| {
        let folder = tempfile::Builder::new().prefix("dovecot").tempdir_in("/tmp").unwrap();
        // Its processes run as another user.
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path(), readable).unwrap();
        let mut dovecot = command(tools::file("ldap/dovecot.sh"));
        let output = dovecot.arg(site.settings()).arg(folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        assert!(output.status.success(), "{output:?}\n{log}");
        let lines: Vec<_> = said.lines().collect();
        let [right, wrong, number] = lines[..] else { panic!("three lines: {said}\n{log}") };
        assert_eq!((right, wrong), ("yes", "no"), "{log}");
        assert!(number.parse::<u32>().unwrap() >= 100_000, "{number}");
    });
    compatibility::record_run(&compatibility::DOVECOT, &version);
}
