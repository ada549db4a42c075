//! Where a secret comes from: a value at hand, a file, or a program that prints it.
//!
//! The invariant: a secret is one line of printable text, or there is none; and nothing of what a file holds or a program prints is
//! ever shown, not even where it is no secret. What a program that fails says on standard error is.

use std::fmt;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use secrecy::SecretString;

use super::{Error, ErrorKind};

/// Longer than any token, in bytes.
const SECRET_BYTES_MAX: usize = 64 << 10;

/// Of what a failed program says, no more is kept, in bytes.
const WORDS_BYTES_MAX: usize = 1 << 10;

/// How long the last words of a program are waited for. What it has started may keep them open for ever.
const WORDS_TIME_MAX: Duration = Duration::from_millis(200);

/// How often a program that has closed its output is asked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Where a secret comes from.
#[derive(Clone)]
pub enum SecretSource {
    /// It is at hand, and never another one.
    Given(SecretString),
    /// The only line of a file, which may be replaced while we run.
    File(PathBuf),
    /// The only line that a program prints.
    Command(SecretCommand),
}

/// A program that prints a secret.
#[derive(Clone)]
pub struct SecretCommand {
    /// The program, which is looked for as a shell would, and its arguments. No shell sees them.
    pub argv: Vec<String>,
    /// How long it may take. Then it is ended.
    pub time_max: Duration,
}

impl SecretSource {
    /// Whether it may give another secret when it is asked again.
    pub(super) fn may_change(&self) -> bool {
        !matches!(self, Self::Given(_))
    }

    /// Asks for the secret. `what` is what messages call it: `the token`.
    ///
    /// Cancellation: a dropped call leaves a program running until its time is up.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if there is none to be had: no file, no program, a program that fails or hangs, not exactly one line.
    pub(super) async fn ask(&self, what: &str) -> Result<SecretString, Error> {
        let (bytes, source) = match self {
            Self::Given(secret) => return Ok(secret.clone()),
            Self::File(path) => {
                let source = format!("the file {}", path.display());
                (read(path.clone()).await, source)
            }
            Self::Command(command) => (command.run().await, command.to_string()),
        };
        let secret = bytes.and_then(|bytes| only_line(&bytes));
        secret.map_err(|why| {
            let message = format!("{what} cannot be had from {source}: {why}");
            Error::new(ErrorKind::Invalid, message)
        })
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Given(_) => "a value",
            Self::File(_) => "a file",
            Self::Command(_) => "a program",
        })
    }
}

impl SecretCommand {
    async fn run(&self) -> Result<Vec<u8>, String> {
        let command = self.clone();
        let run = tokio::task::spawn_blocking(move || command.output());
        run.await
            .unwrap_or_else(|_| Err("it could not be waited for".to_owned()))
    }

    /// Blocks for as long as the program may take.
    fn output(&self) -> Result<Vec<u8>, String> {
        let until = Instant::now() + self.time_max;
        let Some((program, arguments)) = self.argv.split_first() else {
            return Err("it has no name".to_owned());
        };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("it does not start: {error}"))?;
        let words = child.stderr.take().map(LastWords::of);
        let printed = self.printed(&mut child, until);
        let ended = printed.and_then(|bytes| Ok((bytes, self.ended(&mut child, until)?)));
        if ended.is_err() {
            // It may have ended by itself meanwhile.
            let _ = child.kill();
            let _ = child.wait();
        }
        let said = || words.map_or_else(String::new, LastWords::shown);
        match ended {
            Ok((bytes, status)) if status.success() => Ok(bytes),
            Ok((_, status)) => Err(format!("it ended with {status}{}", said())),
            Err(why) => Err(format!("{why}{}", said())),
        }
    }

    /// All that it prints. A thread reads it, for whatever it has started may keep the pipe open when it is ended.
    fn printed(&self, child: &mut Child, until: Instant) -> Result<Vec<u8>, String> {
        let stdout = child.stdout.take().ok_or("it has no output")?;
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = stdout
                .take(SECRET_BYTES_MAX as u64 + 1)
                .read_to_end(&mut bytes);
            // Who no longer waits for it does not want it.
            let _ = sender.send(read.map(|_| bytes));
        });
        match receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Ok(bytes)) if bytes.len() > SECRET_BYTES_MAX => Err(too_long()),
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(error)) => Err(format!("its output cannot be read: {error}")),
            Err(_) => Err(self.too_slow()),
        }
    }

    fn ended(&self, child: &mut Child, until: Instant) -> Result<std::process::ExitStatus, String> {
        loop {
            let ended = child
                .try_wait()
                .map_err(|error| format!("it cannot be waited for: {error}"))?;
            match ended {
                Some(status) => return Ok(status),
                None if Instant::now() >= until => return Err(self.too_slow()),
                None => std::thread::sleep(LOOK_EVERY),
            }
        }
    }

    fn too_slow(&self) -> String {
        let seconds = self.time_max.as_secs();
        format!(
            "it did not end within {seconds} s and was ended (`command_s_max` under [http] is how long it may take)"
        )
    }
}

/// What a program says on standard error, read by a thread so that it never waits for us.
struct LastWords {
    kept: Arc<Mutex<Vec<u8>>>,
    ended: mpsc::Receiver<()>,
}

impl LastWords {
    fn of(mut stderr: ChildStderr) -> Self {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let (sender, ended) = mpsc::channel();
        let keeping = Arc::clone(&kept);
        std::thread::spawn(move || {
            let mut chunk = [0; 512];
            while let Ok(length @ 1..) = stderr.read(&mut chunk) {
                let mut kept = keeping.lock().unwrap_or_else(PoisonError::into_inner);
                let room = WORDS_BYTES_MAX.saturating_sub(kept.len());
                kept.extend(chunk.iter().take(length.min(room)));
            }
            // Who no longer waits has what there was.
            let _ = sender.send(());
        });
        Self { kept, ended }
    }

    /// The last line, in a form that fits into a sentence.
    fn shown(self) -> String {
        // Whether it has ended or not: what is there by now is shown.
        let _ = self.ended.recv_timeout(WORDS_TIME_MAX);
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&kept);
        let mut lines = text.lines().map(str::trim);
        match lines.rfind(|line| !line.is_empty()) {
            None => String::new(),
            Some(line) => {
                let visible = line.chars().filter(|it| !it.is_control());
                format!(" (it says: {})", visible.take(300).collect::<String>())
            }
        }
    }
}

impl fmt::Display for SecretCommand {
    /// Only the program: an argument may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = self.argv.first().map_or("", String::as_str);
        write!(f, "the command `{program}`")
    }
}

async fn read(path: PathBuf) -> Result<Vec<u8>, String> {
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path)?;
        file.take(SECRET_BYTES_MAX as u64 + 1)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    });
    let read = read
        .await
        .unwrap_or_else(|_| Err(std::io::ErrorKind::Other.into()));
    read.map_err(|error: std::io::Error| format!("it cannot be read: {error}"))
}

/// The secret in a text of one line.
fn only_line(bytes: &[u8]) -> Result<SecretString, String> {
    if bytes.len() > SECRET_BYTES_MAX {
        return Err(too_long());
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "what comes from it is no text")?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.contains('\n') {
        let lines = line.split('\n').count();
        return Err(format!("{lines} lines come from it, and a secret is one"));
    }
    if line.trim().is_empty() {
        return Err("nothing comes from it".to_owned());
    }
    if line.chars().any(char::is_control) {
        return Err("what comes from it holds a control character".to_owned());
    }
    Ok(SecretString::from(line))
}

fn too_long() -> String {
    format!("more than {SECRET_BYTES_MAX} bytes come from it")
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn command(argv: &[&str]) -> SecretSource {
        SecretSource::Command(SecretCommand {
            argv: argv.iter().map(|&it| it.to_owned()).collect(),
            time_max: Duration::from_secs(1),
        })
    }

    async fn asked(source: &SecretSource) -> Result<String, String> {
        let secret = source.ask("the token").await;
        secret
            .map(|secret| secret.expose_secret().to_owned())
            .map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_secret_is_the_only_line_of_a_file_or_of_what_a_program_prints() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        for (text, expected) in [
            ("t0ken", Ok("t0ken")),
            ("t0ken\n", Ok("t0ken")),
            ("t0ken\r\n", Ok("t0ken")),
            (" spaced out ", Ok(" spaced out ")),
            ("", Err("nothing comes")),
            ("\n", Err("nothing comes")),
            (" \n", Err("nothing comes")),
            ("s3cret\n\n", Err("2 lines come")),
            ("s3cret\ns3cret\n", Err("2 lines come")),
            ("s3cret\u{7}", Err("control character")),
        ] {
            std::fs::write(&file, text).unwrap();
            let path = file.to_string_lossy().into_owned();
            for source in [SecretSource::File(file.clone()), command(&["cat", &path])] {
                let asked = asked(&source).await;
                match expected {
                    Ok(secret) => assert_eq!(asked.as_deref(), Ok(secret), "{text:?}"),
                    Err(words) => {
                        let why = asked.unwrap_err();
                        assert!(why.contains(words) && why.contains("the token"), "{why}");
                        assert!(!why.contains("s3cret"), "{why}");
                    }
                }
            }
        }
        std::fs::write(&file, [0xff, 0xfe]).unwrap();
        let why = asked(&SecretSource::File(file.clone())).await.unwrap_err();
        assert!(why.contains("no text"), "{why}");
        std::fs::write(&file, vec![b'a'; SECRET_BYTES_MAX + 1]).unwrap();
        let why = asked(&SecretSource::File(file)).await.unwrap_err();
        assert!(why.contains("more than 65536 bytes"), "{why}");
    }

    #[tokio::test]
    async fn a_program_that_is_absent_fails_or_hangs_is_named_without_its_arguments() {
        let begun = Instant::now();
        for (argv, words) in [
            (
                &["/nowhere/s3cret-tool", "s3cret-argument"][..],
                "does not start",
            ),
            (
                &[
                    "sh",
                    "-c",
                    "echo s3cret-argument; echo 'log in first' >&2; exit 3",
                ],
                "exit status: 3 (it says: log in first)",
            ),
            (
                &["sh", "-c", "echo s3cret-argument; sleep 60"],
                "within 1 s",
            ),
            (
                &["sh", "-c", "exec >&-; sleep 60; echo s3cret-argument"],
                "within 1 s",
            ),
            (&["yes", "s3cret-argument"], "more than 65536 bytes"),
        ] {
            let why = asked(&command(argv)).await.unwrap_err();
            assert!(why.contains(words) && why.contains(argv[0]), "{why}");
            assert!(!why.contains("s3cret-argument"), "{why}");
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "they were waited for"
        );
    }

    #[test]
    fn nothing_of_a_source_is_in_its_debug_form() {
        let sources = [
            SecretSource::Given("s3cret".into()),
            command(&["s3cret", "s3cret"]),
            SecretSource::File("/s3cret".into()),
        ];
        assert!(!format!("{sources:?}").contains("s3cret"));
    }
}
