//! The tools that a language needs: found on the PATH or where `tests/languages/install` puts them, or told to be missing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use libtest_mimic::Trial;

/// Names the languages that must not be left out, by commas, or `all`.
const REQUIRED: &str = "RUNNER_TEST_LANGUAGES";

/// Tools that belong together.
pub(crate) struct Toolkit {
    /// As the installer calls them.
    pub(crate) name: &'static str,
    /// Commands that have to be there.
    needs: &'static [&'static str],
    missing: OnceLock<Vec<&'static str>>,
}

impl Toolkit {
    pub(crate) const fn new(name: &'static str, needs: &'static [&'static str]) -> Self {
        Self {
            name,
            needs,
            missing: OnceLock::new(),
        }
    }

    /// Whether nothing is missing.
    pub(crate) fn is_there(&self) -> bool {
        self.missing().is_empty()
    }

    /// What is said of tests that are left out, if they are.
    pub(crate) fn left_out(&self) -> Option<String> {
        let is_left_out = !self.is_there() && !self.is_required();
        is_left_out.then(|| format!("left out: {} ({})", self.name, self.complaint()))
    }

    /// A trial that needs these tools. It fails by panicking; where tools are missing it is ignored, or fails if they may not be.
    pub(crate) fn trial(&'static self, name: String, run: impl FnOnce() + Send + 'static) -> Trial {
        let trial = Trial::test(name, move || {
            if !self.is_there() {
                return Err(self.complaint().into());
            }
            run();
            Ok(())
        });
        if self.left_out().is_some() {
            trial.with_kind("left out").with_ignored_flag(true)
        } else {
            trial
        }
    }

    fn is_required(&self) -> bool {
        let required = std::env::var_os(REQUIRED).unwrap_or_default();
        let required = required.to_string_lossy();
        let mut names = required.split(',').map(str::trim);
        names.any(|name| name == "all" || name == self.name)
    }

    fn missing(&self) -> &[&'static str] {
        self.missing.get_or_init(|| {
            let is_there = |need: &str| {
                let found = shell(&format!("command -v {need}")).output();
                found.is_ok_and(|found| found.status.success())
            };
            let needs = self.needs.iter().copied();
            needs.filter(|need| !is_there(need)).collect()
        })
    }

    fn complaint(&self) -> String {
        let missing = self.missing().join("` and no `");
        format!(
            "no `{missing}` on the PATH; tests/languages/install {} installs it",
            self.name
        )
    }
}

/// Where `tests/languages/install` puts what it installs, and where examples are built.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/languages")
}

/// A line of a page, as an author would type it, with the installed tools before all others.
pub(crate) fn shell(line: &str) -> Command {
    let mut path = OsString::from(folder().join("bin"));
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new("sh");
    command
        .args(["-e", "-c", line])
        .env("PATH", path)
        // The host's own build flags are not the guests'.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_TARGET_DIR")
        // The makefiles' own defaults download what is installed already.
        .env("JCO", "jco")
        .env("YYJSON", folder().join("yyjson"))
        .stdin(Stdio::null());
    let modules = folder().join("goproxy");
    if modules.is_dir() {
        let modules = format!("file://{}", modules.display());
        command.envs([
            ("GOPROXY", &*modules),
            ("GOSUMDB", "off"),
            ("GOTOOLCHAIN", "local"),
        ]);
    }
    command
}
