//! Restoring the newest backup, the drill, and ends of the audit that are kept elsewhere.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "no server runs here")]
mod running;

use std::path::PathBuf;
use std::process::Output;

use running::matricula;
use serde_json::Value;
use tempfile::TempDir;

struct Site {
    folder: TempDir,
    config: PathBuf,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("matricula.toml");
        let site = Self { folder, config };
        let made = site.run(&["init", "--domain", "acme.example"]);
        assert!(made.status.success(), "{made:?}");
        let settings = std::fs::read_to_string(&site.config).unwrap();
        std::fs::create_dir(site.file("backups")).unwrap();
        std::fs::write(&site.config, settings + "[backup]\nfolder = \"backups\"\n").unwrap();
        site
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        matricula(&["--json"]).args(arguments).arg("--config").arg(&self.config).output().unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// A backup as the server names it, of this time of 2026-11-30.
    fn backup(&self, time: &str) {
        let file = self.file(&format!("backups/matricula-20261130T{time}Z.backup"));
        self.json(&["backup", file.to_str().unwrap()]);
    }

    fn add_account(&self, code: &str) {
        assert!(self.run(&["admin", "account", "create", code, "--name", code]).status.success());
    }
}

fn error_of(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    error["error"].as_str().unwrap().to_owned()
}

#[test]
fn the_newest_backup_up_to_a_moment_is_restored_and_drilled() {
    let site = Site::new();
    assert!(error_of(&site.run(&["drill"])).contains("has no backup"));
    site.backup("100000");
    site.add_account("C2");
    site.backup("110000");
    site.add_account("C3");
    let drilled = site.json(&["drill"]);
    assert_eq!((&drilled["accounts"], &drilled["audit_events"]), (&2.into(), &6.into()), "{drilled}");
    assert!(drilled["backup"].as_str().unwrap().contains("T110000Z"));
    assert_eq!(site.json(&["drill", "--at", "2026-11-30T10:59:59Z"])["accounts"], 1);
    let early = error_of(&site.run(&["drill", "--at", "2026-11-30T09:00:00Z"]));
    assert!(early.contains("no backup that was made at or before 2026-11-30T09:00:00Z"), "{early}");
    let parent = site.file("scratch");
    std::fs::create_dir(&parent).unwrap();
    site.json(&["drill", "--folder", parent.to_str().unwrap()]);
    assert_eq!(std::fs::read_dir(&parent).unwrap().count(), 0, "the copy is deleted");
    assert_eq!(
        site.json(&["admin", "account", "list"]).as_array().unwrap().len(),
        3,
        "production is as it was"
    );

    let restored = site.json(&["restore", "--replace"]);
    assert!(restored["from"].as_str().unwrap().contains("T110000Z"), "{restored}");
    assert_eq!(site.json(&["admin", "account", "list"]).as_array().unwrap().len(), 2);

    // A backup that was changed fails the drill.
    let newest = site.file("backups/matricula-20261130T110000Z.backup");
    rusqlite::Connection::open(&newest)
        .unwrap()
        .execute("DELETE FROM audit_events WHERE seq = 3", [])
        .unwrap();
    assert!(error_of(&site.run(&["drill"])).contains("the audit in"), "the chain is broken");
}

#[test]
fn a_lost_end_of_the_audit_shows_against_a_noted_one() {
    let site = Site::new();
    site.backup("100000");
    site.add_account("C2");
    let heads = site.file("heads.json");
    let note = || std::fs::write(&heads, site.run(&["audit", "head"]).stdout).unwrap();
    note();
    let verify = || site.run(&["audit", "verify", "--heads", heads.to_str().unwrap()]);
    assert!(verify().status.success());
    site.add_account("C3");
    assert!(verify().status.success(), "events that came later are fine");
    assert!(site.run(&["restore", "--replace"]).status.success());
    assert!(site.run(&["audit", "verify"]).status.success(), "the audit itself is whole");
    let lost = verify();
    assert_eq!(lost.status.code(), Some(3), "{lost:?}");
    let told = String::from_utf8(lost.stdout).unwrap();
    assert!(told.contains("5 of 6 events that were noted: the rest is lost"), "{told}");
    site.add_account("C9");
    let told = String::from_utf8(verify().stdout).unwrap();
    assert!(told.contains("event 6 is not the one that was noted"), "{told}");
    for no_heads in ["not heads", "[]", "[{\"chain\":0}]"] {
        std::fs::write(&heads, no_heads).unwrap();
        assert!(error_of(&verify()).contains("expected the output of `matricula --json audit head`"));
    }
    // A log, whose line is about a chain that was lost as a whole.
    let line =
        format!("{{\"message\":\"audit head\",\"chain\":7,\"events\":3,\"head\":\"{}\"}}", "ab".repeat(32));
    std::fs::write(&heads, format!("{{\"message\":\"started\"}}\n{line}\n")).unwrap();
    let lost = verify();
    assert_eq!(lost.status.code(), Some(3), "{lost:?}");
    let told = String::from_utf8(lost.stdout).unwrap();
    assert!(told.contains("0 of 3 events that were noted"), "{told}");
}
