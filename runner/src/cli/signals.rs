//! Ctrl-C, SIGTERM and SIGHUP: the first one winds a run up, the second one, whichever it is, leaves at once.
//!
//! They are waited for by a thread of their own: whatever keeps the run's workers busy, the second one ends the process.

use std::io;

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::exit::Exit;

/// The signals that end a run, with their names for people.
const SIGNALS: [(SignalKind, &str); 3] = [
    (SignalKind::interrupt(), "Ctrl-C"),
    (SignalKind::terminate(), "SIGTERM"),
    (SignalKind::hangup(), "SIGHUP"),
];

/// Waits for signals until it is dropped.
pub(super) struct Signals {
    /// Cancelled by the first one.
    pub(super) cancel: CancellationToken,
    _over: DropGuard,
}

/// The first signal winds the run up; a second one ends the process at once, with the same code, for it has been interrupted.
pub(super) fn stop_on_signal() -> Signals {
    let (cancel, over) = (CancellationToken::new(), CancellationToken::new());
    let (cancelled, until) = (cancel.clone(), over.clone());
    let (ready, is_ready) = std::sync::mpsc::channel::<()>();
    let spawned = std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            let runtime = Builder::new_current_thread().enable_io().build()?;
            runtime.block_on(async {
                let mut heard = heard();
                drop(ready);
                tokio::select! {
                    () = until.cancelled() => {}
                    () = wind_up(&mut heard, &cancelled) => {}
                }
            });
            io::Result::Ok(())
        });
    match spawned {
        // From here on no signal is missed.
        Ok(_) => drop(is_ready.recv()),
        Err(error) => tracing::warn!("signals will end the run without winding it up: {error}"),
    }
    Signals {
        cancel,
        _over: over.drop_guard(),
    }
}

/// What is listened for: all that whoever started the process has not ignored on purpose, as `nohup` and a shell's `&` do.
fn heard() -> Vec<(Signal, &'static str)> {
    let ignored = ignored();
    let mut heard = Vec::new();
    for (kind, name) in SIGNALS {
        if ignored & bit(kind) != 0 {
            continue;
        }
        match signal(kind) {
            Ok(signal) => heard.push((signal, name)),
            Err(error) => tracing::warn!("{name} will end the run without winding it up: {error}"),
        }
    }
    heard
}

#[expect(
    clippy::exit,
    reason = "the second signal asks for exactly this: to leave without winding up"
)]
async fn wind_up(heard: &mut [(Signal, &'static str)], cancel: &CancellationToken) {
    let first = next(heard).await;
    cancel.cancel();
    tracing::warn!(
        "interrupted by {first}: waiting for what is under way; press Ctrl-C again to leave at once"
    );
    next(heard).await;
    std::process::exit(i32::from(Exit::Interrupted.code()));
}

/// The name of the next signal.
async fn next<'a>(heard: &mut [(Signal, &'a str)]) -> &'a str {
    std::future::poll_fn(|context| {
        let arrived = heard
            .iter_mut()
            .find_map(|(signal, name)| signal.poll_recv(context).is_ready().then_some(*name));
        arrived.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
    })
    .await
}

/// The signals that whoever started the process wants ignored, one bit each. None where the system does not say.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or_default()
}

fn bit(kind: SignalKind) -> u64 {
    u32::try_from(kind.as_raw_value() - 1)
        .ok()
        .and_then(|shift| 1_u64.checked_shl(shift))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_signal_is_heard_while_every_worker_is_busy() {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (done, busy) = channel::<()>();
        let signals = runtime.block_on(async {
            let signals = stop_on_signal();
            tokio::spawn(async move { busy.recv() });
            signals
        });
        let kill = Command::new("kill")
            .args(["-TERM", &std::process::id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        let heard = (0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            signals.cancel.is_cancelled()
        });
        drop(done);
        assert!(heard, "nobody heard it");
    }
}
