//! Compares the list of mistakes in docs/SIGNATURES.md with the table.

#![expect(clippy::disallowed_methods, reason = "who runs the test says whether it writes")]

use std::path::Path;

use matricula_wire::explain::Mistake;

const MARK: &str = "<!-- What follows is made by a test: MATRICULA_UPDATE=1 cargo test -p matricula-wire --test signatures -->\n";

#[test]
fn the_documentation_lists_every_mistake() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/SIGNATURES.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (written, _) = text.split_once(MARK).unwrap_or((&text, ""));
    let mut made =
        format!("{written}{MARK}\n| mistake | about | what is wrong | how to fix it |\n|---|---|---|---|\n");
    for mistake in Mistake::ALL {
        let part = serde_json::to_value(mistake.part()).unwrap();
        let part = part.as_str().unwrap().replace('_', " ");
        let cell = |text: &str| text.replace('|', "\\|");
        made.push_str(&format!(
            "| `{mistake}` | {part} | {} | {} |\n",
            cell(mistake.wrong()),
            cell(mistake.mend())
        ));
    }
    if std::env::var("MATRICULA_UPDATE").is_ok_and(|update| update == "1") {
        std::fs::write(&path, &made).unwrap();
    } else {
        assert!(text == made, "docs/SIGNATURES.md differs from the table: MATRICULA_UPDATE=1 rewrites it");
    }
}
