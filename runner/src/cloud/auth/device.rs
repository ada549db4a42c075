//! A login that a person makes elsewhere: the provider gives a code, the person enters it in a browser, and meanwhile we ask whether
//! that has happened.
//!
//! The invariant: the provider is not asked more often than it wishes, nor longer than its code is good.
//! Source: RFC 8628, RFC 7636.

use std::time::Duration;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

use super::answer::shortened;
use super::grant::{ClientProof, Granted, Grants, Ungranted};
use crate::cloud::http::Again;
use crate::cloud::{Error, ErrorKind};

/// The grant's name.
pub(super) const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Nobody is waited for longer, whatever a provider says of its code.
const WAIT_MAX: Duration = Duration::from_secs(1800);

/// What a provider that is asked too often adds to the interval.
const SLOWER: Duration = Duration::from_secs(5);

/// Where a provider is asked for a code, and where for a token.
pub(super) struct Places<'a> {
    pub(super) device: &'a Url,
    pub(super) token: &'a Url,
}

/// Holds a secret, hence no `Debug`.
#[derive(Deserialize)]
struct Code {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: u64,
    #[serde(default = "usual_interval")]
    interval: u64,
}

/// Seconds between two questions, where the provider does not say.
fn usual_interval() -> u64 {
    5
}

/// Has a person log in. `is_bound` binds the login to us, so that a code that somebody else has seen is of no use to him.
pub(super) async fn log_in(
    grants: &Grants<'_>,
    places: &Places<'_>,
    client: ClientProof<'_>,
    scope: &str,
    is_bound: bool,
) -> Result<Granted, Error> {
    let verifier = is_bound.then(verifier);
    let challenge = verifier.as_ref().map(challenge);
    // The id beside a Basic header too: some providers insist.
    let mut form = vec![("client_id", client.id), ("scope", scope)];
    if let Some(challenge) = &challenge {
        form.push(("code_challenge_method", "S256"));
        form.push(("code_challenge", challenge));
    }
    let code: Code = grants
        .post(places.device, client, &form, Again::Nothing)
        .await
        .map_err(Ungranted::into_error)?;
    show(&code);
    let mut form = vec![
        ("grant_type", GRANT_TYPE),
        ("device_code", &code.device_code),
        ("client_id", client.id),
    ];
    if let Some(verifier) = &verifier {
        form.push(("code_verifier", verifier.expose_secret()));
    }
    let is_good_for = Duration::from_secs(code.expires_in).min(WAIT_MAX);
    let end = Instant::now() + is_good_for;
    let mut interval = Duration::from_secs(code.interval.max(1)).min(WAIT_MAX);
    loop {
        if Instant::now() + interval > end {
            let seconds = is_good_for.as_secs();
            let message = format!(
                "nobody has entered the code within {seconds} s, and it is good no longer: begin again"
            );
            return Err(Error::new(ErrorKind::NotAuthenticated, message));
        }
        tokio::time::sleep(interval).await;
        match grants.grant(places.token, client, &form, Again::Acts).await {
            Ok(granted) => return Ok(granted),
            Err(Ungranted::Refused { word, error }) => match word.as_str() {
                "authorization_pending" => {}
                "slow_down" => interval += SLOWER,
                "access_denied" => {
                    let message = "whoever entered the code has refused the login";
                    return Err(Error::new(ErrorKind::NotAuthenticated, message));
                }
                _ => return Err(error),
            },
            Err(Ungranted::Failed(error)) => return Err(error),
        }
    }
}

/// Tells the person where to go. On standard error, also with `--quiet`: without it nobody could go on.
fn show(code: &Code) {
    let seconds = Duration::from_secs(code.expires_in).min(WAIT_MAX).as_secs();
    let (place, word) = (
        shortened(&code.verification_uri),
        shortened(&code.user_code),
    );
    match &code.verification_uri_complete {
        Some(whole) => tracing::warn!(
            "to log in, open {} and compare the code {word}; or open {place} and enter it, within {seconds} s",
            shortened(whole)
        ),
        None => {
            tracing::warn!("to log in, open {place} and enter the code {word} within {seconds} s");
        }
    }
}

/// A secret of this login: 64 characters, 244 bits of them by chance.
fn verifier() -> SecretString {
    let random = || Uuid::new_v4().simple().to_string();
    SecretString::from(format!("{}{}", random(), random()))
}

fn challenge(verifier: &SecretString) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose_secret().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_hides_its_verifier() {
        // RFC 7636, appendix B.
        let verifier_of_the_rfc = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into();
        let expected = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(challenge(&verifier_of_the_rfc), expected);
        let (one, other) = (verifier(), verifier());
        assert_eq!(one.expose_secret().len(), 64);
        assert_ne!(one.expose_secret(), other.expose_secret());
    }
}
