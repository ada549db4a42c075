//! The real binary, watched while it runs: by itself, or on a terminal of its own that can be taken from it.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::support::run::{Place, Run};

/// How long anything may take. Nothing does, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Where a process looks for certificate authorities. Nobody speaks TLS here, and to read a system's takes longer than a sweep.
const AUTHORITIES: &str = "SSL_CERT_FILE";
const NONE: &str = "/dev/null";

/// The exit code by which a shell tells of SIGKILL.
const KILLED: i32 = 128 + 9;

/// What starts a run on its terminal, and outlives both to say how the run ended. Its output goes to a file by way of a process that
/// nothing keeps from writing.
const SESSION: &str = r#"
trap : HUP INT TERM
{
    trap : HUP INT TERM
    sh -c 'echo $$ > pid; exec "$@"' - COMMAND
    echo $? > ended
} | (trap '' HUP INT TERM; exec cat > stdout)
mv ended code
"#;

/// What a run writes to, and nobody reads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Deaf {
    Nothing,
    Stdout,
    Stderr,
}

/// A run under way.
pub(super) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    /// What nobody reads, until it is closed.
    unread: (Option<ChildStdout>, Option<ChildStderr>),
    stdout: Heard,
    stderr: Heard,
    /// Where a run on a terminal leaves its words.
    session: Option<PathBuf>,
}

/// What has been said on a stream so far.
#[derive(Default)]
struct Heard {
    text: Arc<Mutex<Vec<u8>>>,
    listener: Option<JoinHandle<()>>,
}

impl Heard {
    fn from(mut stream: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&text);
        let listener = std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(bytes @ 1..) = stream.read(&mut piece) {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.extend_from_slice(&piece[..bytes]);
            }
        });
        Self {
            text,
            listener: Some(listener),
        }
    }

    fn so_far(&self) -> String {
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&text).into_owned()
    }

    fn into_ended(mut self) -> String {
        if let Some(listener) = self.listener.take() {
            listener.join().expect("a listener does not fail");
        }
        self.so_far()
    }
}

/// What a run hears of signals.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Hears {
    /// Whatever it hears otherwise: it is sent none.
    Nothing,
    /// All of them, whatever the tests themselves were started with.
    Signals,
    /// No SIGXFSZ: what is written beyond a limit fails, as on a full disk, and does not end the process.
    NoLimit,
}

/// The command of a run.
fn command(place: &Place, arguments: &[&str], hears: Hears) -> Command {
    let mut runner = match hears {
        Hears::Nothing | Hears::NoLimit => place.command(arguments),
        Hears::Signals => place.hearing_command(arguments),
    };
    runner.env(AUTHORITIES, NONE);
    if hears != Hears::NoLimit {
        return runner;
    }
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; exec \"$@\"", "-"])
        .arg(runner.get_program())
        .args(runner.get_args())
        .current_dir(place.path(""));
    command.env_clear().envs(environment(&runner));
    command.stdin(Stdio::null());
    command
}

fn environment(command: &Command) -> Vec<(OsString, OsString)> {
    let set = command.get_envs();
    set.filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect()
}

impl Process {
    /// Starts it, and leaves it alone.
    pub(super) fn begin(place: &Place, arguments: &[&str]) -> Self {
        Self::start(place, arguments, Hears::Nothing, Deaf::Nothing)
    }

    pub(super) fn start(place: &Place, arguments: &[&str], hears: Hears, deaf: Deaf) -> Self {
        let mut command = command(place, arguments, hears);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let mut unread = (child.stdout.take(), child.stderr.take());
        let mut read = (None, None);
        if deaf != Deaf::Stdout {
            read.0 = unread.0.take();
        }
        if deaf != Deaf::Stderr {
            read.1 = unread.1.take();
        }
        Self {
            child,
            stdin: None,
            unread,
            stdout: read.0.map_or_else(Heard::default, Heard::from),
            stderr: read.1.map_or_else(Heard::default, Heard::from),
            session: None,
        }
    }

    /// Starts it on a terminal. Its standard output is a file all the same.
    pub(super) fn start_on_terminal(place: &Place, arguments: &[&str], hears: Hears) -> Self {
        let runner = command(place, arguments, hears);
        let words = std::iter::once(runner.get_program()).chain(runner.get_args());
        let words: Vec<String> = words
            .map(|word| format!("'{}'", word.to_string_lossy().replace('\'', r"'\''")))
            .collect();
        place.write("session.sh", SESSION.replace("COMMAND", &words.join(" ")));
        let mut terminal = Command::new("script");
        terminal
            // Two commands, so that the shell stays: it leads the session, and as it dies with the terminal, the run is hung up.
            .args(["-qefc", "sh ./session.sh; true", "typescript"])
            .current_dir(place.path(""))
            .env_clear()
            .envs(environment(&runner))
            .env("PATH", "/usr/bin:/bin")
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = terminal
            .spawn()
            .expect("`script`, which comes with every Linux, runs");
        Self {
            stdin: child.stdin.take(),
            child,
            unread: (None, None),
            stdout: Heard::default(),
            stderr: Heard::default(),
            session: Some(place.path("")),
        }
    }

    fn read(&self, name: &str) -> String {
        let file = self.session.as_ref().map(|folder| folder.join(name));
        let bytes = file.and_then(|file| std::fs::read(file).ok());
        String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
    }

    /// The process of the run itself.
    pub(super) fn pid(&self) -> u32 {
        match &self.session {
            None => self.child.id(),
            Some(_) => self.read("pid").trim().parse().expect("it has begun"),
        }
    }

    /// What people have been told so far.
    pub(super) fn said(&self) -> String {
        match &self.session {
            None => self.stderr.so_far(),
            Some(_) => self.read("typescript"),
        }
    }

    pub(super) fn signal(&self, name: &str) {
        let (name, pid) = (format!("-{name}"), self.pid().to_string());
        let sent = Command::new("kill").args([name, pid]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Types a line. Nobody may be there any more to read it.
    pub(super) fn type_in(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("it has a terminal");
        let _unread = writeln!(stdin, "{line}");
    }

    /// Takes the terminal away.
    pub(super) fn take_terminal(&mut self) {
        self.child.kill().expect("a terminal can be taken away");
        self.child.wait().expect("a terminal ends");
    }

    /// Closes what nobody reads.
    pub(super) fn close(&mut self) {
        self.unread = (None, None);
    }

    fn has_ended(&mut self) -> bool {
        match &self.session {
            None => self.child.try_wait().expect("it can be asked").is_some(),
            Some(folder) => folder.join("code").exists(),
        }
    }

    /// Waits until something is so, or the run has ended before.
    pub(super) async fn until(
        &mut self,
        what: &str,
        mut is_so: impl FnMut(&Self) -> bool,
    ) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self) {
            if self.has_ended() {
                return Err(format!("it has ended before {what}"));
            }
            if Instant::now() > deadline {
                return Err(format!("waited in vain until {what}: {}", self.said()));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Waits for the end. A run that does not come to it is killed.
    pub(super) async fn end(mut self) -> Result<Run, String> {
        let deadline = Instant::now() + PATIENCE;
        while !self.has_ended() {
            if Instant::now() > deadline {
                self.signal("KILL");
                return Err(format!("it hangs: {}", self.said()));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let (code, stdout, stderr) = if self.session.is_some() {
            let code = self.read("code").trim().parse().ok();
            let code = code.filter(|code| *code != KILLED);
            (code, self.read("stdout"), self.read("typescript"))
        } else {
            let status = self.child.wait().expect("it has ended");
            let stdout = self.stdout.into_ended();
            (status.code(), stdout, self.stderr.into_ended())
        };
        // A terminal ends with its session, if it has not gone before.
        self.stdin = None;
        self.child.wait().expect("it ends");
        Ok(Run {
            code,
            json: serde_json::from_str(&stdout).unwrap_or_default(),
            stdout,
            stderr,
        })
    }
}
