//! References: which registry, which repository, and which tag or digest in it.

use std::fmt;

use oci_spec::distribution::Reference as Parsed;
use oci_spec::image::{Digest, DigestAlgorithm};
use url::Host;

/// What stands before a reference to a registry.
pub const SCHEME: &str = "oci://";

/// `oci://registry/repository:tag`, or `@sha256:…` instead of the tag, or both, where the digest decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference(Parsed);

/// A text that names no component in a registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text} names no component in a registry: {why}")]
pub struct ReferenceError {
    text: String,
    why: String,
}

impl Reference {
    /// Reads a reference. Without tag and digest the tag is `latest`.
    ///
    /// # Errors
    /// If it is none, leaves the registry to be guessed, or has another digest than SHA-256.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let refused = |why: &str| ReferenceError {
            text: text.to_owned(),
            why: why.to_owned(),
        };
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| {
            refused("it is written oci://registry/repository:tag, or @sha256:… instead of the tag")
        })?;
        let parsed = Parsed::try_from(rest).map_err(|error| refused(&error.to_string()))?;
        // Where the first part could be a folder, Docker's own registry is meant by convention. A convention is no statement.
        if !rest.starts_with(&format!("{}/", parsed.registry())) {
            return Err(refused(
                "say which registry, with its domain or its port, as oci://registry.example.org/rules/harbor:1.2",
            ));
        }
        if let Some(digest) = parsed.digest() {
            match Digest::try_from(digest) {
                Ok(digest) if *digest.algorithm() == DigestAlgorithm::Sha256 => {}
                Ok(_) | Err(_) => {
                    return Err(refused(
                        "a digest is written sha256: and 64 digits of 0-9 and a-f",
                    ));
                }
            }
        }
        Ok(Self(parsed))
    }

    /// The registry as it was given: host, and port if there is one.
    pub fn registry(&self) -> &str {
        self.0.registry()
    }

    /// The registry as it is reached. Docker's own has another name there.
    pub fn address(&self) -> &str {
        self.0.resolve_registry()
    }

    /// The repository's path.
    pub(super) fn repository(&self) -> &str {
        self.0.repository()
    }

    /// The last part of the repository, after which a rule is called if nothing else is said.
    pub fn last_part(&self) -> &str {
        let repository = self.0.repository();
        repository.rsplit('/').next().unwrap_or(repository)
    }

    /// The manifest's digest, if it is given.
    pub fn digest(&self) -> Option<&str> {
        self.0.digest()
    }

    /// What the manifest is asked for by.
    pub(super) fn version(&self) -> &str {
        let tag = || self.0.tag().unwrap_or("latest");
        self.digest().unwrap_or_else(tag)
    }

    /// Whether the registry is on this machine.
    pub(super) fn is_on_loopback(&self) -> bool {
        let registry = self.registry();
        let host = registry.split(':').next().unwrap_or(registry);
        match Host::parse(host) {
            Ok(Host::Domain(name)) => name == "localhost",
            Ok(Host::Ipv4(ip)) => ip.is_loopback(),
            Ok(Host::Ipv6(_)) | Err(_) => false,
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{SCHEME}{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn a_reference_says_where_and_which() {
        for (text, registry, version, last) in [
            (
                "oci://127.0.0.1:5000/harbor:1.2",
                "127.0.0.1:5000",
                "1.2",
                "harbor",
            ),
            (
                "oci://r.example.org/a/b_c/d-e",
                "r.example.org",
                "latest",
                "d-e",
            ),
            (
                &format!("oci://r.example.org/a@{DIGEST}"),
                "r.example.org",
                DIGEST,
                "a",
            ),
            (
                &format!("oci://r.example.org/a:1@{DIGEST}"),
                "r.example.org",
                DIGEST,
                "a",
            ),
            ("oci://localhost/a:1", "localhost", "1", "a"),
            ("oci://docker.io/library/a:1", "docker.io", "1", "a"),
        ] {
            let reference = Reference::parse(text).unwrap();
            assert_eq!(reference.registry(), registry, "{text}");
            assert_eq!(reference.version(), version, "{text}");
            assert_eq!(reference.last_part(), last, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_what_was_read() {
        for text in [
            "oci://127.0.0.1:5000/a/b:1.2",
            &format!("oci://r.example.org/a:1@{DIGEST}"),
        ] {
            assert_eq!(Reference::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_could_lead_astray_is_no_reference() {
        for text in [
            "harbor:1.2",
            "https://r.example.org/a:1",
            "oci://",
            "oci://harbor",
            "oci://harbor:1.2",
            "oci://rules/harbor:1.2",
            "oci://r.example.org/../a:1",
            "oci://r.example.org/a/..:1",
            "oci://r.example.org//a:1",
            "oci://r.example.org/a%2fb:1",
            "oci://r.example.org/a:1/../2",
            "oci://r.example.org/a?b:1",
            "oci://r.example.org/a:1\n",
            "oci://r.example.org/A:1",
            "oci://user@r.example.org/a:1",
            "oci://r.example.org\\a:1",
            "oci://r.example.org/a@sha256:0123",
            "oci://r.example.org/a@md5:0123456789abcdef0123456789abcdef",
            &format!(
                "oci://r.example.org/a@{}",
                DIGEST.to_uppercase().replace("SHA", "sha")
            ),
            &format!("oci://r.example.org/a@sha512:{}", "0".repeat(128)),
        ] {
            assert!(Reference::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_loopback_is_on_this_machine() {
        for (registry, expected) in [
            ("localhost", true),
            ("localhost:5000", true),
            ("127.0.0.1:5000", true),
            ("127.8.8.8", true),
            ("localhost.example.org", false),
            ("127.0.0.1.example.org", false),
            ("10.0.0.1:5000", false),
        ] {
            let reference = Reference::parse(&format!("oci://{registry}/a:1")).unwrap();
            assert_eq!(reference.is_on_loopback(), expected, "{registry}");
        }
    }
}
