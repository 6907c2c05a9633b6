//! Runs every file of the fuzzing corpus through the checks of the fuzz targets, so that fixed errors stay fixed.

use std::fs;
use std::path::Path;

use rstest::rstest;

#[path = "../../../fuzz/src/lib.rs"]
pub mod checks;

#[rstest]
#[case::reader("reader", checks::reader)]
#[case::date("date", checks::date)]
#[case::authorization("authorization", checks::authorization)]
#[case::basic("basic", checks::basic)]
#[case::form("form", checks::form)]
#[case::request("request", checks::request)]
#[case::body("body", checks::body)]
#[case::import("import", checks::import)]
#[case::encoding("encoding", checks::encoding)]
#[case::header("header", checks::header)]
#[case::trace_parent("trace_parent", checks::trace_parent)]
#[case::scim_filter("scim_filter", checks::scim_filter)]
#[case::scim_patch("scim_patch", checks::scim_patch)]
fn the_corpus_holds(#[case] target: &str, #[case] check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no corpus in {}", folder.display());
    for file in files {
        println!("{}", file.display());
        check(&fs::read(file).unwrap());
    }
}
