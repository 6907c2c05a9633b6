//! Every file of the fuzzing corpora for LDAP, through the checks of the fuzz targets.

use std::path::Path;

#[path = "../../../fuzz/src/ldap.rs"]
pub mod checks;

#[test]
fn the_corpora_hold() {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let corpora = [
        ("ldap_message", checks::ldap_message as fn(&[u8])),
        ("ldap_filter", checks::ldap_filter),
        ("ldap_dn", checks::ldap_dn),
    ];
    for (corpus, check) in corpora {
        let files: Vec<_> = std::fs::read_dir(all.join(corpus)).unwrap().map(Result::unwrap).collect();
        assert!(files.len() > 4, "a corpus: {corpus}");
        for file in files {
            check(&std::fs::read(file.path()).unwrap());
        }
    }
}
