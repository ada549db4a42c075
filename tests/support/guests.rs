//! Components for tests, built through cargo on first use, once for the whole test run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folder with the rule pack for OpenStack.
pub(crate) fn rule_pack() -> &'static Path {
    static PACK: OnceLock<PathBuf> = OnceLock::new();
    PACK.get_or_init(|| {
        gather(&build("guest-examples"), "rules", |name| {
            name.starts_with("openstack_")
        })
    })
}

/// The hostile guests.
pub(crate) fn hostile() -> &'static Path {
    static HOSTILE: OnceLock<PathBuf> = OnceLock::new();
    HOSTILE.get_or_init(|| {
        gather(&build("tests/guests"), "hostile", |name| {
            name == "misbehave"
        })
    })
}

/// Rules built against the contract as it was in earlier versions.
pub(crate) fn frozen() -> &'static Path {
    static FROZEN: OnceLock<PathBuf> = OnceLock::new();
    FROZEN.get_or_init(|| {
        gather(&build("tests/guests"), "frozen", |name| {
            name.starts_with("contract_")
        })
    })
}

/// Builds a workspace of guests, and returns the folder with its components.
pub(crate) fn build(workspace: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = root.join("target/guests").join(workspace);
    let built = Command::new(env!("CARGO"))
        .args([
            "build",
            "--release",
            "--target",
            "wasm32-wasip2",
            "--manifest-path",
        ])
        .arg(root.join(workspace).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        // The host's own build flags are not the guests'.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .expect("cargo runs");
    assert!(
        built.status.success(),
        "{workspace} does not build; is the target wasm32-wasip2 installed (`rustup target add wasm32-wasip2`)?\n{}",
        String::from_utf8_lossy(&built.stderr)
    );
    target.join("wasm32-wasip2/release")
}

/// Copies the wanted components into a folder of their own, where nothing else is. What is there already stays untouched: another
/// process may be reading it.
fn gather(from: &Path, name: &str, wanted: impl Fn(&str) -> bool) -> PathBuf {
    let to = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/guests")
        .join(name);
    std::fs::create_dir_all(&to).expect("the folder can be made");
    let is_wanted = |path: &PathBuf| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        path.extension()
            .is_some_and(|extension| extension == "wasm")
            && wanted(&stem)
    };
    let built: Vec<PathBuf> = files(from).into_iter().filter(is_wanted).collect();
    for old in files(&to) {
        if !built.iter().any(|path| path.file_name() == old.file_name()) {
            std::fs::remove_file(old).expect("an old component can be removed");
        }
    }
    for path in built {
        let bytes = std::fs::read(&path).expect("a component can be read");
        let copy = to.join(path.file_name().expect("a file"));
        if std::fs::read(&copy).ok().as_ref() != Some(&bytes) {
            let fresh = copy.with_extension(format!("{}.new", std::process::id()));
            std::fs::write(&fresh, bytes).expect("a component can be copied");
            std::fs::rename(fresh, copy).expect("a component can take its place");
        }
    }
    to
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}
