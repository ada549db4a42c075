//! A rule's words about why a call failed, made fit for a terminal and a report.

use crate::rule::Cause;
use crate::text::plain;

/// A cause with its text made plain.
pub(super) fn plain_cause(cause: Cause) -> Cause {
    match cause {
        Cause::NotFound => Cause::NotFound,
        Cause::Conflict(text) => Cause::Conflict(plain(&text)),
        Cause::Denied(text) => Cause::Denied(plain(&text)),
        Cause::Throttled(text) => Cause::Throttled(plain(&text)),
        Cause::Unavailable(text) => Cause::Unavailable(plain(&text)),
        Cause::Malformed(text) => Cause::Malformed(plain(&text)),
        Cause::Other(text) => Cause::Other(plain(&text)),
        Cause::Crashed(text) => Cause::Crashed(plain(&text)),
        Cause::Limit(text) => Cause::Limit(plain(&text)),
        Cause::Misbehaved(text) => Cause::Misbehaved(plain(&text)),
        Cause::Off(text) => Cause::Off(plain(&text)),
    }
}
