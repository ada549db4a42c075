//! Who signed a component, by the keys that the operator trusts. Signatures are those of minisign, detached.
//!
//! Pure: bytes, signatures' text and keys in, signers or a refusal out. The invariant: a signature that is there and does not
//! hold is never taken for none, and what is revoked does not run, whoever else vouches for it.

use std::fmt;
use std::sync::Arc;

use minisign_verify::{Error, PublicKey, Signature};
use serde::{Deserialize, Serialize};

/// What a signature's file has behind the name of the file that it signs.
pub const EXTENSION: &str = "minisig";

/// Bytes of the largest text that is looked at for signatures. Their two comments are the only parts of any length.
pub const BYTES_MAX: u64 = 16 << 10;

/// Whose signatures are trusted, and how many there must be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Section")]
pub struct Signatures {
    /// Public keys, as minisign writes them: `RW…`.
    keys: Vec<SignerKey>,
    /// Whether an unsigned component is refused.
    required: bool,
    /// How many of the keys must have signed what is signed.
    threshold: usize,
    /// Whether only signatures count that also state what the component declares.
    permissions: bool,
    /// What is trusted no more, whoever vouches for it.
    revoked: Vec<Revoked>,
}

impl Default for Signatures {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            required: false,
            threshold: 1,
            permissions: false,
            revoked: Vec::new(),
        }
    }
}

/// `[signatures]`, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Section {
    keys: Vec<SignerKey>,
    required: bool,
    threshold: usize,
    permissions: bool,
    revoked: Vec<Revoked>,
}

impl Default for Section {
    fn default() -> Self {
        let Signatures {
            keys,
            required,
            threshold,
            permissions,
            revoked,
        } = Signatures::default();
        Self {
            keys,
            required,
            threshold,
            permissions,
            revoked,
        }
    }
}

impl TryFrom<Section> for Signatures {
    type Error = String;

    fn try_from(section: Section) -> Result<Self, Self::Error> {
        let Section {
            keys,
            required,
            threshold,
            permissions,
            revoked,
        } = section;
        // Who is named twice signs once.
        let mut distinct: Vec<SignerKey> = Vec::with_capacity(keys.len());
        for key in keys {
            if !distinct.iter().any(|it| it.key == key.key) {
                distinct.push(key);
            }
        }
        match threshold {
            0 => Err(
                "`threshold` is 0: it takes one signature at least, or none by `required = false`"
                    .to_owned(),
            ),
            1 => Ok(()),
            _ if distinct.len() < threshold => Err(format!(
                "`threshold` is {threshold}, and there are only {} `keys`",
                distinct.len()
            )),
            _ if !required => Err(format!(
                "`threshold` is {threshold}, and `required` is not true: whoever takes all signatures away would be let in"
            )),
            _ => Ok(()),
        }?;
        if permissions && !required {
            return Err("`permissions` is true, and `required` is not: whoever takes the signatures away would be let in".to_owned());
        }
        Ok(Self {
            keys: distinct,
            required,
            threshold,
            permissions,
            revoked,
        })
    }
}

/// What is trusted no more: whatever a key signs, or one component by its SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Revoked {
    /// A signer's key.
    Key(SignerKey),
    /// A component, by the hex digits of its SHA-256.
    Component(String),
}

impl TryFrom<String> for Revoked {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let Some(digits) = text.trim().strip_prefix("sha256:") else {
            return SignerKey::try_from(text).map(Self::Key);
        };
        let is_digest = digits.len() == 64 && digits.bytes().all(|c| c.is_ascii_hexdigit());
        match is_digest {
            true => Ok(Self::Component(digits.to_ascii_lowercase())),
            false => Err(format!(
                "{text:?} is not a valid digest: expected sha256: and 64 hex digits"
            )),
        }
    }
}

impl Serialize for Revoked {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Revoked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(formatter),
            Self::Component(digits) => write!(formatter, "sha256:{digits}"),
        }
    }
}

/// A public key, which is also what its owner is called here: names can be given to two, and key ids can be found again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct SignerKey {
    text: Arc<str>,
    key: PublicKey,
}

/// Who signed a component, and whether that was said of what it declares as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// By this key.
    pub key: SignerKey,
    /// The digest of what the component declares, in hex, as the signature's trusted comment states it.
    pub permissions: Option<String>,
}

/// Why a component is not taken for signed by somebody trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureFlaw {
    /// There is none, and there must be.
    #[error(
        "is not signed, and `required = true` under [signatures] in the configuration takes only what is: \
         get its signature, <rule>.wasm.{EXTENSION}, from whoever publishes it"
    )]
    Absent,
    /// The text is no signature.
    #[error(
        "has a signature that is none ({0}): get it again, or have the component signed anew with `minisign -S`"
    )]
    Malformed(String),
    /// It is by somebody else.
    #[error(
        "is signed by none of the keys under [signatures] in the configuration: \
         add the signer's public key to `keys` if you trust it"
    )]
    Unknown,
    /// A trusted key's signature, of other bytes.
    #[error("is not what {0} has signed: the component or its signature was changed")]
    Broken(SignerKey),
    /// Fewer have signed it than must.
    #[error(
        "is signed by {}, and `threshold = {needed}` under [signatures] in the configuration takes so many of its `keys`",
        signed_by(.signers)
    )]
    TooFew {
        /// Who has signed it.
        signers: Vec<SignerKey>,
        /// How many must.
        needed: usize,
    },
    /// It declares something else than was signed.
    #[error(
        "declares what {signer} has not signed: the signature is for permissions sha256:{signed}, and the component's are \
         sha256:{declared}. Have it signed anew, or use the runner that it was signed for"
    )]
    OtherPermissions {
        /// Whose signature it is.
        signer: SignerKey,
        /// What was signed.
        signed: Arc<str>,
        /// What the component declares.
        declared: Arc<str>,
    },
    /// A signature of the bytes alone, where that does not count.
    #[error(
        "has signatures that state no permissions, and `permissions = true` under [signatures] in the configuration takes only \
         those that do: {}",
        signed_by(.0)
    )]
    NoPermissions(Vec<SignerKey>),
    /// It, or whoever signed it, is trusted no more.
    #[error("is not to run any more: {0} is revoked")]
    Revoked(Revoked),
}

/// Keys in words.
fn signed_by(keys: &[SignerKey]) -> String {
    let keys: Vec<&str> = keys.iter().map(SignerKey::as_str).collect();
    keys.join(", ")
}

/// What stands in a trusted comment before the digest of what a component declares.
const PERMISSIONS: &str = "permissions sha256:";

/// What a trusted comment says that a component declares. Words before and behind it are the signer's.
fn permissions_in(comment: &str) -> Option<String> {
    let (_, digest) = comment.split_once(PERMISSIONS)?;
    let digits = digest.chars().take_while(char::is_ascii_hexdigit);
    Some(digits.collect::<String>().to_ascii_lowercase())
}

impl Signatures {
    /// Who of those trusted signed these bytes, in the order of the keys; nobody if nobody did and nobody has to. `sha256` are the
    /// hex digits of the bytes' digest, `text` the detached signatures, one after the other.
    ///
    /// # Errors
    /// If one of the signatures does not hold, too few are by somebody trusted, or the component or a signer is revoked.
    pub fn verify(
        &self,
        bytes: &[u8],
        sha256: &str,
        text: Option<&str>,
    ) -> Result<Vec<Signer>, SignatureFlaw> {
        let component = Revoked::Component(sha256.to_owned());
        if self.revoked.contains(&component) {
            return Err(SignatureFlaw::Revoked(component));
        }
        let Some(text) = text else {
            return match self.required {
                true => Err(SignatureFlaw::Absent),
                false => Ok(Vec::new()),
            };
        };
        let mut found = Vec::new();
        for text in one_by_one(text) {
            found.extend(self.signer(bytes, text)?);
        }
        let signs = |key: &SignerKey| {
            let mut signatures = found.iter().filter(|it| it.key == *key);
            // Of two by one key the one that says more.
            let stating = signatures.clone().find(|it| it.permissions.is_some());
            stating.or_else(|| signatures.next()).cloned()
        };
        let signers: Vec<Signer> = self.keys.iter().filter_map(signs).collect();
        let counting = signers
            .iter()
            .filter(|it| !self.permissions || it.permissions.is_some());
        let counting: Vec<SignerKey> = counting.map(|it| it.key.clone()).collect();
        match (signers.len(), counting.len()) {
            (0, _) => Err(SignatureFlaw::Unknown),
            (_, 0) => Err(SignatureFlaw::NoPermissions(
                signers.into_iter().map(|it| it.key).collect(),
            )),
            (_, some) if some < self.threshold => Err(SignatureFlaw::TooFew {
                signers: counting,
                needed: self.threshold,
            }),
            _ => Ok(signers),
        }
    }

    /// Whether what a component declares is what was signed, by each whose signature says so. `declared` gives the digest in hex, and
    /// is asked only if any does.
    ///
    /// # Errors
    /// [`SignatureFlaw::OtherPermissions`]
    pub fn check_permissions(
        signers: &[Signer],
        declared: impl FnOnce() -> String,
    ) -> Result<(), SignatureFlaw> {
        let stated = signers
            .iter()
            .filter_map(|it| Some((&it.key, it.permissions.as_deref()?)));
        let stated: Vec<(&SignerKey, &str)> = stated.collect();
        if stated.is_empty() {
            return Ok(());
        }
        let declared = declared();
        match stated.into_iter().find(|(_, signed)| *signed != declared) {
            None => Ok(()),
            Some((signer, signed)) => Err(SignatureFlaw::OtherPermissions {
                signer: signer.clone(),
                signed: signed.into(),
                declared: declared.into(),
            }),
        }
    }

    /// Whose a signature is; `None` if it is nobody's who is trusted.
    fn signer(&self, bytes: &[u8], text: &str) -> Result<Option<Signer>, SignatureFlaw> {
        let malformed = |error: Error| SignatureFlaw::Malformed(error.to_string());
        let signature = Signature::decode(text).map_err(malformed)?;
        let mut flaw = None;
        let revoked = self.revoked.iter().filter_map(|it| match it {
            Revoked::Key(key) => Some(key),
            Revoked::Component(_) => None,
        });
        for signer in revoked.chain(&self.keys) {
            // A key's id is eight bytes that anybody can choose, so the next key may have the same one.
            match signer.key.verify(bytes, &signature, false) {
                Ok(()) => {
                    let revoked = Revoked::Key(signer.clone());
                    return match self.revoked.contains(&revoked) {
                        true => Err(SignatureFlaw::Revoked(revoked)),
                        false => Ok(Some(Signer {
                            key: signer.clone(),
                            permissions: permissions_in(signature.trusted_comment()),
                        })),
                    };
                }
                Err(Error::UnexpectedKeyId) => {}
                Err(Error::InvalidSignature) => flaw = Some(SignatureFlaw::Broken(signer.clone())),
                Err(error) => return Err(malformed(error)),
            }
        }
        flaw.map_or(Ok(None), Err)
    }
}

/// The signatures of a text, each from its first comment on. A text without any is one that is none.
fn one_by_one(text: &str) -> impl Iterator<Item = &str> {
    const FIRST: &str = "untrusted comment:";
    let starts = text.match_indices(FIRST).map(|(at, _)| at);
    let starts = starts.filter(|at| *at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n'));
    let mut starts: Vec<usize> = starts.collect();
    if starts.first() != Some(&0) {
        starts.insert(0, 0);
    }
    let ends = starts.clone().into_iter().skip(1).chain([text.len()]);
    let parts = starts.into_iter().zip(ends);
    parts.filter_map(|(start, end)| text.get(start..end))
}

impl TryFrom<String> for SignerKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let text = text.trim();
        let key = PublicKey::from_base64(text).map_err(|error| {
            format!("{text:?} is no public key of minisign (RW…, the second line of its .pub file): {error}")
        })?;
        Ok(Self {
            text: text.into(),
            key,
        })
    }
}

impl SignerKey {
    /// The key's text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for SignerKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}
