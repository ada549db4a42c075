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
    HOSTILE.get_or_init(|| gather(&build("tests/guests"), "hostile", |_| true))
}

/// Builds a workspace of guests, and returns the folder with its components.
fn build(workspace: &str) -> PathBuf {
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

/// Copies the wanted components into a folder of their own, where nothing else is.
fn gather(from: &Path, name: &str, wanted: impl Fn(&str) -> bool) -> PathBuf {
    let to = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/guests")
        .join(name);
    std::fs::create_dir_all(&to).expect("the folder can be made");
    for entry in std::fs::read_dir(&to).expect("the folder can be read") {
        std::fs::remove_file(entry.expect("an entry").path())
            .expect("an old component can be removed");
    }
    for entry in std::fs::read_dir(from).expect("components were built") {
        let path = entry.expect("an entry").path();
        let stem = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path
            .extension()
            .is_some_and(|extension| extension == "wasm")
            && wanted(&stem)
        {
            std::fs::copy(&path, to.join(path.file_name().expect("a file")))
                .expect("a component can be copied");
        }
    }
    to
}
