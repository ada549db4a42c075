//! Ctrl-C, SIGTERM and SIGHUP: the first one winds a run up, the second one, whichever it is, leaves at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;

/// The signals that end a run, with their names for people.
const SIGNALS: [(SignalKind, &str); 3] = [
    (SignalKind::interrupt(), "Ctrl-C"),
    (SignalKind::terminate(), "SIGTERM"),
    (SignalKind::hangup(), "SIGHUP"),
];

/// The first signal winds the run up; a second one ends the process at once, with the same code, for it has been interrupted.
#[expect(
    clippy::exit,
    reason = "the second signal asks for exactly this: to leave without winding up"
)]
pub(super) fn stop_on_signal(cancel: &CancellationToken) {
    let cancel = cancel.clone();
    let mut heard: Vec<(Signal, &str)> = Vec::new();
    let ignored = ignored();
    for (kind, name) in SIGNALS {
        // `nohup` and a shell's `&` have them ignored on purpose.
        if ignored & bit(kind) != 0 {
            continue;
        }
        match signal(kind) {
            Ok(signal) => heard.push((signal, name)),
            Err(error) => tracing::warn!("{name} will end the run without winding it up: {error}"),
        }
    }
    tokio::spawn(async move {
        let first = next(&mut heard).await;
        cancel.cancel();
        tracing::warn!(
            "interrupted by {first}: waiting for what is under way; press Ctrl-C again to leave at once"
        );
        next(&mut heard).await;
        std::process::exit(i32::from(Exit::Interrupted.code()));
    });
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
