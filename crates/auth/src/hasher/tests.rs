use super::*;
use std::sync::atomic::Ordering;

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier;
use base64::Engine as _;
use rstest::rstest;

struct Sevens;

impl Entropy for Sevens {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

const CHEAP: Cost = Cost { memory_kib: 8, iterations: 1, parallelism: 1 };

impl PasswordHasher {
    /// The form alone.
    pub(super) async fn verify(
        &self,
        password: SecretString,
        against: Option<PasswordHash>,
    ) -> Result<Option<Form>, HasherError> {
        self.verify_with_wait(password, against).await.map(|(form, _)| form)
    }
}

fn passwords(count: usize) -> Vec<SecretString> {
    (0..count).map(|n| SecretString::from(format!("password {n}"))).collect()
}

#[tokio::test]
async fn hashes_verify_in_the_order_of_the_passwords_and_no_other() {
    let hasher = PasswordHasher::start(CHEAP, 2, 10, Arc::new(Sevens)).unwrap();
    let hashes = hasher.hash(passwords(10)).await.unwrap();
    for (n, hash) in hashes.iter().enumerate() {
        let verify = |password: &str| Argon2::default().verify_password(password.as_bytes(), hash.expose());
        assert!(
            hash.expose().starts_with("$argon2id$v=19$m=8,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw$"),
            "{}",
            hash.expose()
        );
        verify(&format!("password {n}")).unwrap();
        verify(&format!("password {}", n + 1)).unwrap_err();
    }
    assert_eq!(hasher.waiting(), 0);
}

#[tokio::test]
async fn a_request_that_does_not_fit_is_refused_whole() {
    let hasher = PasswordHasher::start(CHEAP, 1, 3, Arc::new(Sevens)).unwrap();
    let full = hasher.hash(passwords(4)).await.unwrap_err();
    assert_eq!(full, HasherError::Full(HasherFull { retry_after_seconds: 1 }));
    assert_eq!(hasher.waiting(), 0);
    assert_eq!(hasher.hash(passwords(3)).await.unwrap().len(), 3);
}

#[tokio::test]
async fn other_work_is_done_on_the_same_threads() {
    let hasher = PasswordHasher::start(CHEAP, 1, 1, Arc::new(Sevens)).unwrap();
    let name = hasher.run(|| std::thread::current().name().map(str::to_owned)).await.unwrap();
    assert_eq!(name.as_deref(), Some("password-0"));
    let panicked = hasher.run(|| panic!("as work may")).await;
    assert_eq!(panicked, Err::<(), _>(HasherError::Broken), "a fault is not a queue that is full");
    assert_eq!(hasher.run(|| 7).await, Ok(7), "the thread is still there");
    assert_eq!(hasher.waiting(), 0);
}

#[test]
fn a_cost_that_argon2_does_not_allow_is_refused() {
    let error = PasswordHasher::start(Cost { memory_kib: 0, ..CHEAP }, 1, 1, Arc::new(Sevens)).err().unwrap();
    assert_eq!(error.to_string(), "Argon2id does not allow 0 KiB, 1 iterations, 1 lanes");
}

fn secret(password: &str) -> SecretString {
    SecretString::from(password.to_owned())
}

async fn hashed(cost: Cost, password: &str) -> PasswordHash {
    let hasher = PasswordHasher::start(cost, 1, 1, Arc::new(Sevens)).unwrap();
    hasher.hash(vec![secret(password)]).await.unwrap().remove(0)
}

#[tokio::test]
async fn a_password_matches_in_whatever_form_it_was_typed_or_hashed() {
    let hasher = PasswordHasher::start(CHEAP, 1, 1, Arc::new(Sevens)).unwrap();
    let (composed, decomposed) = ("Gr\u{fc}n 4711", "Gru\u{308}n\u{a0}4711");
    for set in [composed, decomposed] {
        let hash = hashed(CHEAP, set).await;
        for typed in [composed, decomposed] {
            assert_eq!(hasher.verify(secret(typed), Some(hash.clone())).await, Ok(Some(Form::Prepared)));
            assert_eq!(hasher.verify_any(secret(typed), vec![hash.clone()]).await, Ok(true));
        }
        assert_eq!(hasher.verify(secret("Grun 4711"), Some(hash)).await, Ok(None));
    }
    // As version 0.2.0 and other directories hash it.
    let mut output = [0; HASH];
    let argon2 = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, hasher.params.clone());
    argon2.hash_password_into(decomposed.as_bytes(), &[7; SALT], &mut output).unwrap();
    let encoded = |bytes: &[u8]| base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes);
    let earlier = format!("$argon2id$v=19$m=8,t=1,p=1${}${}", encoded(&[7; SALT]), encoded(&output));
    let earlier = PasswordHash::new(earlier);
    assert_eq!(hasher.verify(secret(decomposed), Some(earlier.clone())).await, Ok(Some(Form::AsTyped)));
    assert_eq!(hasher.verify_any(secret(decomposed), vec![earlier.clone()]).await, Ok(true));
    assert_eq!(hasher.verify(secret(composed), Some(earlier)).await, Ok(None));
}

#[tokio::test]
async fn only_the_password_that_was_hashed_is_right() {
    let hasher = PasswordHasher::start(CHEAP, 1, 1, Arc::new(Sevens)).unwrap();
    let hash = hashed(CHEAP, "right").await;
    assert_eq!(hasher.verify(secret("right"), Some(hash.clone())).await, Ok(Some(Form::Prepared)));
    assert_eq!(hasher.verify(secret("Right"), Some(hash.clone())).await, Ok(None));
    assert_eq!(hasher.verify(secret(""), Some(hash)).await, Ok(None));
    assert_eq!(hasher.verify(secret("right"), None).await, Ok(None));
    assert_eq!(hasher.waiting(), 0);
}

#[tokio::test]
async fn nobody_s_password_costs_a_hash() {
    let hasher = PasswordHasher::start(Cost { memory_kib: 1_024, ..CHEAP }, 1, 1, Arc::new(Sevens)).unwrap();
    for against in [None, Some(PasswordHash::new("damaged".to_owned()))] {
        hasher.lane.load.micros.store(0, Ordering::Relaxed);
        assert_eq!(hasher.verify(secret("p"), against).await, Ok(None));
        assert_ne!(hasher.lane.load.micros.load(Ordering::Relaxed), 0);
    }
}

#[rstest]
#[case::more_memory(Cost { memory_kib: 64, ..CHEAP })]
#[case::less_memory(CHEAP)]
#[case::more_of_all(Cost { memory_kib: 256, iterations: 3, parallelism: 2 })]
#[tokio::test]
async fn a_hash_of_another_cost_verifies_and_is_outdated(#[case] cost: Cost) {
    let hasher = PasswordHasher::start(Cost { memory_kib: 32, ..CHEAP }, 1, 1, Arc::new(Sevens)).unwrap();
    let [own, other] = [hashed(Cost { memory_kib: 32, ..CHEAP }, "p").await, hashed(cost, "p").await];
    assert!(!hasher.outdated(&own));
    assert!(hasher.outdated(&other));
    for hash in [&other, &own, &other] {
        assert_eq!(hasher.verify(secret("p"), Some(hash.clone())).await, Ok(Some(Form::Prepared)));
        assert_eq!(hasher.verify(secret("q"), Some(hash.clone())).await, Ok(None));
    }
}

/// Hashes of the reference implementation: echo -n password | argon2 somesalt -t 2 -m 8 -p 1, with -id for the
/// second.
#[rstest]
#[case::argon2i("$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8")]
#[case::argon2id("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")]
#[tokio::test]
async fn hashes_made_elsewhere_verify(#[case] hash: &str) {
    let hasher = PasswordHasher::start(CHEAP, 1, 1, Arc::new(Sevens)).unwrap();
    let hash = PasswordHash::new(hash.to_owned());
    assert_eq!(hasher.verify(secret("password"), Some(hash.clone())).await, Ok(Some(Form::Prepared)));
    assert_eq!(hasher.verify(secret("passwore"), Some(hash.clone())).await, Ok(None));
    assert!(hasher.outdated(&hash));
}

#[rstest]
#[case::nothing("")]
#[case::no_phc("secret")]
#[case::other_algorithm("$scrypt$ln=16,r=8,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")]
#[case::other_version("$argon2id$v=18$m=8,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")]
#[case::no_memory("$argon2id$v=19$m=1,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")]
#[case::all_memory(
    "$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
)]
#[case::no_salt("$argon2id$v=19$m=8,t=1,p=1")]
#[case::no_output("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ")]
#[tokio::test]
async fn a_hash_that_can_t_be_read_is_nobody_s(#[case] hash: &str) {
    let hasher = PasswordHasher::start(CHEAP, 1, 1, Arc::new(Sevens)).unwrap();
    let hash = PasswordHash::new(hash.to_owned());
    assert_eq!(hasher.verify(secret("password"), Some(hash.clone())).await, Ok(None));
    assert_eq!(hasher.verify_any(secret("password"), vec![hash.clone()]).await, Ok(false));
    assert!(hasher.outdated(&hash));
}

#[tokio::test]
async fn one_of_the_earlier_passwords_is_enough() {
    let hasher = PasswordHasher::start(CHEAP, 1, 5, Arc::new(Sevens)).unwrap();
    let mut earlier = hasher.hash(passwords(5)).await.unwrap();
    earlier.insert(0, PasswordHash::new("damaged".to_owned()));
    assert_eq!(hasher.verify_any(secret("password 4"), earlier.clone()).await, Ok(true));
    assert_eq!(hasher.verify_any(secret("password 5"), earlier).await, Ok(false));
    assert_eq!(hasher.verify_any(secret("password 0"), vec![]).await, Ok(false));
}

#[tokio::test]
async fn a_full_gate_verifies_nothing() {
    let hasher = PasswordHasher::start(CHEAP, 1, 0, Arc::new(Sevens)).unwrap();
    assert!(hasher.verify(secret("p"), None).await.is_err());
    assert!(hasher.verify_any(secret("p"), vec![PasswordHash::new(String::new())]).await.is_err());
    assert_eq!(hasher.waiting(), 0);
}

/// Expensive hashes delay no user with a hash of the configured cost, even with one thread and many expensive ones.
#[tokio::test]
async fn costly_hashes_are_compared_on_a_thread_of_their_own() {
    let hasher = PasswordHasher::start(CHEAP, 1, 100, Arc::new(Sevens)).unwrap();
    let own = hasher.hash(vec![secret("p")]).await.unwrap().remove(0);
    let costly = hashed(Cost { iterations: 2, ..CHEAP }, "p").await;
    let cheap = PasswordHash::new("{SSHA}xbu/hyepfYZYuDIvR4qphodRH2IBAgMEBQYHCA==".to_owned());
    // The thread for expensive hashes is blocked.
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let (mut standing, mut waiting) = (Box::pin(hasher.costly.work(move |_| wait.recv())), Vec::new());
    assert!(begin(&mut standing).is_none());
    for _ in 1..COSTLY_LIMIT {
        let mut verify = Box::pin(hasher.verify(secret("p"), Some(costly.clone())));
        assert!(begin(&mut verify).is_none());
        waiting.push(verify);
    }
    assert!(matches!(hasher.verify(secret("p"), Some(costly)).await, Err(HasherError::Full(_))));
    assert_eq!(hasher.verify(secret("p"), Some(own)).await, Ok(Some(Form::Prepared)));
    assert_eq!(hasher.verify(secret("p"), Some(cheap)).await, Ok(None));
    assert_eq!(hasher.verify(secret("p"), None).await, Ok(None));
    go_on.send(()).unwrap();
    for verify in waiting {
        assert_eq!(verify.await, Ok(Some(Form::Prepared)));
    }
}

/// Polls a future that must still be pending.
fn begin<T>(future: &mut std::pin::Pin<Box<impl Future<Output = T>>>) -> Option<T> {
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(done) => Some(done),
        std::task::Poll::Pending => None,
    }
}
