//! The work of a hashing thread: Argon2 with reused memory.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use argon2::password_hash::phc;
use argon2::{ARGON2ID_IDENT, Algorithm, Block, MIN_SALT_LEN, Params, Version};
use argon2_wide::{Input, Width};
use directory::user::PasswordHash;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::encoding::{base64, decimal};
use super::imported_hash::Elsewhere;
use super::lane::Load;

/// Bytes of salt in a new hash.
pub(super) const SALT: usize = 16;

/// Bytes of output in a new hash.
pub(super) const HASH: usize = 32;

/// Fewest bytes of output in a stored hash; fewer can be guessed.
const MIN_OUTPUT: usize = 10;

/// Most memory that a stored hash may require, in KiB. A damaged hash must not exhaust the machine. `[ours]`
const MOST_MEMORY_KIB: u32 = 1 << 20;

/// Hashes on one thread.
pub(super) struct Hasher {
    params: Params,
    /// The vectors of this machine.
    width: Width,
    /// Allocated with the first hash, and reused, because allocating it takes a third of a hash.
    memory: Vec<Block>,
    /// A dummy hash for unknown users: checking it takes as long as checking a real one.
    decoy: Argon,
    load: Arc<Load>,
}

/// A parsed Argon2 hash.
pub(super) struct Argon {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Hasher {
    pub(super) fn new(params: Params, load: Arc<Load>) -> Self {
        let decoy = Argon::new(params.clone(), vec![0; SALT], vec![0; HASH]);
        Self { params, width: Width::widest(), memory: Vec::new(), decoy, load }
    }

    fn make_room(&mut self, blocks: usize) {
        if self.memory.len() < blocks {
            self.memory.resize(blocks, Block::default());
        }
    }

    /// Hashes a password; `None` with a log line if Argon2 fails.
    pub(super) fn hash(&mut self, password: &SecretString, salt: &[u8; SALT]) -> Option<PasswordHash> {
        self.make_room(self.params.block_count());
        let mut output = Zeroizing::new([0; HASH]);
        let argon = Argon::new(self.params.clone(), salt.to_vec(), Vec::new());
        match argon.derive(self.width, password, &mut output[..], &mut self.memory, &self.load) {
            Ok(()) => Some(PasswordHash::new(phc_string(&self.params, salt, &output[..]))),
            Err(error) => {
                tracing::error!(%error, "could not hash a password");
                None
            }
        }
    }

    /// Compares a password with a hash. A missing or unreadable hash takes as long and is false.
    pub(super) fn verify(&mut self, password: &SecretString, against: Option<&PasswordHash>) -> bool {
        if let Some(hash) = against
            && let Ok(elsewhere) = Elsewhere::read(hash.expose())
        {
            // The decoy is computed as well, so that a cheaper scheme does not reveal an imported user.
            self.verify(password, None);
            return elsewhere.matches(password);
        }
        let parsed = against.and_then(|hash| match Argon::read(hash.expose()) {
            Ok(parsed) => Some(parsed),
            Err(why) => {
                tracing::error!(
                    why,
                    "a stored password hash is unreadable: logging in with it is impossible"
                );
                None
            }
        });
        let known = parsed.is_some();
        let own = self.params.block_count();
        self.make_room(parsed.as_ref().map_or(own, |parsed| parsed.params.block_count()));
        let parsed = parsed.as_ref().unwrap_or(&self.decoy);
        let mut output = Zeroizing::new(vec![0; parsed.output.len()]);
        let derived = parsed.derive(self.width, password, &mut output, &mut self.memory, &self.load);
        let same = bool::from(output.ct_eq(&parsed.output));
        // Hashes of a higher cost are rare and replaced at the next login, so their memory is released.
        self.memory.truncate(own);
        self.memory.shrink_to_fit();
        if let Err(error) = derived {
            tracing::error!(%error, "a stored password hash cannot be computed: logging in with it is impossible");
            return false;
        }
        known && same
    }
}

impl Argon {
    /// A hash as new ones are.
    fn new(params: Params, salt: Vec<u8>, output: Vec<u8>) -> Self {
        Self { algorithm: Algorithm::Argon2id, version: Version::V0x13, params, salt, output }
    }

    /// Hashes a password as this hash was, and records the duration.
    fn derive(
        &self,
        width: Width,
        password: &SecretString,
        output: &mut [u8],
        memory: &mut [Block],
        load: &Load,
    ) -> Result<(), argon2_wide::Error> {
        #[expect(clippy::disallowed_methods, reason = "measures how long a hash takes")]
        let started = Instant::now();
        let Self { algorithm, version, params, salt, .. } = self;
        let input = Input { algorithm: *algorithm, version: *version, params, salt };
        argon2_wide::hash(width, &input, password.expose_secret().as_bytes(), output, memory)?;
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        load.micros.store(micros, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn read(hash: &str) -> Result<Self, &'static str> {
        // The parser of the crate `phc` refuses long salts and outputs, which other implementations write.
        let mut fields = hash.strip_prefix('$').ok_or("it is not a PHC string")?.split('$').peekable();
        let algorithm = fields.next().and_then(|name| name.parse().ok());
        let algorithm: Algorithm = algorithm.ok_or("its algorithm is not Argon2")?;
        let version = match fields.next_if(|field| field.starts_with("v=")) {
            Some(field) => decimal(&field[2..]).and_then(|version| Version::try_from(version).ok()),
            None => Some(Version::V0x10),
        };
        let version = version.ok_or("its version of Argon2 is unknown")?;
        let params = fields.next().and_then(|params| params.parse().ok());
        let params: Params = params.ok_or("Argon2 does not allow its cost")?;
        if params.m_cost() > MOST_MEMORY_KIB {
            return Err("it asks for more than 1 GiB of memory");
        }
        let (Some(salt), Some(output), None) = (fields.next(), fields.next(), fields.next()) else {
            return Err("it has no salt or no hash");
        };
        let salt = base64(salt).filter(|salt| salt.len() >= MIN_SALT_LEN).ok_or("its salt is too short")?;
        let output = base64(output).filter(|output| output.len() >= MIN_OUTPUT);
        let output = output.ok_or("its hash is too short")?;
        Ok(Self { algorithm, version, params, salt, output })
    }

    pub(super) fn memory_kib(&self) -> u32 {
        self.params.m_cost()
    }

    /// KiB of memory passes.
    pub(super) fn work(&self) -> u64 {
        u64::from(self.memory_kib()) * u64::from(self.params.t_cost())
    }
}

/// Whether a hash differs in cost from a new one.
pub(super) fn outdated(hash: &PasswordHash, params: &Params) -> bool {
    !phc::PasswordHash::new(hash.expose()).is_ok_and(|phc| {
        phc.algorithm == ARGON2ID_IDENT
            && phc.version == Some(Version::V0x13.into())
            && Params::try_from(&phc).is_ok_and(|found| found == *params)
    })
}

fn phc_string(params: &Params, salt: &[u8], hash: &[u8]) -> String {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD_NO_PAD;
    format!(
        "$argon2id$v=19$m={},t={},p={}${}${}",
        params.m_cost(),
        params.t_cost(),
        params.p_cost(),
        base64.encode(salt),
        base64.encode(hash)
    )
}
