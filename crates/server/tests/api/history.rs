//! Random histories of many clients against a small model: what is answered, what is there at the end, what the audit tells.
//! Requests come again, ids come with another body, keys, roles and passwords are taken away, the clock goes far ahead and
//! back, the server is restarted, and some things happen at once.
//!
//! A few histories in every run; `MATRICULA_HISTORIES=1000` for more. A history that fails is shortened, and printed as
//! JSON: with a sentence in `about` it becomes a file in `history/kept`, which every run replays.

mod model;
mod step;
mod world;

use proptest::prelude::*;

use model::Model;
use step::{CALLERS, History, any_history};
use world::World;

async fn replay(history: History) {
    let (mut world, mut model) = (World::new(history.strict).await, Model::new(history.strict, CALLERS));
    for step in history.steps {
        world = world.take(&mut model, step).await;
    }
    world.compare(&model).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_histories_once_found_stays_found() {
    for (name, history) in History::kept() {
        // A test that fails shows what it printed: the last one is the one that failed.
        println!("{name}: {history:?}");
        replay(history).await;
    }
}

fn histories() -> u32 {
    #[expect(clippy::disallowed_methods, reason = "how many histories is for who runs the test to say")]
    std::env::var("MATRICULA_HISTORIES").map_or(6, |histories| histories.parse().unwrap())
}

proptest! {
    // A history that fails is kept as it is, and not as the number that it was drawn with.
    #![proptest_config(ProptestConfig {
        cases: histories(),
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_answer_is_one_that_the_model_gives(history in any_history()) {
        tokio::runtime::Runtime::new().unwrap().block_on(replay(history));
    }
}
