//! Components from OCI registries: a reference in, verified bytes out.
//!
//! A registry is asked for a manifest and for the one blob that it names, by the distribution specification; what it answers is
//! measured and hashed before anybody looks at it. It is sent a credential only if it is the registry that the operator named, and
//! leads nowhere that he has not. Nothing here reads or writes a file, or decides whether a component may run.

mod conversation;
mod manifest;
mod reference;

use sha2::{Digest, Sha256};
use url::Url;

use crate::cloud::{self, ErrorKind, Fetched, HttpLimits, PlainAuth, Proxies, Tls};

use conversation::Conversation;
use manifest::Manifest;

pub use manifest::{ManifestFlaw, SIGNATURE_ANNOTATION};
pub use reference::{Reference, ReferenceError, SCHEME};

/// How a registry may be talked to, as far as the operator has a say in it.
#[derive(Clone, Debug)]
pub struct Access {
    /// Who we are there.
    pub auth: PlainAuth,
    /// Certificates to trust instead of the system's.
    pub tls: Tls,
    /// Which way requests take to it.
    pub proxies: Proxies,
    /// Whether TLS is done without; if nothing is said, on loopback.
    pub plain_http: Option<bool>,
    /// Other origins that the registry may send us to, for tokens and blobs.
    pub elsewhere: Vec<Origin>,
}

/// Scheme, host and port, as `https://cdn.example.org`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "Url")]
pub struct Origin(Url);

/// A component as a registry gave it, found to be what its manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// The manifest's digest: `sha256:…`.
    pub manifest: String,
    /// The component's bytes.
    pub component: Vec<u8>,
    /// A detached signature, if the manifest carries one. Nobody has verified it yet.
    pub signature: Option<Vec<u8>>,
}

/// Why there is no component to be had by a reference.
#[derive(Debug, thiserror::Error)]
#[error("{reference} {why}")]
pub struct RegistryError {
    /// What was asked for.
    pub reference: Reference,
    /// What is wrong.
    #[source]
    pub why: RegistryFlaw,
}

/// What is wrong with what a registry answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryFlaw {
    /// There was no answer to be had.
    #[error("cannot be fetched: {0}")]
    NoAnswer(#[source] cloud::Error),
    /// It does not know us, or does not let us.
    #[error("is not given to us: the registry answered {0}")]
    Denied(u16),
    /// It has no such thing.
    #[error("is not there: the registry answered 404")]
    Absent,
    /// An answer that the specification does not foresee here.
    #[error("cannot be fetched: the registry answered {status} to GET {path}")]
    Status {
        /// Its status.
        status: u16,
        /// What was asked for.
        path: String,
    },
    /// It wants to lead us to where the operator has not sent us.
    #[error(
        "cannot be fetched: the registry sends us to {origin} for {purpose}, \
         and `elsewhere` under [registries.\"{registry}\"] in the configuration does not have that"
    )]
    Elsewhere {
        /// The registry.
        registry: String,
        /// The other origin.
        origin: String,
        /// What we should get there.
        purpose: &'static str,
    },
    /// It redirects without end, or to nowhere.
    #[error("cannot be fetched: the registry redirects {0}")]
    Redirect(&'static str),
    /// It asks for a proof of identity that cannot be given.
    #[error("cannot be fetched: the registry {0}")]
    Challenge(&'static str),
    /// The manifest is none, or of something else than a component.
    #[error(transparent)]
    Manifest(#[from] ManifestFlaw),
    /// Something is not what its digest says.
    #[error("is not what it should be: the {what} has the digest {found}, not {wanted}")]
    Digest {
        /// The manifest or the component.
        what: &'static str,
        /// Its digest.
        found: String,
        /// What it should be.
        wanted: String,
    },
    /// The component is larger than a rule may be.
    #[error("has {bytes} bytes, more than the limit component_bytes_max = {limit}")]
    TooLarge {
        /// Its size, by the manifest.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The component has not the size that the manifest says.
    #[error("is not what it should be: the component has {found} bytes, not {wanted}")]
    Size {
        /// Its size, or that it is larger.
        found: String,
        /// What it should be.
        wanted: u64,
    },
}

/// Fetches a component that has `bytes_max` bytes at most.
///
/// # Errors
/// If the registry does not have it, does not give it, or gives something else.
pub async fn fetch(
    reference: &Reference,
    access: &Access,
    limits: &HttpLimits,
    bytes_max: u64,
) -> Result<Artifact, RegistryError> {
    let mut conversation = Conversation::new(reference, access, limits);
    let fetched = fetched(&mut conversation, reference, bytes_max).await;
    fetched.map_err(|why| RegistryError {
        reference: reference.clone(),
        why,
    })
}

/// Asks which manifest a reference names now, and fetches nothing else.
///
/// # Errors
/// As those of [`fetch`].
pub async fn resolve(
    reference: &Reference,
    access: &Access,
    limits: &HttpLimits,
) -> Result<String, RegistryError> {
    let mut conversation = Conversation::new(reference, access, limits);
    let found = named(&mut conversation, reference).await;
    found
        .map(|(digest, _)| digest)
        .map_err(|why| RegistryError {
            reference: reference.clone(),
            why,
        })
}

/// The manifest that a reference names, with its digest.
async fn named(
    conversation: &mut Conversation<'_>,
    reference: &Reference,
) -> Result<(String, Fetched), RegistryFlaw> {
    let answer = conversation.manifest().await?;
    let digest = digest_of(&answer.body);
    // A tag is what the registry says it is; a digest is what we say.
    let announced = answer.header("docker-content-digest");
    for wanted in reference.digest().into_iter().chain(announced) {
        same("manifest", &digest, wanted)?;
    }
    Ok((digest, answer))
}

async fn fetched(
    conversation: &mut Conversation<'_>,
    reference: &Reference,
    bytes_max: u64,
) -> Result<Artifact, RegistryFlaw> {
    let (digest, answer) = named(conversation, reference).await?;
    let Manifest { layer, signature } =
        Manifest::read(&answer.body, answer.header("content-type"))?;
    if layer.bytes > bytes_max {
        return Err(RegistryFlaw::TooLarge {
            bytes: layer.bytes,
            limit: bytes_max,
        });
    }
    let component = conversation.blob(&layer.digest, layer.bytes).await;
    let component = component.map_err(|flaw| match flaw {
        RegistryFlaw::NoAnswer(error) if error.kind() == ErrorKind::TooLarge => {
            RegistryFlaw::Size {
                found: "more".to_owned(),
                wanted: layer.bytes,
            }
        }
        other => other,
    })?;
    if component.len() as u64 != layer.bytes {
        return Err(RegistryFlaw::Size {
            found: component.len().to_string(),
            wanted: layer.bytes,
        });
    }
    same("component", &digest_of(&component), &layer.digest)?;
    Ok(Artifact {
        manifest: digest,
        component,
        signature,
    })
}

fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn same(what: &'static str, found: &str, wanted: &str) -> Result<(), RegistryFlaw> {
    if found == wanted {
        return Ok(());
    }
    Err(RegistryFlaw::Digest {
        what,
        found: found.to_owned(),
        wanted: wanted.to_owned(),
    })
}

impl TryFrom<Url> for Origin {
    type Error = String;

    fn try_from(url: Url) -> Result<Self, Self::Error> {
        let has_more = url.path() != "/" || url.query().is_some() || url.fragment().is_some();
        let has_login = !url.username().is_empty() || url.password().is_some();
        if !matches!(url.scheme(), "http" | "https") || has_more || has_login {
            return Err(format!(
                "{url} is no origin: give scheme and host, and a port where it is not the usual one, as https://cdn.example.org"
            ));
        }
        Ok(Self(url))
    }
}
