//! The call into C.
//!
//! It is sound because
//! - C reads and writes only what the pointers of [`Context`] and the memory name, with the lengths that stand next to
//!   them; all of it is borrowed for the whole call. C keeps no pointer: its own are cleared before it returns.
//! - C writes through `out` and `memory` alone. Its other pointers are not const because the interface of libargon2 can
//!   be asked to wipe the password, which the flags here do not ask for.
//! - a block is 1,024 bytes, and any bytes are a block.
//! - the caller names only widths that the machine has.

#![expect(unsafe_code, reason = "libargon2 is written in C")]

use std::ffi::{c_int, c_void};
use std::ptr;

use argon2::{Algorithm, Block};

use crate::{Error, Input, Width};

/// Bytes of a block of memory (RFC 9106, 3.4).
const BLOCK: usize = 1_024;
const _: () = assert!(size_of::<Block>() == BLOCK);

/// The secret inputs of a hash.
pub(crate) struct Secrets<'a> {
    pub(crate) password: &'a [u8],
    /// The secret value of RFC 9106. Only its test vectors have one.
    pub(crate) secret: &'a [u8],
}

/// `argon2_context` of `libargon2/include/argon2.h`.
#[repr(C)]
struct Context {
    out: *mut u8,
    out_len: u32,
    pwd: *mut u8,
    pwd_len: u32,
    salt: *mut u8,
    salt_len: u32,
    secret: *mut u8,
    secret_len: u32,
    ad: *mut u8,
    ad_len: u32,
    t_cost: u32,
    m_cost: u32,
    lanes: u32,
    threads: u32,
    version: u32,
    allocate: *mut c_void,
    free: *mut c_void,
    flags: u32,
}

unsafe extern "C" {
    /// `glue.c`: 0, or a code of libargon2.
    fn matricula_argon2(
        width: c_int,
        kind: c_int,
        context: *mut Context,
        memory: *mut u8,
        bytes: usize,
    ) -> c_int;
}

pub(crate) fn hash(
    width: Width,
    input: &Input<'_>,
    Secrets { password, secret }: Secrets<'_>,
    output: &mut [u8],
    memory: &mut [Block],
) -> Result<(), Error> {
    let params = input.params;
    let needed = params.block_count();
    if memory.len() < needed {
        return Err(Error::Memory { needed, found: memory.len() });
    }
    // Longer than 32 bits can say: as long as they can, which libargon2 refuses or which no memory holds.
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(|_| Error::Refused(TOO_LONG));
    let mut context = Context {
        out: output.as_mut_ptr(),
        out_len: length(output)?,
        pwd: password.as_ptr().cast_mut(),
        pwd_len: length(password)?,
        salt: input.salt.as_ptr().cast_mut(),
        salt_len: length(input.salt)?,
        secret: secret.as_ptr().cast_mut(),
        secret_len: length(secret)?,
        ad: params.data().as_ptr().cast_mut(),
        ad_len: length(params.data())?,
        t_cost: params.t_cost(),
        m_cost: params.m_cost(),
        lanes: params.p_cost(),
        threads: 1,
        version: input.version.into(),
        allocate: ptr::null_mut(),
        free: ptr::null_mut(),
        flags: 0,
    };
    let width = match width {
        Width::Portable => 0,
        Width::Avx2 => 1,
        Width::Avx512 => 2,
    };
    let kind = match input.algorithm {
        Algorithm::Argon2d => 0,
        Algorithm::Argon2i => 1,
        Algorithm::Argon2id => 2,
    };
    // SAFETY: see the head of this file.
    let code = unsafe {
        matricula_argon2(width, kind, &raw mut context, memory.as_mut_ptr().cast(), size_of_val(memory))
    };
    if code == 0 { Ok(()) } else { Err(Error::Refused(code)) }
}

/// `ARGON2_PWD_TOO_LONG`.
const TOO_LONG: i32 = -5;
