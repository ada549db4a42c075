//! Runs the real binary against a fake cloud, in a folder of its own: no configuration, cache or state of the user's is read or
//! written.
//!
//! A run blocks its thread, so a test that starts one runs on a runtime with several threads
//! (`#[tokio::test(flavor = "multi_thread")]`): the fake cloud answers on the others.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::fake_cloud::FakeCloud;

/// A place to run in, connected to a cloud. It vanishes when dropped.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    cloud: String,
}

impl Place {
    /// A place where the cloud's `admin`, `demo`, `other` and `system-admin` are configured. Commands run as `admin`.
    pub(crate) fn new(cloud: &FakeCloud) -> Self {
        let place = Self::unconnected();
        place.write("clouds.yaml", cloud.clouds_yaml());
        place
    }

    /// A place without any cloud.
    pub(crate) fn unconnected() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        Self {
            folder,
            cloud: "admin".to_owned(),
        }
    }

    /// Runs as another of the configured clouds.
    pub(crate) fn with_cloud(self, cloud: &str) -> Self {
        Self {
            cloud: cloud.to_owned(),
            ..self
        }
    }

    /// A path in this place. Commands run with the place as their working directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and the folders above it. `runner.toml` is read by every command.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).expect("a folder can be made");
        }
        std::fs::write(&path, content).expect("a file can be written");
        path
    }

    /// Copies all components of a folder into the folder `rules`, where a command looks for them by default.
    pub(crate) fn add_rules(&self, from: &Path) {
        for entry in std::fs::read_dir(from).expect("components were built") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a file").to_string_lossy();
            self.add_rule(&path, &name);
        }
    }

    /// Copies one component into the folder `rules`, under this file name.
    pub(crate) fn add_rule(&self, from: &Path, name: &str) {
        let content = std::fs::read(from).expect("a component can be read");
        self.write(&format!("rules/{name}"), content);
    }

    /// The command, ready to be run, or to be changed first. Its environment is empty but for the place's own.
    pub(crate) fn command<I, S>(&self, arguments: I) -> Command
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
        self.furnish(&mut command, arguments);
        command
    }

    /// The same for a run that is to be sent signals. The tests may have been started with some of them ignored, as `nohup` and a
    /// shell's `&` do it, and what is ignored stays so: `env` takes that back, where it can.
    pub(crate) fn hearing_command<I, S>(&self, arguments: I) -> Command
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let hears = ["--default-signal", "true"];
        let hears = Command::new("env")
            .args(hears)
            .stderr(Stdio::null())
            .status();
        if !hears.is_ok_and(|status| status.success()) {
            return self.command(arguments);
        }
        let mut command = Command::new("env");
        command.args(["--default-signal", env!("CARGO_BIN_EXE_runner")]);
        self.furnish(&mut command, arguments);
        command
    }

    fn furnish<I, S>(&self, command: &mut Command, arguments: I)
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.path("home"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_STATE_HOME", self.path("state"))
            // Compiling a component takes seconds, and the cache is keyed by content: all places share one.
            .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
            .env("OS_CLIENT_CONFIG_FILE", self.path("clouds.yaml"))
            .env("OS_CLOUD", &self.cloud)
            .stdin(Stdio::null());
    }

    /// Runs a command to its end.
    pub(crate) fn run<I, S>(&self, arguments: I) -> Run
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let output = self.command(arguments).output().expect("the binary runs");
        Run::from(output)
    }

    /// The audit log's entries so far.
    pub(crate) fn audit(&self) -> Vec<Value> {
        let text =
            std::fs::read_to_string(self.path("state/runner/audit.jsonl")).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).expect("an entry of the audit log is JSON"))
            .collect()
    }
}

/// A command that has ended.
pub(crate) struct Run {
    /// The exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Standard output as JSON, null if it is none.
    pub(crate) json: Value,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        Self {
            code: output.status.code(),
            json: serde_json::from_str(&stdout).unwrap_or_default(),
            stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Run {
    /// Fails with all that was said, unless the command ended with this code.
    #[track_caller]
    pub(crate) fn expect_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Whether standard output or standard error holds this text.
    pub(crate) fn says(&self, text: &str) -> bool {
        self.stdout.contains(text) || self.stderr.contains(text)
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "exit code {:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }
}
