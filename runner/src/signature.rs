//! Who signed a component, by the keys that the operator trusts. Signatures are those of minisign, detached.
//!
//! Pure: bytes, signatures' text and keys in, signers or a refusal out. The invariant: a signature that is there and does not
//! hold is never taken for none, and what is revoked does not run, whoever else vouches for it.

use std::collections::BTreeSet;
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
    /// What is trusted no more, whoever vouches for it.
    revoked: Vec<Revoked>,
}

impl Default for Signatures {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            required: false,
            threshold: 1,
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
    revoked: Vec<Revoked>,
}

impl Default for Section {
    fn default() -> Self {
        let Signatures {
            keys,
            required,
            threshold,
            revoked,
        } = Signatures::default();
        Self {
            keys,
            required,
            threshold,
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
            revoked,
        } = section;
        let distinct: BTreeSet<&str> = keys.iter().map(SignerKey::as_str).collect();
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
        Ok(Self {
            keys,
            required,
            threshold,
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
    /// It, or whoever signed it, is trusted no more.
    #[error("is not to run any more: {0} is revoked")]
    Revoked(Revoked),
}

/// Signers in words.
pub fn signed_by(signers: &[SignerKey]) -> String {
    let keys: Vec<&str> = signers.iter().map(SignerKey::as_str).collect();
    keys.join(", ")
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
    ) -> Result<Vec<SignerKey>, SignatureFlaw> {
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
        let mut signers = Vec::new();
        for text in one_by_one(text) {
            signers.extend(self.signer(bytes, text)?);
        }
        let signers: Vec<SignerKey> = self
            .keys
            .iter()
            .filter(|key| signers.contains(key))
            .cloned()
            .collect();
        match signers.len() {
            0 => Err(SignatureFlaw::Unknown),
            some if some < self.threshold => Err(SignatureFlaw::TooFew {
                signers,
                needed: self.threshold,
            }),
            _ => Ok(signers),
        }
    }

    /// Whose a signature is; `None` if it is nobody's who is trusted.
    fn signer(&self, bytes: &[u8], text: &str) -> Result<Option<SignerKey>, SignatureFlaw> {
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
                        false => Ok(Some(signer.clone())),
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
