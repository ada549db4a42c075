//! Reading from servers that are no part of a cloud, with the client, the bounds and the patience that clouds are met with.
//!
//! The invariant: an answer goes back as it is, a redirect too, and nothing is sent but what the caller gives.

use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use url::Url;

use super::http::{Again, Outgoing, Wire};
use super::lane::Lane;
use super::{Context, Error, ErrorKind, HttpLimits, Method, PlainAuth, Proxies, Tls, plain};

/// Reads from one server.
pub struct Fetcher {
    server: String,
    wire: Wire,
    lane: Lane,
}

/// A server's answer, whatever its status.
pub struct Fetched {
    /// HTTP status.
    pub status: u16,
    /// Body after decompression.
    pub body: Vec<u8>,
    headers: HeaderMap,
}

impl Fetcher {
    /// Gets ready to read. `server` is what messages call it; an answer has `response_bytes_max` bytes at most.
    ///
    /// # Errors
    /// If a certificate or proxy cannot be used.
    pub fn new(
        server: impl Into<String>,
        tls: &Tls,
        proxies: &Proxies,
        limits: HttpLimits,
    ) -> Result<Self, Error> {
        Ok(Self {
            server: server.into(),
            lane: Lane::new(limits.in_flight_max),
            wire: Wire::new(tls, proxies.clone(), limits)?,
        })
    }

    /// Asks for what is at a URL.
    ///
    /// # Errors
    /// Only where there is no answer to give: see [`ErrorKind`].
    pub async fn get(&self, url: &Url, accept: &str, auth: &PlainAuth) -> Result<Fetched, Error> {
        let context = Context {
            service: self.server.clone(),
            method: Method::Get,
            path: url.path().to_owned(),
        };
        let accept = HeaderValue::from_str(accept)
            .map_err(|_| Error::new(ErrorKind::Invalid, "that is no media type"))?;
        let mut headers = HeaderMap::from_iter([(ACCEPT, accept)]);
        plain::authorize(&mut headers, auth).map_err(|error| error.during(&context))?;
        let outgoing = Outgoing {
            context: &context,
            url,
            headers,
            body: None,
            again: Again::Nothing,
        };
        let answer = self.wire.deliver(&outgoing, &self.lane).await?;
        Ok(Fetched {
            status: answer.status,
            body: answer.body,
            headers: answer.headers,
        })
    }
}

impl Fetched {
    /// The first header of that name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
