//! The real clock and randomness. No other code of the server uses them directly.

use std::cell::RefCell;
use std::sync::Arc;

use directory::id::Randomness;
use directory::port::{Clock, Entropy};
use jiff::Timestamp;
use thread_local::ThreadLocal;

/// Clock and randomness of a server. Tests replace them.
#[derive(Clone)]
pub struct System {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl System {
    /// Those of the machine.
    pub fn real() -> Self {
        Self { clock: Arc::new(MachineClock), entropy: Arc::new(MachineEntropy::default()) }
    }
}

struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the clock")]
        Timestamp::now()
    }
}

/// The randomness of ids in a block. They are no secrets: everything else comes directly from the operating system.
const IDS: usize = 64;

#[derive(Default)]
struct MachineEntropy {
    /// One block per thread, so that threads do not wait for each other.
    ids: ThreadLocal<RefCell<Block>>,
}

impl Entropy for MachineEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        #[expect(clippy::disallowed_methods, reason = "this is the randomness")]
        #[expect(
            clippy::expect_used,
            reason = "without randomness there are no keys: going on would be worse"
        )]
        getrandom::fill(buffer).expect("the operating system gives randomness");
    }

    fn randomness(&self) -> Randomness {
        self.ids.get_or_default().borrow_mut().next(|block| self.fill(block))
    }
}

/// Randomness drawn in advance: one system call for many ids.
struct Block {
    ids: [Randomness; IDS],
    left: usize,
}

impl Default for Block {
    fn default() -> Self {
        Self { ids: [Randomness::default(); IDS], left: 0 }
    }
}

impl Block {
    /// Gives out each part once, and wipes it.
    fn next(&mut self, fill: impl FnOnce(&mut [u8])) -> Randomness {
        if self.left == 0 {
            fill(self.ids.as_flattened_mut());
            self.left = IDS;
        }
        self.left -= 1;
        std::mem::take(&mut self.ids[self.left])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_byte_of_a_block_is_given_out_once_and_wiped() {
        let (mut block, mut next, mut calls) = (Block::default(), 0_u32, 0);
        let mut given = Vec::new();
        for n in 0..3 * IDS {
            given.push(block.next(|bytes| {
                calls += 1;
                assert!(bytes.iter().all(|byte| *byte == 0), "what was given out is wiped");
                for id in bytes.as_chunks_mut::<10>().0 {
                    // Ten bytes that no other id has.
                    next += 1;
                    id[..4].copy_from_slice(&next.to_le_bytes());
                    id[6..].copy_from_slice(&next.to_le_bytes());
                }
            }));
            assert_eq!(calls, n / IDS + 1);
        }
        assert_eq!(given.iter().collect::<HashSet<_>>().len(), 3 * IDS);
        assert!(given.iter().all(|id| id[..4] == id[6..] && id[..4] != [0; 4]));
    }

    #[test]
    fn threads_get_different_randomness() {
        let entropy = Arc::new(MachineEntropy::default());
        let draw = |entropy: Arc<MachineEntropy>| {
            move || (0..10 * IDS).map(|_| entropy.randomness()).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(draw(Arc::clone(&entropy)))).collect();
        let drawn: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), 4 * 10 * IDS);
    }
}
