//! Where a command's words leave the process: data on standard output, all else on standard error.

use std::io::{ErrorKind, Write};

use crate::exit::Exit;

use super::failure::Failure;

/// Writes data to standard output. A reader that has seen enough is no failure.
pub(super) fn print(text: &str) -> Result<Exit, Failure> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::unexpected(format!(
            "standard output cannot be written: {error}"
        ))),
        Ok(()) | Err(_) => Ok(Exit::Clean),
    }
}

/// Says on standard error why a command ends.
pub(super) fn tell(failure: &Failure) -> Exit {
    // If standard error is gone too, the exit code is all there is to say it with.
    let _ = write!(std::io::stderr(), "{failure}");
    failure.exit
}
