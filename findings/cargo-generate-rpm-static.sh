#!/usr/bin/env bash
# Expected: a static program requires nothing, so an .rpm with only that program requires no library; and rpm2cpio
# unpacks every .rpm that `rpm --install` accepts with exit code 0.
# Found: cargo-generate-rpm 0.21.1 writes the requirement rtld(GNU_HASH) for a static program, and such a package needs
# `--auto-req no`. Debian's rpm2cpio (rpm 4.18.0) unpacks the package completely and ends with 1, without a message.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export CARGO_PROFILE_RELEASE_LTO=false CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
cargo install --quiet --locked --root tools cargo-generate-rpm@0.21.1
mkdir -p hello/src
cd hello
echo 'fn main() {}' >src/main.rs
cat >Cargo.toml <<'END'
[package]
name = "hello"
version = "1.0.0"
edition = "2024"
license = "MIT"
description = "Says nothing."
[package.metadata.generate-rpm]
assets = [{ source = "target/release/hello", dest = "/usr/bin/hello", mode = "755" }]
END
RUSTFLAGS='-C target-feature=+crt-static' cargo build --quiet --release --target x86_64-unknown-linux-gnu
"$folder/tools/bin/cargo-generate-rpm" --target x86_64-unknown-linux-gnu --output hello.rpm
libraries=$(ldd target/x86_64-unknown-linux-gnu/release/hello 2>&1 | sed 's/^[[:space:]]*//') || true
requires=$(rpm --query --package --requires hello.rpm 2>/dev/null | grep -v '^rpmlib' || true)
status=0
rpm2cpio hello.rpm >hello.cpio 2>told || status=$?
files=$(cpio --list --quiet <hello.cpio)
printf 'the program: %s\n' "$libraries"
printf 'cargo-generate-rpm 0.21.1, requirements: %s\n' "[$requires]"
printf '%s, rpm2cpio: exit code %s, files %s, message %s\n' "$(rpm --version)" "$status" "[$files]" "[$(cat told)]"
if [[ $requires != *'rtld(GNU_HASH)'* || $status -ne 1 || $files != *usr/bin/hello* ]]; then
    echo changed
    exit 1
fi
