//! Requests run once, wherever the memory of them is: compared with a model, with small generations.

use std::collections::HashMap;

use directory::audit::Actor;
use directory::port::{Entropy, Recalled, RequestIds, RequestKey, Write, Written};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use rusqlite::Connection;

use super::migrate;
use crate::session::Session;
use crate::tables::batch::{Batch, Chain};
use crate::tables::forget::Forget;
use crate::tables::memory::{Memory, fingerprint};
use crate::tables::request::{Requests, recall};
use crate::tables::work::Work;
use crate::vault::{MasterKey, Vault};

const IDS: u8 = 40;

struct Sevens;

impl Entropy for Sevens {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// Requests of one transaction: ids and bodies.
    Run(Vec<(u8, u8)>),
    /// The same, but the transaction does not commit.
    RollBack(Vec<(u8, u8)>),
    Forget,
    /// The process ends and another one starts.
    Restart,
    /// The other process goes on.
    Switch,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let requests = || prop::collection::vec((0..IDS, 0..2_u8), 1..8);
    let step = prop_oneof![
        8 => requests().prop_map(Step::Run),
        2 => requests().prop_map(Step::RollBack),
        2 => Just(Step::Forget),
        2 => Just(Step::Restart),
        1 => Just(Step::Switch),
    ];
    prop::collection::vec(step, 1..40)
}

fn key(id: u8, body: u8) -> RequestKey {
    RequestKey { credential: [1; 16], request_id: [id; 16], digest: [body; 32] }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000 + second).unwrap()
}

fn answer(id: u8, body: u8, second: i64) -> Vec<u8> {
    format!("{id} {body} {second}").into_bytes()
}

/// One database, and the memories of two processes.
struct World {
    generation: usize,
    connection: Connection,
    memories: [Memory; 2],
    vault: Vault,
    /// Seconds.
    clock: i64,
    /// Body and time of requests that ran and are not forgotten.
    model: HashMap<u8, (u8, i64)>,
}

impl World {
    fn new(generation: usize) -> Self {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate::run(&mut connection).unwrap();
        let master = MasterKey::parse(&"0f".repeat(32)).unwrap();
        let vault = Vault::open(&master, &Vault::new_ring(&master, &Sevens).unwrap()).unwrap();
        let memories = [(); 2].map(|()| Memory::read(&connection, generation).unwrap());
        Self { generation, connection, memories, vault, clock: 0, model: HashMap::new() }
    }

    fn transaction<W: Work>(&self, work: &W, commits: bool) -> W::Output {
        let session: &dyn Session = &self.connection;
        session.batch("BEGIN IMMEDIATE").unwrap();
        let chain = Chain::read(session, 1, "").unwrap();
        let batch = Batch::begin(session, &self.vault, &Sevens, chain);
        let mut batch = batch.with(&self.memories[0]).unwrap();
        let output = work.run(&mut batch).unwrap();
        let news = batch.end().unwrap().unwrap();
        session.batch(if commits { "COMMIT" } else { "ROLLBACK" }).unwrap();
        if commits {
            self.memories[0].take(news);
        }
        output
    }

    fn run(&mut self, requests: &[(u8, u8)], commits: bool) {
        self.clock += 1;
        let clock = self.clock;
        let write = |&(id, body): &(u8, u8)| Write {
            once: Some((key(id, body), RequestIds::Strict)),
            evidence: Vec::new(),
            actor: Actor::Operator,
            now: at(clock),
            changes: Vec::new(),
            render: Box::new(move |_| answer(id, body, clock)),
            times: None,
        };
        let before = self.model.clone();
        let written = self.transaction(&Requests(requests.iter().map(write).collect()), commits);
        for (&(id, body), written) in requests.iter().zip(written) {
            let expected = match self.model.get(&id) {
                Some(&(known, ran_at)) if known == body => Written::Repeated(answer(id, body, ran_at)),
                Some(_) => Written::RequestIdReused,
                None => {
                    self.model.insert(id, (body, clock));
                    Written::Ran(answer(id, body, clock))
                }
            };
            assert_eq!(written, expected, "request {id}");
        }
        if !commits {
            self.model = before;
        }
    }

    fn forget(&mut self) {
        self.clock += 3;
        let forget = Forget { now: at(self.clock), window: SignedDuration::from_secs(4), after: i64::MIN };
        self.transaction(&forget, true);
        let newest = self.model.values().map(|(_, ran_at)| *ran_at).max().unwrap_or(0);
        let before = self.clock.min(newest) - 8;
        self.model.retain(|_, (_, ran_at)| *ran_at >= before);
    }

    fn restart(&mut self) {
        self.memories[0] = Memory::read(&self.connection, self.generation).unwrap();
    }

    /// What a reader finds before the writer looks.
    fn assert_found(&self) {
        for id in (0..IDS).chain(self.model.keys().copied()) {
            let expected = match self.model.get(&id) {
                Some(&(body, ran_at)) => Recalled::Ran(answer(id, body, ran_at)),
                None => Recalled::Unknown,
            };
            let key = key(id, self.model.get(&id).map_or(0, |(body, _)| *body));
            let memory = &self.memories[0];
            assert!(!memory.lacks(fingerprint(&key)) || expected == Recalled::Unknown, "request {id}");
            assert_eq!(recall(&self.connection, Some(memory), &key, RequestIds::Strict).unwrap(), expected);
        }
    }

    fn count(&self, sql: &str) -> i64 {
        self.connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn requests_run_once_across_generations_restarts_and_processes(
        generation in prop::sample::select(vec![1, 4, 20, 30]), steps in steps()
    ) {
        let mut world = World::new(generation);
        for step in steps {
            match step {
                Step::Run(requests) => world.run(&requests, true),
                Step::RollBack(requests) => world.run(&requests, false),
                Step::Forget => world.forget(),
                Step::Restart => world.restart(),
                Step::Switch => {
                    world.memories.swap(0, 1);
                    // A reader knows the other process's requests after its own next transaction.
                    world.run(&[(0, 0)], true);
                }
            }
            world.assert_found();
        }
    }
}

#[test]
fn what_is_forgotten_leaves_the_index_too() {
    let mut world = World::new(4);
    for id in 0..IDS {
        world.run(&[(id, 0)], true);
    }
    assert!(world.count("SELECT count(*) FROM request_index") > 20);
    assert!(world.count("SELECT max(seq) FROM request_index_end") > 20);
    world.clock += 100;
    world.run(&[(200, 0), (201, 0)], true);
    for _ in 0..3 {
        world.forget();
    }
    assert_eq!(world.count("SELECT count(*) FROM requests"), 2);
    for id in 2..IDS {
        world.run(&[(id, 1)], true);
    }
    let orphans = "SELECT count(*) FROM request_index i WHERE NOT EXISTS (SELECT 1 FROM requests r WHERE r.seq = i.seq)";
    assert_eq!(world.count(orphans), 0);
    assert_eq!(world.count("SELECT count(*) FROM requests"), i64::from(IDS));
}

#[test]
fn requests_of_many_generations_are_put_into_the_index_at_a_start() {
    let mut world = World::new(4);
    for id in 0..IDS {
        world.run(&[(id, 0)], true);
    }
    // As after an upgrade.
    world.connection.execute_batch("DELETE FROM request_index; DELETE FROM request_index_end").unwrap();
    world.restart();
    let unindexed = "SELECT count(*) FROM requests WHERE seq > (SELECT seq FROM request_index_end)";
    assert!(world.count(unindexed) < 4);
    world.assert_found();
}

#[test]
fn a_generation_may_be_forgotten_while_it_moves() {
    let mut world = World::new(40);
    for id in 0..41 {
        world.run(&[(id, 0)], true);
    }
    assert_eq!(world.count("SELECT count(*) FROM request_index"), 16);
    world.clock += 100;
    world.run(&[(50, 0)], true);
    world.forget();
    assert_eq!(world.count("SELECT count(*) FROM requests"), 1);
    for id in 51..200 {
        world.run(&[(id, 0)], true);
        world.model.retain(|known, _| *known >= 50);
    }
    world.assert_found();
}

#[test]
fn a_generation_ends_when_what_was_left_of_it_is_forgotten() {
    let mut world = World::new(40);
    // The index takes the least first, and the oldest are forgotten first.
    let mut ids: Vec<u8> = (0..40).collect();
    ids.sort_by_key(|id| std::cmp::Reverse(fingerprint(&key(*id, 0))));
    for id in ids {
        world.run(&[(id, 0)], true);
    }
    world.run(&[(40, 0)], true);
    assert_eq!(world.count("SELECT count(*) FROM request_index"), 16);
    world.forget();
    assert_eq!(world.count("SELECT count(*) FROM request_index"), 8);
    for id in 41..90 {
        world.run(&[(id, 0)], true);
    }
    assert!(world.count("SELECT count(*) FROM request_index") > 8, "the next generation moves");
    world.assert_found();
}
