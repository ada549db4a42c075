//! What a rule writes to standard output and standard error: the end of it, for the log and for the report of a crash.
//!
//! Writing never fails and never blocks, however much a rule has to say. Only the last bytes are kept.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// The end of a stream. Clones share it.
#[derive(Clone)]
pub(super) struct Tail {
    kept: Arc<Mutex<VecDeque<u8>>>,
    bytes_max: usize,
}

impl Tail {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            kept: Arc::default(),
            bytes_max,
        }
    }

    /// Takes what was written since the last time, or the end of it.
    pub(super) fn take(&self) -> String {
        let mut kept = self.kept();
        let text = String::from_utf8_lossy(kept.make_contiguous())
            .trim()
            .to_owned();
        kept.clear();
        text
    }

    fn add(&self, bytes: &[u8]) {
        let mut kept = self.kept();
        let (_, end) = bytes.split_at(bytes.len().saturating_sub(self.bytes_max));
        let surplus = (kept.len() + end.len()).saturating_sub(self.bytes_max);
        kept.drain(..surplus);
        kept.extend(end);
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<u8>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl IsTerminal for Tail {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Tail {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Tail {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.add(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_and_taken_once() {
        let tail = Tail::new(8);
        tail.add(b"12345");
        tail.add(b"6789");
        assert_eq!(tail.take(), "23456789");
        assert_eq!(tail.take(), "");
        tail.add(b"a longer text than fits");
        assert_eq!(tail.take(), "han fits");
        tail.add(b"  \n");
        assert_eq!(tail.take(), "");
    }

    #[test]
    fn nothing_is_kept_where_nothing_may_be() {
        let tail = Tail::new(0);
        tail.add(b"words");
        assert_eq!(tail.take(), "");
    }
}
