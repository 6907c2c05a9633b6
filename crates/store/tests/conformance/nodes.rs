//! Several nodes on one database that do not know each other.

use std::sync::Arc;

use directory::port::Written;

use crate::Engine;
use crate::engine::*;

fn id(request: &mut directory::port::Write, n: u32) {
    request.once.as_mut().unwrap().0.request_id[..4].copy_from_slice(&n.to_be_bytes());
}

/// Every request goes to two nodes at once: one runs it, the other returns the same response.
pub(crate) async fn a_request_runs_on_one_node(engine: &impl Engine) {
    let nodes = [filled_store(engine).await, engine.open(), engine.open()];
    let mut tasks = Vec::new();
    for n in 0..300_u32 {
        let pair = [0, 1].map(|of| {
            let node = Arc::clone(&nodes[(n as usize + of) % 3]);
            tokio::spawn(async move {
                let mut request = request(0, 1, vec![user(100 + n, &format!("user{n}@example.com"))]);
                id(&mut request, n);
                create(&node, request).await
            })
        });
        tasks.push(pair);
    }
    for [one, other] in tasks {
        let mut both = [one.await.unwrap(), other.await.unwrap()];
        both.sort_by_key(|written| matches!(written, Written::Repeated(_)));
        assert_eq!(both, [written_text("[Created]"), Written::Repeated(b"[Created]".to_vec())]);
    }
    assert_eq!(nodes[2].count_users().await.unwrap(), FILLED + 300);
    assert!(nodes[2].verify_audit().await.unwrap().iter().all(|report| report.broken.is_none()));
}

/// The signature does not cover the body, so two bodies can have one id. Only one of them runs, on whichever node.
pub(crate) async fn a_request_id_belongs_to_one_body_on_all_nodes(engine: &impl Engine) {
    let nodes = [filled_store(engine).await, engine.open()];
    let mut tasks = Vec::new();
    for n in 0..100_u32 {
        let pair = [0_u8, 1].map(|body| {
            let node = Arc::clone(&nodes[usize::from(body)]);
            tokio::spawn(async move {
                let address = format!("user{n}-{body}@example.com");
                let mut request = request(0, body, vec![user(100 + 2 * n + u32::from(body), &address)]);
                id(&mut request, n);
                create(&node, request).await
            })
        });
        tasks.push(pair);
    }
    for [one, other] in tasks {
        let mut both = [one.await.unwrap(), other.await.unwrap()];
        both.sort_by_key(|written| *written == Written::RequestIdReused);
        assert_eq!(both, [written_text("[Created]"), Written::RequestIdReused]);
    }
    assert_eq!(nodes[0].count_users().await.unwrap(), FILLED + 100);
}

/// Different requests for one address go to two nodes at once: one of them gets it, and the other is told so.
pub(crate) async fn an_address_belongs_to_one_request_on_all_nodes(engine: &impl Engine) {
    let nodes = [filled_store(engine).await, engine.open(), engine.open()];
    let mut tasks = Vec::new();
    for n in 0..200_u32 {
        let pair = [0, 1].map(|of| {
            let node = Arc::clone(&nodes[(n + of) as usize % 3]);
            tokio::spawn(async move {
                let number = 2 * n + of;
                let own = user(1_000 + number, &format!("own{number}@example.com"));
                let shared = user(2_000 + number, &format!("user{n}@example.com"));
                let mut request = request(0, 1, vec![own, shared]);
                id(&mut request, number);
                create(&node, request).await
            })
        });
        tasks.push(pair);
    }
    for [one, other] in tasks {
        let mut both = [one.await.unwrap(), other.await.unwrap()];
        both.sort_by_key(|written| *written == written_text("[Created, AddressTaken]"));
        assert_eq!(both, ["[Created, Created]", "[Created, AddressTaken]"].map(written_text));
    }
    assert_eq!(nodes[0].count_users().await.unwrap(), FILLED + 600);
    assert!(nodes[1].verify_audit().await.unwrap().iter().all(|report| report.broken.is_none()));
}

/// One node revokes something while another writes. Later writes are not based on the old state, and every acknowledged
/// write is stored.
pub(crate) async fn a_revocation_on_one_node_stops_writes_of_the_other(engine: &impl Engine) {
    let (writing, taking) = (filled_store(engine).await, engine.open());
    let (written, mut first) = tokio::sync::mpsc::unbounded_channel();
    let tasks: Vec<_> = (0..8_u32)
        .map(|task| {
            let (writing, written) = (Arc::clone(&writing), written.clone());
            tokio::spawn(async move {
                for n in 0.. {
                    let n = task * 1_000_000 + n;
                    let mut request = request(0, 1, vec![user(100 + n, &format!("user{n}@example.com"))]);
                    id(&mut request, n);
                    if create(&writing, request).await == Written::Stale {
                        return n % 1_000_000;
                    }
                    let _ = written.send(());
                }
                0
            })
        })
        .collect();
    // Only after the writers have started.
    first.recv().await.unwrap();
    apply(&taking, vec![disable(user_id(1))]).await;
    let mut late = request(1, 1, vec![user(1, "late@example.com")]);
    id(&mut late, u32::MAX);
    assert_eq!(create(&writing, late).await, Written::Stale);
    let mut created = FILLED;
    for task in tasks {
        created += u64::from(task.await.unwrap());
    }
    assert_eq!(taking.count_users().await.unwrap(), created);
}
