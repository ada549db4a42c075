//! Why an attempt brought no answer, what is said of that, and whether another one may be made.
//!
//! The invariant: who is named is who it was, the service or the proxy before it; and no login of a proxy's is in any word.

use super::Again;
use crate::cloud::proxy::ProxyAddress;

/// One attempt that brought no answer.
pub(super) enum Fault {
    /// The connection was never made: nothing was sent.
    Unconnected(reqwest::Error),
    /// The other side's certificate, or ours, was not accepted.
    Certificate(reqwest::Error),
    /// No answer in time.
    Timeout(reqwest::Error),
    /// The connection broke while sending or receiving.
    Broken(reqwest::Error),
    /// The answer's body was too long to read on.
    TooLarge {
        status: u16,
        request_id: Option<String>,
    },
    /// The proxy let nothing through, in these words of ours; nothing has reached the service.
    Proxy { why: String, is_final: bool },
    /// There is no way to go, and nothing was sent.
    Closed(String),
}

impl Fault {
    pub(super) fn may_repeat(&self, again: Again) -> bool {
        match self {
            Self::Unconnected(_) => true,
            Self::Proxy { is_final, .. } => !is_final,
            Self::Broken(_) => again != Again::Acts,
            // A server that is too slow once is not helped by being asked again.
            Self::Certificate(_) | Self::Timeout(_) | Self::TooLarge { .. } | Self::Closed(_) => {
                false
            }
        }
    }

    /// Whether it says that the service, or the way to it, is not well.
    pub(super) fn is_failure(&self) -> bool {
        match self {
            Self::Unconnected(_) | Self::Timeout(_) | Self::Broken(_) | Self::Proxy { .. } => true,
            Self::Certificate(_) | Self::TooLarge { .. } | Self::Closed(_) => false,
        }
    }

    /// A proxy that wants to know who we are, or does not believe it.
    pub(super) fn no_login(proxy: &ProxyAddress) -> Self {
        let source = proxy.source();
        let why = if proxy.has_login() {
            format!(
                "the proxy {proxy} does not accept the user and password that {source} has for it: correct them"
            )
        } else {
            format!(
                "the proxy {proxy} wants a login: write user:password@ before its host in {source}"
            )
        };
        Self::Proxy {
            why,
            is_final: true,
        }
    }

    /// What an error means where a proxy stands in between. Once there is a tunnel, it is the service's again.
    pub(super) fn through(proxy: &ProxyAddress, error: reqwest::Error) -> Self {
        // Whose trouble it is, the client's errors say by their words alone.
        let words = words(&error);
        let cure = format!(
            "check {}, or name the host in NO_PROXY or in `no_proxy` under [http] if it is to be reached without",
            proxy.source()
        );
        if words.contains("proxy authorization required") {
            Self::no_login(proxy)
        } else if words.contains("tunnel error: unsuccessful") {
            let why = format!("the proxy {proxy} refuses to connect us to the service: {cure}");
            Self::Proxy {
                why,
                is_final: false,
            }
        } else if error.is_connect() && !is_about_tls(&error) {
            let why = format!("there is no connection through the proxy {proxy}: {cure}");
            Self::Proxy {
                why,
                is_final: false,
            }
        } else {
            Self::from(error)
        }
    }

    pub(super) fn described(&self) -> &str {
        match self {
            Self::Proxy { why, .. } | Self::Closed(why) => why,
            Self::Unconnected(_) => "cannot connect",
            Self::Certificate(_) => {
                "the TLS handshake failed: give the server's CA with `cacert` (the cloud's also with \
                 --os-cacert), or check `cert` and `key`"
            }
            Self::Timeout(_) => "no answer",
            Self::Broken(_) => "the connection broke before the answer was complete",
            Self::TooLarge { .. } => "the answer is too large",
        }
    }
}

impl From<reqwest::Error> for Fault {
    fn from(error: reqwest::Error) -> Self {
        if is_about_tls(&error) {
            Self::Certificate(error)
        } else if error.is_connect() {
            Self::Unconnected(error)
        } else if error.is_timeout() {
            Self::Timeout(error)
        } else {
            Self::Broken(error)
        }
    }
}

/// Whether rustls refused; `io::Error` hides its cause from `source()` and must be opened by hand.
fn is_about_tls(error: &reqwest::Error) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = next {
        if cause.is::<rustls::Error>() {
            return true;
        }
        let wrapped = cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        next = match wrapped {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
    }
    false
}

/// An error and all its causes, in their own words. For looking at, not for showing.
fn words(error: &reqwest::Error) -> String {
    let mut words = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        words = format!("{words}: {cause}");
        next = cause.source();
    }
    words
}
