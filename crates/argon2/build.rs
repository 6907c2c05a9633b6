//! Compiles the reference implementation: the part that fills memory once for each width of vectors, the rest once.

fn main() {
    println!("cargo::rerun-if-changed=libargon2");
    println!("cargo::rerun-if-changed=src/glue.c");
    #[expect(clippy::disallowed_methods, reason = "Cargo tells a build script its target by the environment")]
    let is_x86 = std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "x86_64");
    let mut common = build();
    common.files(
        ["core.c", "argon2.c", "encoding.c", "blake2/blake2b.c"].map(|file| format!("libargon2/src/{file}")),
    );
    common.file("src/glue.c").compile("matricula_argon2");
    let widths: &[(&str, &[&str])] = match is_x86 {
        true => &[("portable", &[]), ("avx2", &["-mavx2"]), ("avx512", &["-mavx512f"])],
        false => &[("portable", &[])],
    };
    // SSE2 belongs to every x86-64, and the file for vectors needs no more.
    let file = if is_x86 { "libargon2/src/opt.c" } else { "libargon2/src/ref.c" };
    for (width, flags) in widths {
        let mut fill = build();
        flags.iter().for_each(|flag| {
            fill.flag(flag);
        });
        fill.define("fill_segment", Some(format!("fill_segment_{width}").as_str()));
        fill.file(file).compile(&format!("matricula_argon2_{width}"));
    }
}

fn build() -> cc::Build {
    let mut build = cc::Build::new();
    // Also in development: a hash is slow enough as it is.
    build.opt_level(3).define("ARGON2_NO_THREADS", None).includes(["libargon2/include", "libargon2/src"]);
    // The code is pinned: its warnings are for its authors.
    build.warnings(false);
    build
}
