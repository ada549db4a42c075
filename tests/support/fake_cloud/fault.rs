//! Faults that a test asks for: which requests they hit, how often, and what the client then sees.
//!
//! A fault decides by method, path and count only, so that the same requests meet the same faults.

use std::time::Duration;

/// What happens to a request that a fault hits.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// This answer instead of the service's, which never sees the request.
    Answer {
        status: u16,
        content_type: &'static str,
        body: String,
    },
    /// 307 to this address, in header and body.
    Redirect(String),
    /// 429 or 503 with `Retry-After`, in seconds.
    Throttle { status: u16, retry_after_s: u32 },
    /// The connection is cut before the service sees the request.
    Drop,
    /// The service does the work, then the connection is cut without an answer.
    DropAfter,
    /// The answer's head and half of its body, then the connection is cut.
    Sever,
    /// A well-formed answer whose JSON ends in the middle.
    Truncate,
    /// The body comes in ten pieces with this pause before each.
    Slow(Duration),
    /// The answer waits this long. A fault of its own, so that one path can be slow.
    Delay(Duration),
    /// The right status with a body of another type.
    Disguise {
        content_type: &'static str,
        body: String,
    },
    /// The fields of this name are missing, at any depth.
    Without(String),
    /// The right body, as if it were of another type.
    Mislabel(&'static str),
    /// The body is said to be compressed, and is not.
    Gzip,
    /// The body goes on for ever.
    Endless,
    /// This text of the answer's body is another one.
    Replace { from: String, to: String },
    /// `Content-Length` says more than there is, and then nothing comes.
    SaysMore,
    /// `Content-Length` says half of what there is, and the rest comes all the same.
    SaysLess,
    /// The head comes byte by byte, with this pause before each.
    SlowHead(Duration),
    /// The connection is reset before the service sees the request.
    Reset,
    /// The service does the work, and the connection is reset after the answer's head.
    ResetAfterHead,
    /// The service gets the request twice; what is seen is its second answer.
    Twice,
    /// The cloud's clock is so many seconds ahead, in `Date` and in what is said of a token's life.
    Skew(i64),
    /// 429 with a date, a second from now, by a clock that is so many seconds ahead.
    ThrottleByDate(i64),
    /// The answer waits until the test lets all go.
    Hold,
    /// The cloud is gone: this connection and all others are reset, and new ones are refused.
    Vanish,
}

impl Effect {
    /// Whether it only makes an answer late.
    pub(crate) fn is_pause(&self) -> bool {
        matches!(self, Effect::Delay(_) | Effect::Hold)
    }

    /// Whether it needs a body to spoil, which an answer to a deletion may not have.
    pub(crate) fn spoils_body(&self) -> bool {
        matches!(
            self,
            Effect::Sever
                | Effect::Slow(_)
                | Effect::Mislabel(_)
                | Effect::Gzip
                | Effect::Endless
                | Effect::SaysMore
                | Effect::SaysLess
                | Effect::SlowHead(_)
                | Effect::ResetAfterHead
        )
    }
}

/// A rule that hits some requests.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    method: String,
    path: String,
    every: u32,
    skip: u32,
    times: u32,
    seen: u32,
    /// Methods and paths of requests that have to come first, in this order.
    sleeps_until: Vec<(String, String)>,
    pub(crate) effect: Effect,
}

impl Fault {
    /// Hits every request with this method (`*`: any) whose path matches; `*` stands for any text.
    pub(crate) fn on(method: &str, path: &str, effect: Effect) -> Fault {
        let (method, path) = (method.to_owned(), path.to_owned());
        Fault {
            method,
            path,
            every: 1,
            skip: 0,
            times: u32::MAX,
            seen: 0,
            sleeps_until: Vec::new(),
            effect,
        }
    }

    /// Only every n-th of them.
    pub(crate) fn every(self, n: u32) -> Fault {
        Fault {
            every: n.max(1),
            ..self
        }
    }

    /// Not the first n.
    pub(crate) fn skip(self, n: u32) -> Fault {
        Fault { skip: n, ..self }
    }

    /// At most n hits.
    pub(crate) fn times(self, n: u32) -> Fault {
        Fault { times: n, ..self }
    }

    /// Not before such a request has come, which may be the first that is hit. Said again: not before another one after it.
    pub(crate) fn since(mut self, method: &str, path: &str) -> Fault {
        self.sleeps_until.push((method.to_owned(), path.to_owned()));
        self
    }

    /// Counts the request if it matches, and says whether this one is hit.
    pub(crate) fn hits(&mut self, method: &str, path: &str) -> bool {
        if let Some((to_method, to_path)) = self.sleeps_until.first() {
            if !is_such(to_method, to_path, method, path) {
                return false;
            }
            self.sleeps_until.remove(0);
        }
        if !self.sleeps_until.is_empty()
            || self.times == 0
            || !is_such(&self.method, &self.path, method, path)
        {
            return false;
        }
        self.seen += 1;
        let hit = self.seen > self.skip && (self.seen - self.skip).is_multiple_of(self.every);
        if hit && self.times != u32::MAX {
            self.times -= 1;
        }
        hit
    }
}

/// Whether a request has this method (`*`: any) and a path that matches.
fn is_such(wanted: &str, pattern: &str, method: &str, path: &str) -> bool {
    (wanted == "*" || wanted == method) && matches(pattern, path)
}

/// Whether text matches a pattern in which `*` stands for any text.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(rest) = text.strip_prefix(head) else {
        return false;
    };
    if tail.is_empty() {
        return true;
    }
    let starts = rest.char_indices().map(|(n, _)| n).chain([rest.len()]);
    starts
        .into_iter()
        .any(|n| rest.get(n..).is_some_and(|r| matches(tail, r)))
}
