//! The calls of a process on a folder, recorded by `strace`.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The calls that change files or sync them, and those that send output.
const CALLS: &str = "open,openat,creat,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,ftruncate,truncate,fallocate,\
                     copy_file_range,sendfile,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,\
                     mkdir,mkdirat,fsync,fdatasync,sync_file_range";

/// The number of a file, whatever its names.
pub(crate) type File = usize;

/// The effect of a call.
pub(crate) enum Change {
    /// A new name of a file.
    Named {
        name: String,
        file: File,
    },
    Renamed {
        from: String,
        to: String,
        file: File,
    },
    Unnamed {
        name: String,
    },
    Written {
        file: File,
        at: usize,
        bytes: Vec<u8>,
    },
    Resized {
        file: File,
        length: usize,
    },
    /// The earlier calls on a file are synced: those before `first`.
    Forced {
        file: File,
        first: usize,
    },
    /// The earlier changes of names are synced.
    NamesForced {
        first: usize,
    },
    /// Output to standard output or a socket.
    Said(Vec<u8>),
}

pub(crate) struct Call {
    pub(crate) change: Change,
    /// Its name, and its number among the calls of this name in its thread, as `strace` counts.
    pub(crate) name: String,
    pub(crate) nth: usize,
}

/// The calls of a process on a folder.
pub(crate) struct Trace {
    /// The initial folder: files by number, and their names.
    pub(crate) files: Vec<Vec<u8>>,
    pub(crate) names: BTreeMap<String, File>,
    pub(crate) calls: Vec<Call>,
}

/// Whether this machine allows one process to trace another.
pub(crate) fn is_possible() -> bool {
    let tried = Command::new("strace").args(["-f", "--seccomp-bpf", "-o", "/dev/null", "true"]).output();
    tried.is_ok_and(|tried| tried.status.success())
}

/// A command that records another one.
pub(crate) fn recording_command(command: &Command, to: &Path) -> Command {
    let mut strace = strace(command, to);
    strace.args(["--seccomp-bpf", "-s", "1048576"]);
    wrap_command(strace, command)
}

/// A command that kills another one when a thread begins its n-th call of this name.
pub(crate) fn killing_command(command: &Command, to: &Path, name: &str, nth: usize) -> Command {
    let mut strace = strace(command, to);
    strace.args(["-s", "16", "-e", &format!("inject={name}:signal=KILL:when={nth}")]);
    wrap_command(strace, command)
}

fn strace(command: &Command, to: &Path) -> Command {
    let mut strace = Command::new("strace");
    if let Some(folder) = command.get_current_dir() {
        strace.current_dir(folder);
    }
    strace.args(["-f", "-y", "-xx", "-e", "signal=none", "-e", &format!("trace={CALLS}"), "-o"]).arg(to);
    strace
}

fn wrap_command(mut strace: Command, command: &Command) -> Command {
    strace.arg(command.get_program()).args(command.get_args());
    strace.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    strace
}

impl Trace {
    /// Parses a recording. `before` is the initial folder.
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

struct Reader {
    folder: String,
    /// Names before the current line.
    names: BTreeMap<String, File>,
    files: usize,
    /// Calls up to the current line, by thread and name.
    counts: BTreeMap<(String, String), usize>,
}

/// A call that has begun.
struct Begun {
    text: String,
    /// The number of calls that had ended before.
    first: usize,
    nth: usize,
}

/// A call that has ended.
struct Ended<'a> {
    name: &'a str,
    arguments: Vec<&'a str>,
    result: i64,
}

impl<'a> Ended<'a> {
    /// `None` for a call that failed, or that has no result because its process ended first.
    fn parse(text: &'a str) -> Option<Self> {
        let (name, rest) = text.split_once('(').unwrap();
        let (arguments, result) = rest.rsplit_once(" = ").unwrap();
        let result = result.split(['<', ' ']).next().unwrap().parse().ok().filter(|result| *result >= 0)?;
        let arguments = arguments.trim_end().strip_suffix(')').unwrap().split(", ").collect();
        Some(Self { name, arguments, result })
    }

    fn number(&self, n: usize) -> usize {
        self.arguments[n].parse().unwrap()
    }
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
                    // The receiver may read the output as soon as the call begins.
                    calls.extend(self.output_of(&call));
                    begun.insert(thread.to_owned(), call);
                    continue;
                }
                calls.extend(self.output_of(&call));
                call
            };
            calls.extend(self.change_of(&whole));
        }
        calls
    }

    /// The output of a call.
    fn output_of(&self, call: &Begun) -> Option<Call> {
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

    /// The change of the folder by a call that has ended.
    fn change_of(&mut self, call: &Begun) -> Option<Call> {
        let ended = Ended::parse(&call.text)?;
        let change = match ended.name {
            "open" | "creat" => self.opened(&ended, 0)?,
            "openat" => self.opened(&ended, 1)?,
            "pwrite64" => {
                let (file, bytes) = (self.file(ended.arguments[0])?, strings(ended.arguments[1]).concat());
                assert_eq!(i64::try_from(bytes.len()), Ok(ended.result), "the whole write is recorded");
                Change::Written { file, at: ended.number(3), bytes }
            }
            "ftruncate" => Change::Resized { file: self.file(ended.arguments[0])?, length: ended.number(1) },
            "fsync" | "fdatasync" if self.is_folder(ended.arguments[0]) => {
                Change::NamesForced { first: call.first }
            }
            "fsync" | "fdatasync" => {
                Change::Forced { file: self.file(ended.arguments[0])?, first: call.first }
            }
            "rename" => self.renamed(&ended, [0, 1])?,
            "renameat" | "renameat2" => self.renamed(&ended, [1, 3])?,
            "link" => self.linked(&ended, [0, 1])?,
            "linkat" => self.linked(&ended, [1, 3])?,
            "unlink" => self.unlinked(&ended, 0)?,
            "unlinkat" => self.unlinked(&ended, 1)?,
            "write" | "writev" | "sendto" | "sendmsg" if self.file(ended.arguments[0]).is_none() => {
                return None;
            }
            // The program makes no other call on its files. A new one must be added here first.
            _ => {
                let in_folder = ended.arguments.iter().any(|argument| text(argument).contains(&self.folder));
                assert!(!in_folder, "{} is not understood", call.text);
                return None;
            }
        };
        Some(Call { change, name: ended.name.to_owned(), nth: call.nth })
    }

    /// An argument as a name in the folder.
    fn path(&self, ended: &Ended<'_>, n: usize) -> Option<String> {
        let path = strings(ended.arguments[n]).concat();
        self.name_of(&String::from_utf8(path).unwrap())
    }

    fn opened(&mut self, ended: &Ended<'_>, path: usize) -> Option<Change> {
        let name = self.path(ended, path)?;
        let flags = ended.arguments.get(path + 1).copied().unwrap_or_default();
        match self.names.get(&name).copied() {
            None if flags.contains("O_CREAT") => {
                let file = self.new_file();
                self.names.insert(name.clone(), file);
                Some(Change::Named { name, file })
            }
            Some(file) if flags.contains("O_TRUNC") => Some(Change::Resized { file, length: 0 }),
            _ => None,
        }
    }

    fn renamed(&mut self, ended: &Ended<'_>, [from, to]: [usize; 2]) -> Option<Change> {
        let (from, to) = (self.path(ended, from)?, self.path(ended, to).unwrap());
        assert!(!ended.arguments.iter().any(|flags| flags.contains("RENAME_EXCHANGE")), "{from} ⇄ {to}");
        let file = self.names.remove(&from).unwrap();
        self.names.insert(to.clone(), file);
        Some(Change::Renamed { from, to, file })
    }

    fn linked(&mut self, ended: &Ended<'_>, [from, to]: [usize; 2]) -> Option<Change> {
        let (from, name) = (self.path(ended, from)?, self.path(ended, to).unwrap());
        let file = self.names[&from];
        self.names.insert(name.clone(), file);
        Some(Change::Named { name, file })
    }

    fn unlinked(&mut self, ended: &Ended<'_>, path: usize) -> Option<Change> {
        let name = self.path(ended, path)?;
        self.names.remove(&name).unwrap();
        Some(Change::Unnamed { name })
    }

    fn new_file(&mut self) -> File {
        self.files += 1;
        self.files - 1
    }

    /// A path as a name in the folder.
    fn name_of(&self, path: &str) -> Option<String> {
        // The program runs in the folder.
        let name = match path.strip_prefix('/') {
            None => path,
            Some(_) => path.strip_prefix(&self.folder)?.strip_prefix('/')?,
        };
        assert!(!name.contains('/'), "{path}: only one folder is watched");
        Some(name.to_owned())
    }

    /// The file behind a descriptor; `None` without a name in the folder.
    fn file(&self, argument: &str) -> Option<File> {
        let name = self.name_of(&path_of(argument)?)?;
        self.names.get(&name).copied().filter(|_| !argument.contains("(deleted)"))
    }

    fn is_folder(&self, argument: &str) -> bool {
        path_of(argument).is_some_and(|path| path == self.folder)
    }
}

/// The path behind a descriptor.
fn path_of(argument: &str) -> Option<String> {
    Some(text(argument.split_once('<')?.1.split_once('>')?.0))
}

fn strings(text: &str) -> Vec<Vec<u8>> {
    text.split('"').skip(1).step_by(2).map(bytes).collect()
}

/// The bytes of `\x2f\x74`.
fn bytes(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| if byte < b'a' { byte - b'0' } else { byte - b'a' + 10 };
    hex.as_bytes().chunks_exact(4).map(|byte| digit(byte[2]) << 4 | digit(byte[3])).collect()
}

/// The same as text. Other characters do not change.
fn text(hex: &str) -> String {
    let mut parts = hex.split("\\x");
    let mut text = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        text.extend(bytes(&format!("\\x{}", &part[..2])));
        text.extend(part[2..].bytes());
    }
    String::from_utf8_lossy(&text).into_owned()
}
