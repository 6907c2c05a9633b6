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
            let input = std::fs::read(file.path()).unwrap();
            check(&input);
            // Cut off, and changed, at every byte.
            for at in 0..input.len() {
                check(&input[..at]);
                for byte in [0, 1, 0x20, 0x5c, 0x7f, 0x80, 0x84, 0xa2, 0xff] {
                    let mut changed = input.clone();
                    changed[at] = byte;
                    check(&changed);
                }
            }
        }
    }
}
