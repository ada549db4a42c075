//! Lines: connections that a handler can cut, reset, or write on past the server; and the door that they come in by.
//!
//! While the door is shut its port is kept, and nobody listens there: whoever knocks is refused.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;

use super::serve::Shared;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// One connection, as the server has it.
pub(super) struct Line(Arc<Wire>);

/// The same connection, as a handler has it.
#[derive(Clone)]
pub(super) struct Grip(Arc<Wire>);

struct Wire {
    tcp: TcpStream,
    is_cut: AtomicBool,
    is_open: watch::Receiver<bool>,
}

impl Wire {
    fn check(&self) -> io::Result<()> {
        if self.is_cut.load(Ordering::Relaxed) || !*self.is_open.borrow() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl AsyncRead for Line {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.tcp.poll_read_ready(cx))?;
            self.0.check()?;
            match self.0.tcp.try_read(buf.initialize_unfilled()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read.map(|bytes| buf.advance(bytes))),
            }
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            self.0.check()?;
            ready!(self.0.tcp.poll_write_ready(cx))?;
            match self.0.tcp.try_write(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// The socket is closed when the last who has it lets it go.
    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Grip {
    /// Nothing more is written; the other side sees the end.
    pub(super) fn cut(&self) {
        self.0.is_cut.store(true, Ordering::Relaxed);
    }

    /// The same, and the other side sees a reset.
    pub(super) fn reset(&self) {
        // Where it cannot be asked for, it is an end in the middle all the same.
        let _refused = self.0.tcp.set_zero_linger();
        self.cut();
    }

    /// Writes past the server: all at once, or byte by byte with a pause before each.
    pub(super) async fn say(&self, text: &[u8], pause: Duration) -> io::Result<()> {
        if pause.is_zero() {
            return self.write(text).await;
        }
        for byte in text.chunks(1) {
            tokio::time::sleep(pause).await;
            self.write(byte).await?;
        }
        Ok(())
    }

    async fn write(&self, mut text: &[u8]) -> io::Result<()> {
        while !text.is_empty() {
            self.0.tcp.writable().await?;
            match self.0.tcp.try_write(text) {
                Ok(bytes) => text = text.get(bytes..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Connected<IncomingStream<'_, Door>> for Grip {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Grip {
        Grip(stream.io().0.clone())
    }
}

/// Accepts lines and counts them, as long as it is open.
pub(super) struct Door {
    listener: Option<TcpListener>,
    address: SocketAddr,
    is_open: watch::Receiver<bool>,
    shared: Arc<Shared>,
}

impl Door {
    pub(super) fn new(listener: TcpListener, shared: Arc<Shared>) -> io::Result<Door> {
        Ok(Door {
            address: listener.local_addr()?,
            listener: Some(listener),
            is_open: shared.is_open.subscribe(),
            shared,
        })
    }

    /// The next line, or nothing if the door was shut or opened meanwhile.
    async fn next(&mut self) -> io::Result<Option<(TcpStream, SocketAddr)>> {
        if !*self.is_open.borrow() {
            self.listener = None;
            let port = TcpSocket::new_v4()?;
            port.set_reuseaddr(true)?;
            port.bind(self.address)?;
            // It is never dropped while somebody may still open it.
            let _opened = self.is_open.wait_for(|is_open| *is_open).await;
            self.listener = Some(port.listen(BACKLOG)?);
        }
        let Some(listener) = &self.listener else {
            return Ok(None);
        };
        tokio::select! {
            accepted = listener.accept() => accepted.map(Some),
            _ = self.is_open.changed() => Ok(None),
        }
    }
}

impl Listener for Door {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        loop {
            if let Ok(Some((tcp, address))) = self.next().await {
                self.shared.connections.fetch_add(1, Ordering::Relaxed);
                // A Nagle delay of 40 ms would be measured as ours.
                let _refused = tcp.set_nodelay(true);
                let wire = Wire {
                    tcp,
                    is_cut: AtomicBool::new(false),
                    is_open: self.is_open.clone(),
                };
                return (Line(Arc::new(wire)), address);
            }
            tokio::task::yield_now().await;
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
