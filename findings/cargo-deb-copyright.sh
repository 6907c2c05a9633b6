#!/usr/bin/env bash
# Expected: cargo-deb packs the file that `assets` lists for the folder usr/share/doc/NAME/, also if it is called
# `copyright`; and `depends = ""` leaves the field out.
# Found: cargo-deb 3.8.0 packs its generated copyright instead, without a word, unless the target is the full path. An
# empty `depends` becomes an empty field `Depends:`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export CARGO_PROFILE_RELEASE_LTO=false CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
cargo install --quiet --locked --root tools cargo-deb@3.8.0
mkdir -p hello/src
cd hello
echo 'fn main() {}' >src/main.rs
echo 'the text of the project' >copyright
manifest() {
    cat >Cargo.toml <<END
[package]
name = "hello"
version = "1.0.0"
edition = "2024"
license = "MIT"
description = "Says nothing."
[package.metadata.deb]
maintainer = "Ann Lee <ann@example.com>"
depends = ""
assets = [["target/release/hello", "usr/bin/", "755"], ["copyright", "$1", "644"]]
END
}
packed() {
    manifest "$1"
    "$folder/tools/bin/cargo-deb" deb --quiet --output hello.deb >/dev/null
    dpkg-deb --fsys-tarfile hello.deb | tar -xO ./usr/share/doc/hello/copyright | sed -n 1p
}
own='the text of the project'
by_folder=$(packed usr/share/doc/hello/) by_path=$(packed usr/share/doc/hello/copyright)
field=$(dpkg-deb --field hello.deb | grep '^Depends:' || true)
printf 'cargo-deb 3.8.0, target is the folder: %s\n' "$by_folder"
printf 'cargo-deb 3.8.0, target is the path:   %s\n' "$by_path"
printf 'cargo-deb 3.8.0, depends = "":         %s\n' "[$field]"
if [[ $by_folder == "$own" || $by_path != "$own" || $field != 'Depends:'* ]]; then
    echo changed
    exit 1
fi
