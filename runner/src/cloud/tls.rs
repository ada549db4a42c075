//! The HTTP client: certificates, keys, and what holds for every request.
//!
//! The invariant: nothing of what a certificate or key says gets into an error, not even what a parser says of it.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, Identity, Proxy, redirect};
use secrecy::{ExposeSecret, SecretString};

use super::proxy::ProxyAddress;
use super::{Error, ErrorKind, HttpLimits};

/// Idle connections are dropped before common servers drop them (Apache: 5 s by default, most
/// others 15 s or more); hyper notices the rest.
const IDLE_CONNECTION_MAX: Duration = Duration::from_secs(15);

/// Longer than any file name: what is given as a path and is longer is something else, and not shown.
const FILE_NAME_BYTES_MAX: usize = 255;

/// Certificates, and whether servers are verified at all.
#[derive(Debug, Clone)]
pub struct Tls {
    /// PEM bundle that replaces the system's certificate authorities.
    pub ca: Option<Pem>,
    /// PEM client certificate; may hold the private key as well.
    pub cert: Option<Pem>,
    /// PEM private key of `cert`, where it is apart.
    pub key: Option<Pem>,
    /// `false` accepts any server certificate (`--insecure`).
    pub verify: bool,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            ca: None,
            cert: None,
            key: None,
            verify: true,
        }
    }
}

/// Certificates or a key, as they were given.
#[derive(Clone)]
pub enum Pem {
    /// In a file.
    File(PathBuf),
    /// As the text itself. It may be a key, whatever it was given as.
    Text(SecretString),
}

impl Pem {
    /// Takes a value as what it is: the text itself, as other tools accept it too, or a path, which `resolve` completes.
    pub fn of(value: &str, resolve: impl FnOnce(&str) -> PathBuf) -> Self {
        if Self::is_text(value) {
            Self::Text(SecretString::from(value))
        } else {
            Self::File(resolve(value))
        }
    }

    /// Whether a value is such a text, or meant to be one, and not a path: then it is shown to nobody.
    pub fn is_text(value: &str) -> bool {
        value.contains("-----") || value.contains(['\n', '\r']) || value.contains("\\n")
    }

    /// What a message calls it.
    fn described(&self) -> String {
        match self {
            Self::Text(_) => "given as text".to_owned(),
            Self::File(path) => {
                let is_path = |part: &std::ffi::OsStr| part.len() <= FILE_NAME_BYTES_MAX;
                if path.iter().all(is_path) {
                    format!("`{}`", path.display())
                } else {
                    "(a value that is too long to be a path, and is not shown)".to_owned()
                }
            }
        }
    }

    fn read(&self, what: &str) -> Result<Vec<u8>, Error> {
        self.bytes().map_err(|error| {
            let message = format!("cannot read the {what} {}", self.described());
            Error::new(ErrorKind::Invalid, message).caused_by(error)
        })
    }

    /// Reads a key. What is no file may be the key itself in some other form, so no value is shown.
    fn read_key(&self) -> Result<Vec<u8>, Error> {
        self.bytes().map_err(|error| {
            let message = "cannot read the client key: `key` names no file that can be read, or is no text of one in PEM";
            Error::new(ErrorKind::Invalid, message).caused_by(error)
        })
    }

    fn bytes(&self) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Text(text) => Ok(text.expose_secret().as_bytes().to_vec()),
            Self::File(path) => fs::read(path),
        }
    }
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File(_) => "a file",
            Self::Text(_) => "a text",
        })
    }
}

/// A client that sends nothing but what it is given: no redirects, no repetitions, and through no proxy but the given one.
pub(super) fn client(
    tls: &Tls,
    proxy: Option<&ProxyAddress>,
    limits: &HttpLimits,
) -> Result<Client, Error> {
    // An error means that the process already has one, which will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let identity = identity(tls)?;
    let authorities = tls.ca.as_ref().map(authorities).transpose()?;
    let proxy = proxy.map(through).transpose()?;
    let anonymous = || {
        // Not even where there is no proxy does the client look for one in the environment.
        let client = base_client(limits).tls_danger_accept_invalid_certs(!tls.verify);
        match &proxy {
            Some(proxy) => client.proxy(proxy.clone()),
            None => client,
        }
    };
    let builder = || match &identity {
        Some(identity) => anonymous().identity(identity.clone()),
        None => anonymous(),
    };
    let built = match authorities {
        Some(authorities) => builder().tls_certs_only(authorities).build(),
        // A machine without any CA certificate can still reach clouds over plain HTTP; over TLS it
        // trusts nobody and says so.
        None => builder()
            .build()
            .or_else(|_| builder().tls_certs_only([]).build()),
    };
    built.map_err(|error| {
        // The error does not say which, and without the certificate it may not occur.
        let is_of_identity = identity.is_some() && anonymous().build().is_ok();
        let unusable = if is_of_identity {
            "the client certificate and its key cannot be used: does the key belong to it?"
        } else {
            "the CA bundle cannot be used"
        };
        Error::new(ErrorKind::Invalid, unusable).caused_by(error)
    })
}

fn base_client(limits: &HttpLimits) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("runner/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .connect_timeout(limits.connect_timeout)
        .timeout(limits.request_timeout)
        .pool_idle_timeout(IDLE_CONNECTION_MAX)
}

fn through(proxy: &ProxyAddress) -> Result<Proxy, Error> {
    Proxy::all(proxy.url().clone()).map_err(|_| {
        let message = format!("the proxy {proxy} ({}) cannot be used", proxy.source());
        Error::new(ErrorKind::Invalid, message)
    })
}

fn authorities(bundle: &Pem) -> Result<Vec<Certificate>, Error> {
    let flaw = |flaw: &str| {
        let message = format!("the CA bundle {} {flaw}", bundle.described());
        Error::new(ErrorKind::Invalid, message)
    };
    // What a parser says of a text can hold a line of it, hence no cause.
    let certificates = Certificate::from_pem_bundle(&bundle.read("CA bundle")?)
        .map_err(|_| flaw("cannot be read as PEM"))?;
    if certificates.is_empty() {
        return Err(flaw("holds no certificate"));
    }
    Ok(certificates)
}

fn identity(tls: &Tls) -> Result<Option<Identity>, Error> {
    let Some(cert) = &tls.cert else {
        return Ok(None);
    };
    let mut pem = cert.read("client certificate")?;
    if let Some(key) = &tls.key {
        pem.push(b'\n');
        pem.extend(key.read_key()?);
    }
    let identity = Identity::from_pem(&pem).map_err(|_| {
        let message = format!(
            "the client certificate {} and its key cannot be read as PEM; the key may be with the certificate or in `key`",
            cert.described()
        );
        Error::new(ErrorKind::Invalid, message)
    })?;
    Ok(Some(identity))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line that must not be seen anywhere.
    const SECRET: &str = "MC4CAQAwBQYDK2VwBCIEIHNlY3JldHNlY3JldHNlY3JldA";

    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\n\
         MIIBNDCB56ADAgECAhQKBz/VgnXF12k9aR0UDj0D3FIBSjAFBgMrZXAwDzENMAsG\n\
         A1UEAwwEdGVzdDAgFw0yNjExMzAwMjU1NDBaGA8yMTI2MTEwNjAyNTU0MFowDzEN\n\
         MAsGA1UEAwwEdGVzdDAqMAUGAytlcAMhANdLx6rNEE2v6AMJhzTabNlY3Ng7ymy+\n\
         PyF2niLmr6U6o1MwUTAdBgNVHQ4EFgQUB89lwLES6sTUi2h1eO1I0e6MvUowHwYD\n\
         VR0jBBgwFoAUB89lwLES6sTUi2h1eO1I0e6MvUowDwYDVR0TAQH/BAUwAwEB/zAF\n\
         BgMrZXADQQCw4ZgV8cKG2ghxFjMf64XGPI12mfXgHrZnppaQMKjkJsZT3FgBwNpz\n\
         sx1il2ZT9UZm2L6d7kuif3zhAVQqC5UL\n\
         -----END CERTIFICATE-----\n";

    const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
         MC4CAQAwBQYDK2VwBCIEIO+NG2islti0GpVNyFv483OQg6XOrgwOy0ogH2t8K4/P\n\
         -----END PRIVATE KEY-----\n";

    fn path(text: &str) -> Option<Pem> {
        Some(Pem::of(text, |path| PathBuf::from(path)))
    }

    /// What is said of it, with all causes.
    fn refusal(tls: &Tls) -> String {
        let error = client(tls, None, &HttpLimits::default()).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let mut text = format!("{error} {error:?} {tls:?}");
        let mut cause = std::error::Error::source(&error);
        while let Some(next) = cause {
            text = format!("{text} {next} {next:?}");
            cause = next.source();
        }
        text
    }

    #[test]
    fn bad_certificate_files_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let empty = directory.path().join("empty.pem");
        fs::write(&empty, "").unwrap();
        let missing = directory.path().join("missing.pem");
        for file in [missing, empty] {
            let pem = || Some(Pem::File(file.clone()));
            for tls in [
                Tls {
                    ca: pem(),
                    ..Tls::default()
                },
                Tls {
                    cert: pem(),
                    ..Tls::default()
                },
            ] {
                let text = refusal(&tls);
                assert!(text.contains(".pem`"), "{text}");
            }
        }
    }

    #[test]
    fn nothing_of_a_pem_text_is_shown() {
        let texts = [
            format!("-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n"),
            format!("-----BEGIN PRIVATE KEY-----\n{SECRET}\n"),
            format!("-----BEGIN {SECRET}\n"),
            format!("-----BEGIN CERTIFICATE-----\n{SECRET}!\n-----END CERTIFICATE-----"),
            format!("-----BEGIN PRIVATE KEY-----\\n{SECRET}\\n-----END PRIVATE KEY-----"),
            format!("-----BEGIN PRIVATE KEY----- {SECRET} -----END PRIVATE KEY-----"),
            format!("{SECRET}\n{SECRET}"),
            SECRET.repeat(10),
        ];
        let good = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----";
        let bare = Tls {
            cert: path(CERTIFICATE),
            key: path(SECRET),
            ..Tls::default()
        };
        let shown = refusal(&bare);
        assert!(!shown.contains(&SECRET[..12]), "{shown}");
        for text in &texts {
            for tls in [
                Tls {
                    ca: path(text),
                    ..Tls::default()
                },
                Tls {
                    cert: path(text),
                    ..Tls::default()
                },
                Tls {
                    cert: path(good),
                    key: path(text),
                    ..Tls::default()
                },
            ] {
                let shown = refusal(&tls);
                assert!(!shown.contains(&SECRET[..12]), "{shown}");
            }
        }
    }

    #[test]
    fn certificates_and_keys_are_taken_as_texts_and_as_files() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let file = directory.path().join(name);
            fs::write(&file, text).unwrap();
            Some(Pem::File(file))
        };
        for tls in [
            Tls {
                ca: path(CERTIFICATE),
                cert: path(CERTIFICATE),
                key: path(KEY),
                verify: true,
            },
            Tls {
                cert: path(&format!("{CERTIFICATE}{KEY}")),
                ..Tls::default()
            },
            Tls {
                ca: file("ca.pem", CERTIFICATE),
                cert: file("cert.pem", CERTIFICATE),
                key: path(KEY),
                verify: true,
            },
        ] {
            let made = client(&tls, None, &HttpLimits::default());
            assert!(made.is_ok(), "{tls:?}: {:?}", made.err());
        }
    }

    #[test]
    fn a_text_is_told_from_a_path() {
        for (value, is_text) in [
            ("ca.pem", false),
            ("/etc/ssl/ca bundle.pem", false),
            ("~/my--keys/key.pem", false),
            (
                "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
                true,
            ),
            ("-----BEGIN CERTIFICATE-----", true),
            ("AAAA\nBBBB", true),
        ] {
            assert_eq!(Pem::is_text(value), is_text, "{value}");
            assert_eq!(
                matches!(path(value), Some(Pem::Text(_))),
                is_text,
                "{value}"
            );
        }
    }
}
