//! The layer as SQLite calls it: a table of functions for the layer, one for databases and one for logs.
//!
//! # Why the unsafe code is sound
//!
//! 1. **Tables.** [`register`] copies the default layer's table, so all functions that are not replaced here are its own.
//!    SQLite itself registers them under several tables ("unix", "unix-excl", …), so they don't depend on the table's
//!    address. The copy lives for the rest of the process, as `sqlite3_vfs_register` asks.
//! 2. **Files.** SQLite gives `xOpen` `szOsFile` bytes, aligned to 8, for one file, and passes the same pointer to each
//!    function of that file until `xClose`. [`open`] places a [`File`] at their beginning and the default layer's file
//!    behind it, at [`INNER`]; `szOsFile` is the sum. A table of ours is stored only after both are complete, and each
//!    function of our tables is reached only through it, so the pointer that it gets is a [`File`] with its inner file
//!    open. Files other than databases and logs are opened by the default layer in the same bytes, with its own tables,
//!    and never reach a function of ours.
//! 3. **Exclusive access.** A connection is used by one thread at a time, and so are its files. No function of ours calls
//!    SQLite's upper layers, and the default layer doesn't know our files: so while a function holds `&mut` to the
//!    collected writes of a log, nothing else can reach them. The reference ends before the inner function is called
//!    wherever that function is not part of writing the run.
//! 4. **Database and log.** A log knows the database of its connection (`sqlite3_database_file_object`, which SQLite
//!    offers for the name of a log that it passes to `xOpen`), and the database knows its log. SQLite closes the log
//!    first; `xClose` of a log removes it from the database, and `xClose` of a database from its log, so neither outlives
//!    what points to it, in either order.
//! 5. **Buffers.** SQLite passes valid buffers of the given length to `xRead` and `xWrite`, which are used during the call
//!    only.
//! 6. **Panics.** A panic cannot unwind through C: `extern "C"` ends the process, which is what a crash at that instant
//!    would do.

#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::{align_of, size_of};
use std::ptr;
use std::sync::OnceLock;

use rusqlite::ffi::{
    SQLITE_CANTOPEN, SQLITE_IOERR, SQLITE_OK, SQLITE_OPEN_MAIN_DB, SQLITE_OPEN_WAL, SQLITE_SHM_UNLOCK,
    sqlite3_database_file_object, sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs,
    sqlite3_vfs_find, sqlite3_vfs_register,
};

use crate::collected::Collected;

/// The name under which SQLite knows the layer.
pub const NAME: &CStr = c"matricula";

/// Why the layer could not be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unregistered {
    /// The default layer is missing, or is of another kind.
    #[error(
        "SQLite's file layer for this system is not of the expected version; use the SQLite that is built in"
    )]
    Default,
    /// SQLite refused it.
    #[error("SQLite refused the file layer: code {0}")]
    Refused(c_int),
}

/// A database or a log. The default layer's file follows at [`INNER`].
#[repr(C)]
struct File {
    /// What SQLite reads: the table.
    base: sqlite3_file,
    is_log: bool,
    /// The log of a database, or the database of a log; null when it is not open.
    other: *mut File,
    /// Of a log: what has not been passed on.
    collected: Collected,
    /// Of a log: what could not be written in the transaction that is open.
    lost: Option<Lost>,
}

/// Bytes that could not be written. Until the transaction ends, whatever depends on them fails.
#[derive(Clone, Copy)]
struct Lost {
    /// Where they began.
    at: i64,
    /// The error.
    code: c_int,
}

/// The lock of the shared memory that a writer holds until its transaction ends: "WAL_WRITE_LOCK" in SQLite's
/// description of the log's format.
const WRITE_LOCK: c_int = 0;

/// Where the default layer's file begins.
const INNER: usize = size_of::<File>().next_multiple_of(16);
const _: () = assert!(align_of::<File>() <= 8);

/// The default layer.
struct Default(*mut sqlite3_vfs);

// SAFETY: the table is constant after SQLite's start and lives as long as the process.
unsafe impl Send for Default {}
// SAFETY: the same.
unsafe impl Sync for Default {}

static DEFAULT: OnceLock<Result<Default, Unregistered>> = OnceLock::new();

/// Makes the layer known to SQLite under [`NAME`]. Calls after the first have no effect.
///
/// # Errors
/// When SQLite has no default layer for files, or refuses this one.
pub fn register() -> Result<(), Unregistered> {
    DEFAULT.get_or_init(register_once).as_ref().map(|_| ()).map_err(|error| *error)
}

fn register_once() -> Result<Default, Unregistered> {
    // SAFETY: a null name asks for the default layer.
    let default = unsafe { sqlite3_vfs_find(ptr::null()) };
    // SAFETY: null, or a table that lives as long as the process.
    let Some(table) = (unsafe { default.as_ref() }) else { return Err(Unregistered::Default) };
    let (Ok(inner), Ok(size)) = (c_int::try_from(INNER), usize::try_from(table.szOsFile)) else {
        return Err(Unregistered::Default);
    };
    if table.xOpen.is_none() || size < size_of::<sqlite3_file>() {
        return Err(Unregistered::Default);
    }
    let ours = sqlite3_vfs {
        szOsFile: inner + table.szOsFile,
        pNext: ptr::null_mut(),
        zName: NAME.as_ptr(),
        xOpen: Some(open),
        ..*table
    };
    // SAFETY: the table is valid and is never freed.
    match unsafe { sqlite3_vfs_register(Box::into_raw(Box::new(ours)), 0) } {
        SQLITE_OK => Ok(Default(default)),
        code => Err(Unregistered::Refused(code)),
    }
}

/// Calls a function of the default layer's file.
macro_rules! call {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        let file = $file;
        match (*file).pMethods.as_ref().and_then(|table| table.$method) {
            Some(function) => function(file $(, $argument)*),
            None => SQLITE_IOERR,
        }
    }};
}

/// The functions of databases and logs. Of a database nothing is collected, so that passing on has no effect.
static FUNCTIONS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: VERSION,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: Some(fetch),
    xUnfetch: Some(unfetch),
};

/// The version of the table of files that has all these functions.
const VERSION: c_int = 3;

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let Some(Ok(Default(default))) = DEFAULT.get() else { return SQLITE_CANTOPEN };
    // SAFETY: arguments 1 and 2; `open` is not null, by `register_once`.
    unsafe {
        let Some(open) = (**default).xOpen else { return SQLITE_CANTOPEN };
        let database = if flags & SQLITE_OPEN_WAL == 0 { ptr::null_mut() } else { database_of(name) };
        if flags & SQLITE_OPEN_MAIN_DB == 0 && database.is_null() {
            return open(*default, name, file, flags, out_flags);
        }
        // A file without a table is not open: SQLite does not close it.
        (*file).pMethods = ptr::null();
        let inner = inner(file);
        (*inner).pMethods = ptr::null();
        let mut code = open(*default, name, inner, flags, out_flags);
        let table = (*inner).pMethods.as_ref();
        if code == SQLITE_OK && table.is_none_or(|table| table.iVersion < VERSION) {
            code = SQLITE_CANTOPEN;
        }
        if code != SQLITE_OK {
            if let Some(close) = table.and_then(|table| table.xClose) {
                close(inner);
            }
            return code;
        }
        let base = sqlite3_file { pMethods: &raw const FUNCTIONS };
        let ours = file.cast::<File>();
        let is_log = !database.is_null();
        ours.write(File { base, is_log, other: database, collected: Collected::default(), lost: None });
        if is_log {
            (*database).other = ours;
        }
    }
    SQLITE_OK
}

/// The database of a log's connection; null if another layer opened it.
///
/// # Safety
/// `name` is the name of a log, as SQLite passes it to `xOpen`.
unsafe fn database_of(name: *const c_char) -> *mut File {
    // SAFETY: the caller's, and argument 4.
    unsafe {
        let database = sqlite3_database_file_object(name);
        let is_ours = database.as_ref().is_some_and(|file| ptr::eq(file.pMethods, &raw const FUNCTIONS));
        if is_ours { database.cast() } else { ptr::null_mut() }
    }
}

/// The default layer's file.
///
/// # Safety
/// `file` is what SQLite passes to the functions of a file of ours.
unsafe fn inner(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: argument 2.
    unsafe { file.byte_add(INNER) }
}

/// Writes what the log collected.
///
/// # Safety
/// As of [`inner`].
unsafe fn pass_on(file: *mut File) {
    // SAFETY: arguments 2 and 3.
    unsafe {
        let inner = inner(file.cast());
        let File { collected, lost, .. } = &mut *file;
        let Some(at) = collected.first() else { return };
        if let Err(code) = collected.pass_on(|at, bytes| write_inner(inner, at, bytes)) {
            *lost = Some(Lost { at, code });
        }
    }
}

/// Writes what the log of a database collected, before others can look at it. An error remains with the log.
///
/// # Safety
/// As of [`inner`].
unsafe fn publish(database: *mut sqlite3_file) {
    // SAFETY: arguments 2 and 4.
    unsafe {
        let log = (*database.cast::<File>()).other;
        if !log.is_null() {
            pass_on(log);
        }
    }
}

/// # Safety
/// `inner` is an open file of the default layer.
unsafe fn write_inner(inner: *mut sqlite3_file, at: i64, bytes: &[u8]) -> Result<(), c_int> {
    let Ok(length) = c_int::try_from(bytes.len()) else { return Err(SQLITE_IOERR) };
    // SAFETY: the caller's; the bytes live during the call.
    let code = unsafe { call!(inner, xWrite, bytes.as_ptr().cast(), length, at) };
    if code == SQLITE_OK { Ok(()) } else { Err(code) }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: arguments 2 and 4; SQLite does not use the file afterwards.
    unsafe {
        let ours = file.cast::<File>();
        pass_on(ours);
        let other = (*ours).other;
        if !other.is_null() {
            (*other).other = ptr::null_mut();
        }
        ptr::drop_in_place(ours);
        call!(inner(file), xClose)
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    at: sqlite3_int64,
) -> c_int {
    // SAFETY: arguments 2, 3 and 5.
    unsafe {
        let inner = inner(file);
        let File { is_log, collected, lost, .. } = &mut *file.cast::<File>();
        let Ok(size) = usize::try_from(length) else { return SQLITE_IOERR };
        if !*is_log {
            return call!(inner, xWrite, bytes, length, at);
        }
        if let Some(Lost { code, .. }) = lost {
            return *code;
        }
        let bytes = std::slice::from_raw_parts(bytes.cast::<u8>(), size);
        let first = collected.first().map_or(at, |first| first.min(at));
        match collected.add(at, bytes, |at, bytes| write_inner(inner, at, bytes)) {
            Ok(()) => SQLITE_OK,
            Err(code) => {
                *lost = Some(Lost { at: first, code });
                code
            }
        }
    }
}

unsafe extern "C" fn read(
    file: *mut sqlite3_file,
    to: *mut c_void,
    length: c_int,
    at: sqlite3_int64,
) -> c_int {
    // SAFETY: arguments 2 and 5.
    unsafe {
        pass_on(file.cast());
        match (*file.cast::<File>()).lost {
            Some(lost) if at.saturating_add(length.into()) > lost.at => lost.code,
            _ => call!(inner(file), xRead, to, length, at),
        }
    }
}

/// Defines functions that pass on what the file collected, give an error if that is lost, and then call the default
/// layer.
macro_rules! after_passing_on {
    ($($name:ident = $method:ident($($argument:ident: $kind:ty),*);)*) => { $(
        unsafe extern "C" fn $name(file: *mut sqlite3_file $(, $argument: $kind)*) -> c_int {
            // SAFETY: argument 2; the other arguments are the default layer's business.
            unsafe {
                pass_on(file.cast());
                match (*file.cast::<File>()).lost {
                    Some(lost) => lost.code,
                    None => call!(inner(file), $method $(, $argument)*),
                }
            }
        }
    )* };
}

after_passing_on! {
    truncate = xTruncate(size: sqlite3_int64);
    sync = xSync(flags: c_int);
    file_size = xFileSize(size: *mut sqlite3_int64);
    file_control = xFileControl(operation: c_int, argument: *mut c_void);
}

/// Defines functions that only call the default layer.
macro_rules! forward {
    ($($name:ident = $method:ident($($argument:ident: $kind:ty),*);)*) => { $(
        unsafe extern "C" fn $name(file: *mut sqlite3_file $(, $argument: $kind)*) -> c_int {
            // SAFETY: argument 2; the other arguments are the default layer's business.
            unsafe { call!(inner(file), $method $(, $argument)*) }
        }
    )* };
}

forward! {
    lock = xLock(level: c_int);
    unlock = xUnlock(level: c_int);
    check_reserved_lock = xCheckReservedLock(reserved: *mut c_int);
    sector_size = xSectorSize();
    device_characteristics = xDeviceCharacteristics();
    fetch = xFetch(at: sqlite3_int64, length: c_int, to: *mut *mut c_void);
    unfetch = xUnfetch(at: sqlite3_int64, from: *mut c_void);
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    region: c_int,
    size: c_int,
    extend: c_int,
    to: *mut *mut c_void,
) -> c_int {
    // SAFETY: arguments 2 and 4.
    unsafe {
        publish(file);
        call!(inner(file), xShmMap, region, size, extend, to)
    }
}

unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, offset: c_int, count: c_int, flags: c_int) -> c_int {
    // SAFETY: arguments 2 and 4.
    unsafe {
        publish(file);
        let log = (*file.cast::<File>()).other;
        if offset == WRITE_LOCK && flags & SQLITE_SHM_UNLOCK != 0 && !log.is_null() {
            // The transaction is over: the bytes that were lost will never be asked for.
            (*log).lost = None;
        }
        call!(inner(file), xShmLock, offset, count, flags)
    }
}

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    // SAFETY: arguments 2 and 4.
    unsafe {
        publish(file);
        let inner = inner(file);
        if let Some(barrier) = (*inner).pMethods.as_ref().and_then(|table| table.xShmBarrier) {
            barrier(inner);
        }
    }
}

unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, delete: c_int) -> c_int {
    // SAFETY: arguments 2 and 4.
    unsafe {
        publish(file);
        call!(inner(file), xShmUnmap, delete)
    }
}
