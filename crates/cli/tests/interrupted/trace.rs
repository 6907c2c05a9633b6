//! What a process did to a folder, call by call, as `strace` saw it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The calls that change files or force them to disk, and those by which a process answers.
const CALLS: &str = "open,openat,creat,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,ftruncate,truncate,fallocate,\
                     copy_file_range,sendfile,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,\
                     mkdir,mkdirat,fsync,fdatasync,sync_file_range";

/// A file, whatever names it has.
pub(crate) type File = usize;

/// What a call came to.
pub(crate) enum Change {
    /// A file has a name now. Nothing else has it any more.
    Named { name: String, file: File },
    /// A name is now another one.
    Renamed { from: String, to: String, file: File },
    /// A name is gone.
    Unnamed { name: String },
    /// Bytes were written.
    Written { file: File, at: usize, bytes: Vec<u8> },
    /// A file has another length.
    Resized { file: File, length: usize },
    /// What the first so many calls did to a file is on the disk.
    Forced { file: File, first: usize },
    /// The same of the names.
    NamesForced { first: usize },
    /// The process told somebody something, on standard output or a socket.
    Said(Vec<u8>),
}

/// A call.
pub(crate) struct Call {
    pub(crate) change: Change,
    /// Its name, and the how many-eth of this name it is in its thread: that is how `strace` counts.
    pub(crate) name: String,
    pub(crate) nth: usize,
}

/// All that a process did to a folder.
pub(crate) struct Trace {
    /// The folder as it was before: the files by their numbers, and their names.
    pub(crate) files: Vec<Vec<u8>>,
    pub(crate) names: BTreeMap<String, File>,
    pub(crate) calls: Vec<Call>,
}

/// Whether this machine lets one process watch another.
pub(crate) fn is_possible() -> bool {
    let tried = Command::new("strace").args(["-f", "--seccomp-bpf", "-o", "/dev/null", "true"]).output();
    tried.is_ok_and(|tried| tried.status.success())
}

/// A command that writes down what the given one does.
pub(crate) fn recorded(command: &Command, to: &Path) -> Command {
    let mut strace = strace(command, to);
    strace.args(["--seccomp-bpf", "-s", "1048576"]);
    with(strace, command)
}

/// A command that kills the given one as soon as a thread begins its n-th call of a name.
pub(crate) fn killed(command: &Command, to: &Path, name: &str, nth: usize) -> Command {
    let mut strace = strace(command, to);
    strace.args(["-s", "16", "-e", &format!("inject={name}:signal=KILL:when={nth}")]);
    with(strace, command)
}

fn strace(command: &Command, to: &Path) -> Command {
    let mut strace = Command::new("strace");
    if let Some(folder) = command.get_current_dir() {
        strace.current_dir(folder);
    }
    strace.args(["-f", "-y", "-xx", "-e", "signal=none", "-e", &format!("trace={CALLS}"), "-o"]).arg(to);
    strace
}

fn with(mut strace: Command, command: &Command) -> Command {
    strace.arg(command.get_program()).args(command.get_args());
    strace.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    strace
}

impl Trace {
    /// Reads a recording. `before` holds the folder as it was.
    pub(crate) fn read(recording: &str, folder: &Path, before: &Path) -> Self {
        let mut trace = Self { files: Vec::new(), names: BTreeMap::new(), calls: Vec::new() };
        for entry in std::fs::read_dir(before).unwrap().map(Result::unwrap) {
            trace.names.insert(entry.file_name().into_string().unwrap(), trace.files.len());
            trace.files.push(std::fs::read(entry.path()).unwrap());
        }
        let reader = Reader {
            folder: folder.to_str().unwrap().to_owned(),
            names: trace.names.clone(),
            files: trace.files.len(),
            counts: BTreeMap::new(),
        };
        trace.calls = reader.read(recording);
        trace
    }
}

/// The state of reading.
struct Reader {
    folder: String,
    /// Names as of the line that is being read.
    names: BTreeMap<String, File>,
    files: usize,
    /// Calls so far, by thread and name.
    counts: BTreeMap<(String, String), usize>,
}

/// A call that has begun.
struct Begun {
    text: String,
    /// Calls that had ended before.
    first: usize,
    nth: usize,
}

impl Reader {
    fn read(mut self, recording: &str) -> Vec<Call> {
        let (mut calls, mut begun) = (Vec::new(), BTreeMap::<String, Begun>::new());
        for line in recording.lines() {
            let (thread, rest) = line.split_once(' ').unwrap();
            let rest = rest.trim_start();
            if rest.starts_with("+++") || rest.starts_with("---") {
                continue;
            }
            let whole = if let Some(resumed) = rest.strip_prefix("<... ") {
                let mut call = begun.remove(thread).unwrap();
                call.text += resumed.split_once(" resumed>").unwrap().1;
                call
            } else {
                let name = rest.split_once('(').unwrap().0.to_owned();
                let count = self.counts.entry((thread.to_owned(), name)).or_default();
                *count += 1;
                let text = rest.strip_suffix(" <unfinished ...>");
                let call = Begun { text: text.unwrap_or(rest).to_owned(), first: calls.len(), nth: *count };
                if text.is_some() {
                    // The receiver may know what it is told as soon as the call begins.
                    calls.extend(self.said(&call));
                    begun.insert(thread.to_owned(), call);
                    continue;
                }
                calls.extend(self.said(&call));
                call
            };
            calls.extend(self.changed(&whole));
        }
        calls
    }

    /// What a call says to somebody.
    fn said(&self, call: &Begun) -> Option<Call> {
        let (name, rest) = call.text.split_once('(')?;
        if !matches!(name, "write" | "writev" | "sendto" | "sendmsg") {
            return None;
        }
        let to = rest.split_once('>')?.0;
        if !(to.starts_with("1<") || text(to.split_once('<')?.1).contains("socket:")) {
            return None;
        }
        Some(Call { change: Change::Said(strings(rest).concat()), name: name.to_owned(), nth: call.nth })
    }

    /// What a call that has ended did to the folder.
    fn changed(&mut self, call: &Begun) -> Option<Call> {
        let (name, rest) = call.text.split_once('(').unwrap();
        let (arguments, result) = rest.rsplit_once(" = ").unwrap();
        // One that failed did nothing, and one that did not end because the process did has no result.
        let result =
            result.split(['<', ' ']).next().unwrap().parse::<i64>().ok().filter(|result| *result >= 0)?;
        let arguments: Vec<_> = arguments.trim_end().strip_suffix(')').unwrap().split(", ").collect();
        let path = |n: usize| {
            let path = strings(arguments[n]).concat();
            self.name_of(&String::from_utf8(path).unwrap())
        };
        let number = |n: usize| arguments[n].parse::<usize>().unwrap();
        let change = match name {
            "open" | "creat" | "openat" => {
                let at = usize::from(name == "openat");
                let (flags, name) = (arguments.get(at + 1).copied().unwrap_or_default(), path(at)?);
                let file = self.names.get(&name).copied();
                match file {
                    None if flags.contains("O_CREAT") => {
                        let file = self.new_file();
                        self.names.insert(name.clone(), file);
                        Change::Named { name, file }
                    }
                    Some(file) if flags.contains("O_TRUNC") => Change::Resized { file, length: 0 },
                    _ => return None,
                }
            }
            "pwrite64" => {
                let (file, bytes) = (self.file(arguments[0])?, strings(arguments[1]).concat());
                assert_eq!(
                    i64::try_from(bytes.len()).unwrap(),
                    result,
                    "a write that is recorded as a whole"
                );
                Change::Written { file, at: number(3), bytes }
            }
            "ftruncate" => Change::Resized { file: self.file(arguments[0])?, length: number(1) },
            "fsync" | "fdatasync" if self.is_folder(arguments[0]) => {
                Change::NamesForced { first: call.first }
            }
            "fsync" | "fdatasync" => Change::Forced { file: self.file(arguments[0])?, first: call.first },
            "rename" | "renameat" | "renameat2" => {
                let at = usize::from(name != "rename");
                let (from, to) = (path(at)?, path(1 + 2 * at).unwrap());
                assert!(!call.text.contains("RENAME_EXCHANGE"), "{}", call.text);
                let file = self.names.remove(&from).unwrap();
                self.names.insert(to.clone(), file);
                Change::Renamed { from, to, file }
            }
            "link" | "linkat" => {
                let at = usize::from(name == "linkat");
                let (from, name) = (path(at)?, path(1 + 2 * at).unwrap());
                let file = self.names[&from];
                self.names.insert(name.clone(), file);
                Change::Named { name, file }
            }
            "unlink" | "unlinkat" => {
                let name = path(usize::from(name == "unlinkat"))?;
                self.names.remove(&name).unwrap();
                Change::Unnamed { name }
            }
            "write" | "writev" | "sendto" | "sendmsg" if self.file(arguments[0]).is_none() => return None,
            // Nothing of ours calls these on a file that matters; a call that comes to do so must be understood first.
            _ => {
                let there = arguments.iter().any(|argument| text(argument).contains(&self.folder));
                assert!(!there, "{} is not understood", call.text);
                return None;
            }
        };
        Some(Call { change, name: name.to_owned(), nth: call.nth })
    }

    fn new_file(&mut self) -> File {
        self.files += 1;
        self.files - 1
    }

    /// The name in the folder that a path is.
    fn name_of(&self, path: &str) -> Option<String> {
        // The program runs in the folder.
        let name = match path.strip_prefix('/') {
            None => path,
            Some(_) => path.strip_prefix(&self.folder)?.strip_prefix('/')?,
        };
        assert!(!name.contains('/'), "{path}: only one folder is watched");
        Some(name.to_owned())
    }

    /// The file that is open under a number. One that has no name any more matters to nobody.
    fn file(&self, argument: &str) -> Option<File> {
        let name = self.name_of(&path_of(argument)?)?;
        self.names.get(&name).copied().filter(|_| !argument.contains("(deleted)"))
    }

    fn is_folder(&self, argument: &str) -> bool {
        path_of(argument).is_some_and(|path| path == self.folder)
    }
}

/// The path behind the number of an open file.
fn path_of(argument: &str) -> Option<String> {
    Some(text(argument.split_once('<')?.1.split_once('>')?.0))
}

/// All strings in a call.
fn strings(text: &str) -> Vec<Vec<u8>> {
    text.split('"').skip(1).step_by(2).map(bytes).collect()
}

/// The bytes of `\x2f\x74`.
fn bytes(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| if byte < b'a' { byte - b'0' } else { byte - b'a' + 10 };
    hex.as_bytes().chunks_exact(4).map(|byte| digit(byte[2]) << 4 | digit(byte[3])).collect()
}

/// The same as text. What is not written so stays as it is.
fn text(hex: &str) -> String {
    let mut parts = hex.split("\\x");
    let mut text = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        text.extend(bytes(&format!("\\x{}", &part[..2])));
        text.extend(part[2..].bytes());
    }
    String::from_utf8_lossy(&text).into_owned()
}
