//! A small REST service on loopback, with or without TLS, and a proxy before it: as much of HTTP as the runner speaks to them.
//!
//! They share no code with what they test, and answer on threads of their own for as long as the tests run.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// One request, as it arrived.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) target: String,
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Asked {
    /// A header's value, empty if there is none.
    pub(super) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    /// Whether a text stands anywhere in it.
    pub(super) fn says(&self, text: &str) -> bool {
        format!("{self:?}").contains(text)
    }

    /// Reads a request. `None` at the end of the connection.
    fn read(stream: &mut impl BufRead) -> Option<Self> {
        let mut line = || {
            let mut line = String::new();
            let length = stream.read_line(&mut line).ok()?;
            (length > 0).then(|| line.trim_end().to_owned())
        };
        let first = line()?;
        let mut words = first.split(' ');
        let mut asked = Self {
            method: words.next()?.to_owned(),
            target: words.next()?.to_owned(),
            ..Self::default()
        };
        loop {
            let header = line()?;
            let Some((name, value)) = header.split_once(':') else {
                break;
            };
            let header = (name.to_ascii_lowercase(), value.trim().to_owned());
            asked.headers.push(header);
        }
        let length = asked.header("content-length").parse().unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).ok()?;
        asked.body = String::from_utf8_lossy(&body).into_owned();
        Some(asked)
    }
}

type Log = Arc<Mutex<Vec<Asked>>>;

fn seen(log: &Log) -> MutexGuard<'_, Vec<Asked>> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How the service is spoken to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tls {
    No,
    /// With the certificate of the tests' own authority.
    Yes,
    /// The same, and whoever comes has to show one too.
    OfBoth,
}

/// A service that keeps buckets, as Kinto does, and lets those in of whom a test says so.
pub(super) struct Service {
    pub(super) port: u16,
    tls: Tls,
    log: Log,
    buckets: Arc<Mutex<Vec<String>>>,
}

impl Service {
    /// Serves these buckets to whoever is let in; `/token` is answered by the test as well, with a body.
    pub(super) fn start(
        tls: Tls,
        buckets: &[&str],
        lets_in: impl Fn(&Asked) -> bool + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let log = Log::default();
        let buckets = buckets.iter().map(|it| (*it).to_owned()).collect();
        let service = Self {
            port,
            tls,
            log: log.clone(),
            buckets: Arc::new(Mutex::new(buckets)),
        };
        let (buckets, lets_in) = (service.buckets.clone(), Arc::new(lets_in));
        let config = (tls != Tls::No).then(|| server_config(tls));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, buckets) = (log.clone(), buckets.clone());
                let (lets_in, config) = (lets_in.clone(), config.clone());
                std::thread::spawn(move || {
                    let answer = |asked: &Asked| answer(asked, &buckets, lets_in(asked));
                    match config {
                        None => serve(stream, &log, answer),
                        Some(config) => {
                            let connection = ServerConnection::new(config).expect("a connection");
                            serve(StreamOwned::new(connection, stream), &log, answer);
                        }
                    }
                });
            }
        });
        service
    }

    /// Where it is, under this name of the machine.
    pub(super) fn url(&self, host: &str) -> String {
        let scheme = if self.tls == Tls::No { "http" } else { "https" };
        format!("{scheme}://{host}:{}", self.port)
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        seen(&self.log).clone()
    }

    /// What is left.
    pub(super) fn buckets(&self) -> Vec<String> {
        let buckets = self.buckets.lock();
        buckets.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(stream: impl Read + Write, log: &Log, answer: impl Fn(&Asked) -> (u16, String)) {
    let mut stream = BufReader::new(stream);
    while let Some(asked) = Asked::read(&mut stream) {
        let (status, body) = answer(&asked);
        seen(log).push(asked);
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let stream = stream.get_mut();
        let written = stream.write_all(format!("{head}{body}").as_bytes());
        if written.and_then(|()| stream.flush()).is_err() {
            return;
        }
    }
}

fn answer(asked: &Asked, buckets: &Mutex<Vec<String>>, is_let_in: bool) -> (u16, String) {
    let mut buckets = buckets.lock().unwrap_or_else(PoisonError::into_inner);
    let path = asked.target.split('?').next().unwrap_or_default();
    if path == "/token" {
        let body = r#"{"access_token": "granted", "token_type": "Bearer", "expires_in": 3600}"#;
        return if is_let_in {
            (200, body.to_owned())
        } else {
            (401, r#"{"error": "invalid_client"}"#.to_owned())
        };
    }
    if !is_let_in {
        return (401, "{}".to_owned());
    }
    match (asked.method.as_str(), path.strip_prefix("/v1/buckets")) {
        ("GET", Some("")) => {
            let list: Vec<_> = buckets
                .iter()
                .map(|id| serde_json::json!({ "id": id }))
                .collect();
            (200, serde_json::json!({ "data": list }).to_string())
        }
        ("GET", Some(_)) => (200, r#"{"data": []}"#.to_owned()),
        ("DELETE", Some(id)) => {
            buckets.retain(|it| *it != id.trim_start_matches('/'));
            (200, r#"{"data": {"deleted": true}}"#.to_owned())
        }
        _ => (404, "{}".to_owned()),
    }
}

/// A file of the tests' own authority.
pub(super) fn pem(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/fixtures/tls").join(name)
}

fn server_config(tls: Tls) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = |name| CertificateDer::from_pem_file(pem(name)).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(certificate("ca.pem")).expect("an authority");
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .expect("a verifier");
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions");
    let builder = match tls {
        Tls::OfBoth => builder.with_client_cert_verifier(verifier),
        Tls::No | Tls::Yes => builder.with_no_client_auth(),
    };
    let key = PrivateKeyDer::from_pem_file(pem("server.key")).expect("a key");
    let config = builder.with_single_cert(vec![certificate("server.pem")], key);
    Arc::new(config.expect("a configuration"))
}

/// What a proxy does with whoever comes.
#[derive(Clone, Copy)]
pub(super) enum Does {
    /// Connects them to this port of the machine, wherever they want to go.
    LeadsTo(u16),
    /// Answers this.
    Says(u16),
}

/// A proxy on loopback.
pub(super) struct ForwardProxy {
    /// Host and port.
    pub(super) address: String,
    log: Log,
}

impl ForwardProxy {
    pub(super) fn start(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let log = Log::default();
        let proxy = Self {
            address,
            log: log.clone(),
        };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let log = log.clone();
                std::thread::spawn(move || lead(stream, &log, does));
            }
        });
        proxy
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        seen(&self.log).clone()
    }
}

fn lead(mut stream: TcpStream, log: &Log, does: Does) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let asked = Asked::read(&mut reader)?;
    let is_tunnel = asked.method == "CONNECT";
    seen(log).push(asked);
    match does {
        Does::LeadsTo(port) if is_tunnel => {
            let mut server = TcpStream::connect(("127.0.0.1", port)).ok()?;
            stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").ok()?;
            let (mut up, mut down) = (server.try_clone().ok()?, stream.try_clone().ok()?);
            std::thread::spawn(move || std::io::copy(&mut reader, &mut up));
            std::io::copy(&mut server, &mut down).ok()?;
        }
        Does::LeadsTo(_) => {
            let body = r#"{"data": []}"#;
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(format!("{head}{body}").as_bytes()).ok()?;
        }
        Does::Says(status) => {
            let answer =
                format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).ok()?;
        }
    }
    Some(())
}
