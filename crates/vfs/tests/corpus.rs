//! Checks every file of the fuzzing corpus for the file layer like the fuzz target.

use std::path::Path;

#[path = "../../../fuzz/src/vfs.rs"]
pub mod checks;

#[test]
fn the_corpus_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/vfs");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 5, "a corpus");
    for file in files {
        checks::vfs(&std::fs::read(file).unwrap());
    }
}
