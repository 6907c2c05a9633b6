//! Backups that the server makes on a schedule.

use std::path::Path;

use jiff::SignedDuration;
use server::backups::list;
use server::config::{Backup, Metrics};
use testkit::TestServer;

use crate::metrics::collected;
use crate::user;

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn backups_are_made_on_schedule_checked_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let backups = folder.path().join("backups");
    std::fs::create_dir(&backups).unwrap();
    std::fs::write(backups.join("notes.txt"), "of somebody else").unwrap();
    let server = TestServer::start_with(|config| {
        config.backup = Some(Backup { every_hours: 6, keep: 2, ..Backup::new(&backups) });
        config.metrics = Some(Metrics { listen: ([127, 0, 0, 1], 0).into(), allow_remote: false });
    })
    .await;
    let make = async |hours: i64| {
        server.clock().advance(SignedDuration::from_hours(hours));
        let now = server.clock().now();
        let server = server.server().clone();
        tokio::task::spawn_blocking(move || server.make_due_backup()).await.unwrap();
        // The schedule may have been faster: what counts is that there is one of now.
        let newest = list(&backups).ok().and_then(|backups| backups.last().map(|newest| newest.made));
        newest.is_some_and(|made| made.as_second() == now.as_second())
    };
    assert!(make(0).await);
    let first = list(&backups).unwrap();
    assert_eq!(first.len(), 1, "{:?}", names(&backups));
    assert!(!make(5).await, "it is not due yet");
    assert!(make(1).await);
    server.administrator().create(user("ann@example.com")).await;
    // A process was killed while it made one.
    std::fs::write(backups.join("matricula-20200101T000000Z.unchecked.4711.part"), "half").unwrap();
    std::fs::write(backups.join("matricula-20200101T000000Z.unchecked"), "whole").unwrap();
    assert!(make(6).await);
    let kept = list(&backups).unwrap();
    assert_eq!(kept.len(), 2, "{:?}", names(&backups));
    assert!(!kept.contains(&first[0]) && names(&backups).len() == 3, "{:?}", names(&backups));

    let samples = collected(&server).await;
    let newest = &kept[1];
    assert_eq!(samples["matricula_backup_time_seconds{}"], newest.made.as_second() as f64);
    assert_eq!(samples["matricula_backup_bytes{}"], newest.bytes as f64);
    assert_eq!(samples["matricula_backup_failures_total{}"], 0.0);

    std::fs::rename(&backups, folder.path().join("away")).unwrap();
    assert!(!make(7).await);
    assert_eq!(collected(&server).await["matricula_backup_failures_total{}"], 1.0);
    std::fs::rename(folder.path().join("away"), &backups).unwrap();
    assert!(!make(0).await, "after a failure it waits");
    assert!(make(1).await);
    assert_eq!(list(&backups).unwrap().len(), 2);
}
