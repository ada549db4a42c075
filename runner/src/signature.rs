//! Who signed a component, by the keys that the operator trusts. Signatures are those of minisign, detached.
//!
//! Pure: bytes, a signature's text and keys in, a signer or a refusal out. The invariant: a signature that is there and does not
//! hold is never taken for none.

use std::fmt;
use std::sync::Arc;

use minisign_verify::{Error, PublicKey, Signature};
use serde::Deserialize;

/// What a signature's file has behind the name of the file that it signs.
pub const EXTENSION: &str = "minisig";

/// Bytes of the largest text that is looked at for a signature. Its two comments are the only parts of any length.
pub const BYTES_MAX: u64 = 16 << 10;

/// Whose signatures are trusted, and whether there must be one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Signatures {
    /// Public keys, as minisign writes them: `RW…`.
    pub keys: Vec<SignerKey>,
    /// Whether an unsigned component is refused.
    pub required: bool,
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
}

impl Signatures {
    /// Who signed these bytes; `None` if nobody did and nobody has to.
    ///
    /// # Errors
    /// If the signature does not hold, is by nobody trusted, or is missing where there must be one.
    pub fn verify(
        &self,
        bytes: &[u8],
        signature: Option<&str>,
    ) -> Result<Option<SignerKey>, SignatureFlaw> {
        let Some(text) = signature else {
            return if self.required {
                Err(SignatureFlaw::Absent)
            } else {
                Ok(None)
            };
        };
        let malformed = |error: Error| SignatureFlaw::Malformed(error.to_string());
        let signature = Signature::decode(text).map_err(malformed)?;
        let mut flaw = SignatureFlaw::Unknown;
        for signer in &self.keys {
            // A key's id is eight bytes that anybody can choose, so the next key may have the same one.
            match signer.key.verify(bytes, &signature, false) {
                Ok(()) => return Ok(Some(signer.clone())),
                Err(Error::UnexpectedKeyId) => {}
                Err(Error::InvalidSignature) => flaw = SignatureFlaw::Broken(signer.clone()),
                Err(error) => return Err(malformed(error)),
            }
        }
        Err(flaw)
    }
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
