//! Every file of the fuzzing corpora for LDAP, through the checks of the fuzz targets.

use std::path::Path;

#[path = "../../../fuzz/src/ldap.rs"]
pub mod checks;

fn holds(corpus: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(corpus);
    let mut files = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        check(&std::fs::read(file.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files > 0, "the corpus {corpus} is there");
}

#[test]
fn the_corpora_hold() {
    holds("ldap_message", checks::ldap_message);
    holds("ldap_filter", checks::ldap_filter);
    holds("ldap_dn", checks::ldap_dn);
}
