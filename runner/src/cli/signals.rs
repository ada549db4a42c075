//! Ctrl-C: the first one winds a run up, the second one leaves at once.

use tokio_util::sync::CancellationToken;

use crate::exit::Exit;

/// The first Ctrl-C winds the run up; a second one ends the process at once.
#[expect(
    clippy::exit,
    reason = "the second Ctrl-C asks for exactly this: to leave without winding up"
)]
pub(super) fn stop_on_interrupt(cancel: &CancellationToken) {
    let cancel = cancel.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            tracing::warn!(
                "interrupted: waiting for what is under way; press Ctrl-C again to leave at once"
            );
            cancel.cancel();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
    });
}
