//! The vectors of RFC 9106, and the crate `argon2` on random inputs, for each width of this machine.

use argon2::{Algorithm, Argon2, AssociatedData, Block, Params, ParamsBuilder, Version};
use proptest::prelude::*;
use rstest::rstest;

use crate::ffi::{self, Secrets};
use crate::{Error, Input, Width, hash};

fn blocks(count: usize) -> Vec<Block> {
    // Not empty: what an earlier hash left must not matter.
    let mut memory = vec![Block::new(); count];
    memory.iter_mut().for_each(|block| block.as_mut().fill(0x0123_4567_89ab_cdef));
    memory
}

/// RFC 9106, section 5.
#[rstest]
#[case(Algorithm::Argon2d, "512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb")]
#[case(Algorithm::Argon2i, "c814d9d1dc7f37aa13f0d77f2494bda1c8de6b016dd388d29952a4c4672b6ce8")]
#[case(Algorithm::Argon2id, "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659")]
fn the_vectors_of_the_rfc_come_out(#[case] algorithm: Algorithm, #[case] expected: &str) {
    let mut params = ParamsBuilder::new();
    params.m_cost(32).t_cost(3).p_cost(4).data(AssociatedData::new(&[4; 12]).unwrap());
    let params = params.build().unwrap();
    for width in Width::available() {
        let input = Input { algorithm, version: Version::V0x13, params: &params, salt: &[2; 16] };
        let (mut output, mut memory) = ([0; 32], blocks(32));
        let secrets = Secrets { password: &[1; 32], secret: &[3; 8] };
        ffi::hash(width, &input, secrets, &mut output, &mut memory).unwrap();
        let text: String = output.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(text, expected, "{width:?}");
    }
}

proptest! {
    #[test]
    fn the_plain_crate_says_the_same(
        algorithm in prop::sample::select(vec![Algorithm::Argon2d, Algorithm::Argon2i, Algorithm::Argon2id]),
        version in prop::sample::select(vec![Version::V0x10, Version::V0x13]),
        lanes in 1..5_u32, more in 0..200_u32, passes in 1..5_u32,
        password in prop::collection::vec(any::<u8>(), 0..100),
        salt in prop::collection::vec(any::<u8>(), 8..80),
        length in 4..100_usize,
    ) {
        let params = Params::new(8 * lanes + more, passes, lanes, None).unwrap();
        let mut expected = vec![0; length];
        let mut memory = blocks(params.block_count());
        let plain = Argon2::new(algorithm, version, params.clone());
        plain.hash_password_into_with_memory(&password, &salt, &mut expected, &mut memory).unwrap();
        for width in Width::available() {
            let (mut output, mut memory) = (vec![0; length], blocks(params.block_count() + 3));
            let input = Input { algorithm, version, params: &params, salt: &salt };
            hash(width, &input, &password, &mut output, &mut memory).unwrap();
            prop_assert_eq!(&output, &expected, "{:?}", width);
            // Wiped, and nothing behind what the cost needs was touched.
            let used = params.block_count();
            prop_assert!(memory[..used].iter().all(|block| block.as_ref().iter().all(|word| *word == 0)));
            prop_assert!(memory[used..].iter().all(|block| block.as_ref().iter().all(|word| *word != 0)));
        }
    }
}

#[test]
fn what_can_not_be_hashed_says_why() {
    let params = Params::new(64, 1, 1, None).unwrap();
    let hash = |salt: &[u8], output: usize, memory: usize| {
        let input = Input { algorithm: Algorithm::Argon2id, version: Version::V0x13, params: &params, salt };
        hash(Width::widest(), &input, b"", &mut vec![0; output], &mut blocks(memory))
    };
    assert_eq!(hash(&[0; 8], 32, 64), Ok(()), "an empty password is one");
    assert_eq!(hash(&[0; 8], 32, 63), Err(Error::Memory { needed: 64, found: 63 }));
    assert_eq!(hash(&[0; 7], 32, 64), Err(Error::Refused(-6)));
    assert_eq!(hash(&[0; 8], 3, 64), Err(Error::Refused(-2)));
    assert_eq!(hash(&[], 32, 64), Err(Error::Refused(-6)));
}

#[test]
fn threads_do_not_share_what_they_lend() {
    let params = Params::new(256, 2, 1, None).unwrap();
    let run = |salt: u8| {
        let salt = [salt; 16];
        let input =
            Input { algorithm: Algorithm::Argon2id, version: Version::V0x13, params: &params, salt: &salt };
        let (mut output, mut memory) = ([0; 32], blocks(256));
        hash(Width::widest(), &input, b"password", &mut output, &mut memory).unwrap();
        output
    };
    let alone: Vec<_> = (0..8).map(run).collect();
    let together: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|salt| scope.spawn(move || run(salt))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(alone, together);
}
