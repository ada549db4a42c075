//! Components for tests, built through cargo on first use, once for the whole test run.
//!
//! All guests are built into one folder, `guest-examples/target`, where `cargo guests` builds as well: what their workspaces share
//! (the generator of bindings is most of it) is compiled once.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The rules for the services that the fake cloud has.
const BASIC: &[&str] = &[
    "openstack-block-storage",
    "openstack-compute",
    "openstack-identity",
    "openstack-image",
    "openstack-network",
];

/// The folder with the rule pack for OpenStack.
pub(crate) fn rule_pack() -> &'static Path {
    static PACK: OnceLock<PathBuf> = OnceLock::new();
    PACK.get_or_init(|| {
        gathered("guest-examples", "rules", |name| {
            name.starts_with("openstack_")
        })
    })
}

/// A folder with the rules for the fake cloud's services, or why there is none, in a paragraph.
pub(crate) fn basic_rules() -> Result<PathBuf, String> {
    let built = try_build("guest-examples", BASIC)?;
    let basic = |name: &str| BASIC.contains(&name.replace('_', "-").as_str());
    gather(&built, "basic-rules", basic)
        .map_err(|error| format!("the rules that were built cannot be copied: {error}"))
}

/// The rule of the example outside of OpenStack.
pub(crate) fn kinto() -> PathBuf {
    static KINTO: OnceLock<PathBuf> = OnceLock::new();
    let build = || try_build("guest-examples", &["kinto"]).unwrap_or_else(|why| panic!("{why}"));
    KINTO.get_or_init(build).join("kinto.wasm")
}

/// The hostile guests.
pub(crate) fn hostile() -> &'static Path {
    static HOSTILE: OnceLock<PathBuf> = OnceLock::new();
    HOSTILE.get_or_init(|| gathered("tests/guests", "hostile", |name| name == "misbehave"))
}

/// Rules built against the contract as it was in earlier versions.
pub(crate) fn frozen() -> &'static Path {
    static FROZEN: OnceLock<PathBuf> = OnceLock::new();
    FROZEN.get_or_init(|| {
        gathered("tests/guests", "frozen", |name| {
            name.starts_with("contract_")
        })
    })
}

/// Builds a workspace of guests, and returns the folder with its components.
pub(crate) fn build(workspace: &str) -> PathBuf {
    try_build(workspace, &[]).unwrap_or_else(|why| panic!("{why}"))
}

fn gathered(workspace: &str, name: &str, wanted: impl Fn(&str) -> bool) -> PathBuf {
    gather(&build(workspace), name, wanted).expect("components can be copied")
}

/// Builds these packages of a workspace, or all of them.
fn try_build(workspace: &str, packages: &[&str]) -> Result<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = root.join("guest-examples/target");
    // The variable is there whenever cargo runs us. The path from compile time may be another machine's.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--target", "wasm32-wasip2"])
        .args(packages.iter().flat_map(|package| ["--package", package]))
        .arg("--manifest-path")
        .arg(root.join(workspace).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        // The host's own build flags are not the guests'.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    if built.status.success() {
        return Ok(target.join("wasm32-wasip2/release"));
    }
    Err(format!(
        "the rules in {workspace} cannot be built; this is what cargo says:\n{}",
        String::from_utf8_lossy(&built.stderr).trim_end()
    ))
}

/// Copies the wanted components into a folder of their own, where nothing else is. What is there already stays untouched: another
/// process may be reading it.
fn gather(from: &Path, name: &str, wanted: impl Fn(&str) -> bool) -> io::Result<PathBuf> {
    let to = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/guests")
        .join(name);
    std::fs::create_dir_all(&to)?;
    let is_wanted = |path: &PathBuf| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        path.extension()
            .is_some_and(|extension| extension == "wasm")
            && wanted(&stem)
    };
    let built: Vec<PathBuf> = files(from)?.into_iter().filter(is_wanted).collect();
    for old in files(&to)? {
        if !built.iter().any(|path| path.file_name() == old.file_name()) {
            std::fs::remove_file(old)?;
        }
    }
    for path in built {
        let bytes = std::fs::read(&path)?;
        let copy = to.join(path.file_name().unwrap_or_default());
        if std::fs::read(&copy).ok().as_ref() != Some(&bytes) {
            let fresh = copy.with_extension(format!("{}.new", std::process::id()));
            std::fs::write(&fresh, bytes)?;
            std::fs::rename(fresh, copy)?;
        }
    }
    Ok(to)
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?;
    entries.map(|entry| Ok(entry?.path())).collect()
}
