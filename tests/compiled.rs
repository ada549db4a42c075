//! What is compiled, and what looks after it: each crate once, in one version, whatever cargo is asked for; and what a machine
//! lacks is said in one paragraph before anything is compiled.
//!
//! The first build is what a newcomer waits for, and a second `syn` costs as long as a service's rules.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Crates in two versions, each with who asks for the older one.
const TWO_VERSIONS: &[(&str, &str)] = &[
    ("base64", "0.22: wasmtime's cache, docker_credential"),
    ("cpufeatures", "0.2: sha2 0.10, which cranelift wants"),
    ("getrandom", "0.2: ring"),
    ("hashbrown", "0.16: gimli 0.33, which wasmtime wants"),
    ("io-lifetimes", "2: fs-set-times, which cap-std wants"),
];

/// Dependencies that no source names, each with what it is there for.
const NAMED_NOWHERE: &[(&str, &str)] = &[];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What `cargo tree` prints for this machine, one package on a line.
fn tree(arguments: &[&str]) -> Vec<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let out = Command::new(cargo)
        .args(["tree", "--locked", "--offline", "--prefix", "none"])
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let text = String::from_utf8(out.stdout).unwrap();
    text.lines()
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        .collect()
}

/// Name and version of all that is compiled.
fn versions() -> BTreeMap<String, BTreeSet<String>> {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in tree(&["-f", "{p}"]) {
        if let [name, version, ..] = line.split(' ').collect::<Vec<_>>()[..] {
            versions
                .entry(name.to_owned())
                .or_default()
                .insert(version.to_owned());
        }
    }
    versions
}

#[test]
fn each_crate_comes_in_one_version_or_there_is_a_reason() {
    let versions = versions();
    assert!(versions.len() > 200, "this is not the whole tree");
    let twice: BTreeMap<_, _> = versions
        .into_iter()
        .filter(|(_, all)| all.len() > 1)
        .collect();
    let excused: BTreeSet<&str> = TWO_VERSIONS.iter().map(|(name, _)| *name).collect();
    let found: BTreeSet<&str> = twice.keys().map(String::as_str).collect();
    assert_eq!(
        found, excused,
        "compiled in several versions: {twice:#?}\nHold one back in Cargo.lock (`cargo update NAME --precise VERSION`), or say here why not."
    );
}

#[test]
fn the_program_and_its_tests_share_all_that_both_need() {
    let features = |arguments: &[&str]| -> BTreeSet<String> {
        tree(&[arguments, &["-f", "{p} {f}"]].concat())
            .into_iter()
            .collect()
    };
    let program = features(&["-e", "normal,build"]);
    let all = features(&["-e", "normal,build,dev"]);
    let own: Vec<_> = program.difference(&all).collect();
    assert!(
        own.is_empty(),
        "`cargo build` compiles these with other features than `cargo test`: {own:#?}"
    );
}

/// Versions as a lock file has them.
fn locked(file: &str) -> BTreeMap<String, BTreeSet<String>> {
    let lock: toml::Table =
        toml::from_str(&std::fs::read_to_string(root().join(file)).unwrap()).unwrap();
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in lock["package"].as_array().unwrap() {
        let field = |name: &str| package[name].as_str().unwrap().to_owned();
        versions
            .entry(field("name"))
            .or_default()
            .insert(field("version"));
    }
    versions
}

#[test]
fn workspaces_that_are_built_in_one_place_are_locked_to_the_same_versions() {
    for (one, other) in [
        ("guest-examples/Cargo.lock", "tests/guests/Cargo.lock"),
        (
            "guest-examples/Cargo.lock",
            "guest-examples/rust/Cargo.lock",
        ),
        ("Cargo.lock", "tests/fuzz/Cargo.lock"),
    ] {
        let (one_has, other_has) = (locked(one), locked(other));
        let differ: Vec<_> = one_has
            .iter()
            .filter_map(|(name, versions)| Some((name, versions, other_has.get(name)?)))
            .filter(|(_, versions, others)| !others.is_subset(versions))
            .collect();
        assert!(differ.is_empty(), "{one} and {other} differ: {differ:#?}");
    }
}

/// The text of all Rust sources below a folder.
fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|it| it == "rs") {
            text.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn what_is_depended_on_is_used() {
    let manifest: toml::Table =
        toml::from_str(&std::fs::read_to_string(root().join("Cargo.toml")).unwrap()).unwrap();
    let (mut ours, mut tests) = (String::new(), String::new());
    sources(&root().join("runner/src"), &mut ours);
    sources(&root().join("tests"), &mut tests);
    tests.push_str(&ours);
    let excused: BTreeSet<&str> = NAMED_NOWHERE.iter().map(|(name, _)| *name).collect();
    let mut unused = BTreeSet::new();
    for (table, text) in [("dependencies", &ours), ("dev-dependencies", &tests)] {
        for name in manifest[table].as_table().unwrap().keys() {
            let word = name.replace('-', "_");
            if !text.contains(&format!("{word}::")) && !text.contains(&format!("use {word};")) {
                unused.insert(name.as_str());
            }
        }
    }
    assert_eq!(
        unused, excused,
        "a dependency that nothing uses is compiled for nothing"
    );
}

/// A machine as `.cargo/ready` sees it: what it finds on the PATH, and where rustup keeps toolchains.
struct Machine {
    place: tempfile::TempDir,
}

impl Machine {
    /// With the tools of any system, but neither compiler nor rustup, in a folder that has a space and an umlaut in its name.
    fn bare() -> Self {
        let place = tempfile::Builder::new()
            .prefix("ein Gerät ")
            .tempdir()
            .unwrap();
        let machine = Self { place };
        for folder in ["bin", ".cargo", "rustup/toolchains/ours/lib/rustlib"] {
            std::fs::create_dir_all(machine.path(folder)).unwrap();
        }
        std::fs::copy(root().join(".cargo/ready"), machine.path(".cargo/ready")).unwrap();
        for tool in [
            "awk", "cut", "df", "dirname", "grep", "head", "ln", "mkdir", "readlink", "rm", "sed",
            "sh", "tr",
        ] {
            let real = std::env::split_paths(&std::env::var_os("PATH").unwrap())
                .map(|folder| folder.join(tool))
                .find(|path| path.exists())
                .unwrap();
            std::os::unix::fs::symlink(real, machine.path(&format!("bin/{tool}"))).unwrap();
        }
        machine.with("compiler", "echo compiled \"$2\"")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// A command that is there.
    fn with(self, name: &str, script: &str) -> Self {
        let file = self.path(&format!("bin/{name}"));
        // A link to the system's own is not to be written through.
        let _ = std::fs::remove_file(&file);
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&file, mode).unwrap();
        self
    }

    fn with_target(self) -> Self {
        std::fs::create_dir_all(self.path("rustup/toolchains/ours/lib/rustlib/wasm32-wasip2/lib"))
            .unwrap();
        self
    }

    fn compile(&self, what: &str) -> Output {
        Command::new(self.path(".cargo/ready"))
            .args(["compiler", "--crate-name", what, "--out-dir", "."])
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("RUSTUP_HOME", self.path("rustup"))
            .env("RUSTUP_TOOLCHAIN", "ours")
            .current_dir(self.place.path())
            .output()
            .unwrap()
    }
}

const NO_NETWORK: &str =
    "echo 'error: could not download file' >&2; echo 'caused by: dns error' >&2; exit 1";
const FULL: &str = "echo head; echo 'disk 100 99 2048 99% /'";

#[test]
fn what_is_missing_is_asked_for_in_one_paragraph() {
    let cases: &[(&str, Machine, &[&str])] = &[
        (
            "a target, and no network",
            Machine::bare().with("cc", "").with("rustup", NO_NETWORK),
            &[
                "wasm32-wasip2",
                "could not download file caused by: dns error",
                "rustup target add --toolchain ours wasm32-wasip2",
            ],
        ),
        (
            "a target, and no rustup",
            Machine::bare().with("cc", ""),
            &["wasm32-wasip2", "https://rustup.rs"],
        ),
        (
            "a C compiler",
            Machine::bare().with_target(),
            &["no `cc` on the PATH", "ring", "zstd", "apt-get install gcc"],
        ),
        (
            "room on the disk",
            Machine::bare()
                .with_target()
                .with("cc", "")
                .with("df", FULL),
            &["2 MB are free", "CARGO_TARGET_DIR"],
        ),
    ];
    for (missing, machine, words) in cases {
        let out = machine.compile("build_script_build");
        let said = String::from_utf8(out.stderr).unwrap();
        assert!(
            !out.status.success() && out.stdout.is_empty(),
            "{missing}: {said}"
        );
        assert_eq!(said.trim().lines().count(), 1, "{missing}: {said}");
        for word in *words {
            assert!(said.contains(word), "{missing}: {said} does not say {word}");
        }
    }
}

#[test]
fn where_nothing_is_missing_the_compiler_is_called() {
    let fetches = "mkdir -p \"$RUSTUP_HOME/toolchains/ours/lib/rustlib/wasm32-wasip2/lib\"";
    for machine in [
        Machine::bare().with("cc", "").with_target(),
        Machine::bare().with("cc", "").with("rustup", fetches),
    ] {
        for _ in 0..2 {
            let out = machine.compile("build_script_build");
            assert_eq!(String::from_utf8_lossy(&out.stderr), "");
            assert_eq!(
                String::from_utf8_lossy(&out.stdout),
                "compiled build_script_build\n"
            );
        }
    }
}
