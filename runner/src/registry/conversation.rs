//! Talking to a registry: where things are, proving who we are, and how far redirects are followed.
//!
//! The invariant: a credential goes to the registry's own origin, or to one where the operator says that it gives tokens; and a
//! request to no origin but these.

use http_auth::parse_challenges;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use crate::cloud::{self, ErrorKind, Fetched, Fetcher, HttpLimits, PlainAuth};

use super::manifest::MANIFEST_TYPE;
use super::{Access, Reference, RegistryFlaw};

/// Redirects are for storage that a registry keeps elsewhere: one, and sometimes one more behind it.
const REDIRECTS_MAX: usize = 3;

const FOR_TOKENS: &str = "a token";
const FOR_CONTENT: &str = "what was asked for";

/// All that is asked of one registry about one reference.
pub(super) struct Conversation<'a> {
    reference: &'a Reference,
    access: &'a Access,
    limits: &'a HttpLimits,
    /// What the registry has accepted, or what it has not asked for.
    auth: PlainAuth,
}

/// What a token service answers. Both names are in use.
#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(
        reference: &'a Reference,
        access: &'a Access,
        limits: &'a HttpLimits,
    ) -> Self {
        Self {
            reference,
            access,
            limits,
            auth: PlainAuth::None,
        }
    }

    pub(super) async fn manifest(&mut self) -> Result<Fetched, RegistryFlaw> {
        let url = self.url(&format!("manifests/{}", self.reference.version()))?;
        let fetcher = self.fetcher(self.limits.response_bytes_max)?;
        self.get(&fetcher, url, MANIFEST_TYPE).await
    }

    /// A blob, if it has no more than `bytes_max` bytes.
    pub(super) async fn blob(
        &mut self,
        digest: &str,
        bytes_max: u64,
    ) -> Result<Vec<u8>, RegistryFlaw> {
        let url = self.url(&format!("blobs/{digest}"))?;
        let fetcher = self.fetcher(usize::try_from(bytes_max).unwrap_or(usize::MAX))?;
        Ok(self.get(&fetcher, url, "*/*").await?.body)
    }

    /// Asks for something, as often as proofs of identity and redirects make it necessary.
    async fn get(
        &mut self,
        fetcher: &Fetcher,
        mut url: Url,
        accept: &str,
    ) -> Result<Fetched, RegistryFlaw> {
        let home = url.origin();
        let mut redirects = 0;
        let mut has_proven = false;
        loop {
            let is_home = url.origin() == home;
            let auth = if is_home {
                &self.auth
            } else {
                &PlainAuth::None
            };
            let answer = fetcher.get(&url, accept, auth).await;
            let answer = answer.map_err(RegistryFlaw::NoAnswer)?;
            match answer.status {
                200 => return Ok(answer),
                401 if is_home && !has_proven => {
                    has_proven = true;
                    self.auth = self.proof(&answer).await?;
                }
                301 | 302 | 303 | 307 | 308 => {
                    redirects += 1;
                    if redirects > REDIRECTS_MAX {
                        return Err(RegistryFlaw::Redirect("without end"));
                    }
                    url = self.led_to(&url, answer.header("location"))?;
                }
                status @ (401 | 403) => return Err(RegistryFlaw::Denied(status)),
                404 => return Err(RegistryFlaw::Absent),
                status => {
                    let path = url.path().to_owned();
                    return Err(RegistryFlaw::Status { status, path });
                }
            }
        }
    }

    /// Where a redirect leads, if that is where we go.
    fn led_to(&self, from: &Url, location: Option<&str>) -> Result<Url, RegistryFlaw> {
        let to = location.and_then(|location| from.join(location).ok());
        let to = to.ok_or(RegistryFlaw::Redirect("to nowhere"))?;
        self.allowed(to, FOR_CONTENT)
    }

    fn allowed(&self, to: Url, purpose: &'static str) -> Result<Url, RegistryFlaw> {
        let is_home = self.url("")?.origin() == to.origin();
        let mut elsewhere = self.access.elsewhere.iter();
        if is_home || elsewhere.any(|origin| origin.0.origin() == to.origin()) {
            return Ok(to);
        }
        Err(RegistryFlaw::Elsewhere {
            registry: self.reference.registry().to_owned(),
            origin: to.origin().ascii_serialization(),
            purpose,
        })
    }

    /// What a 401 asks for: the password itself, or a token that is got with it, or without it where reading is free.
    async fn proof(&self, answer: &Fetched) -> Result<PlainAuth, RegistryFlaw> {
        let header = answer.header("www-authenticate").unwrap_or_default();
        let challenges = parse_challenges(header).unwrap_or_default();
        let of = |scheme: &str| {
            let mut challenges = challenges.iter();
            challenges.find(|it| it.scheme.eq_ignore_ascii_case(scheme))
        };
        if let Some(challenge) = of("Bearer") {
            let value = |name: &str| {
                let mut params = challenge.params.iter();
                let found = params.find(|(key, _)| key.eq_ignore_ascii_case(name));
                found.map(|(_, value)| value.to_unescaped())
            };
            let realm = value("realm").and_then(|realm| Url::parse(&realm).ok());
            let realm = realm.ok_or(RegistryFlaw::Challenge(
                "asks for a token, and does not say where to get one",
            ))?;
            return self.token(realm, value("service")).await;
        }
        match (of("Basic"), &self.access.auth) {
            (Some(_), PlainAuth::None) | (None, _) => Err(RegistryFlaw::Denied(401)),
            (Some(_), auth) => Ok(auth.clone()),
        }
    }

    async fn token(&self, realm: Url, service: Option<String>) -> Result<PlainAuth, RegistryFlaw> {
        let mut url = self.allowed(realm, FOR_TOKENS)?;
        // We ask for what we need, and not for what the registry would have us ask for.
        let scope = format!("repository:{}:pull", self.reference.repository());
        url.query_pairs_mut().append_pair("scope", &scope);
        if let Some(service) = &service {
            url.query_pairs_mut().append_pair("service", service);
        }
        let fetcher = self.fetcher(self.limits.response_bytes_max)?;
        let answer = fetcher
            .get(&url, "application/json", &self.access.auth)
            .await;
        let answer = answer.map_err(RegistryFlaw::NoAnswer)?;
        match answer.status {
            200 => {}
            status @ (401 | 403) => return Err(RegistryFlaw::Denied(status)),
            status => {
                let path = url.path().to_owned();
                return Err(RegistryFlaw::Status { status, path });
            }
        }
        let token: Option<Token> = serde_json::from_slice(&answer.body).ok();
        let token = token.and_then(|it| it.token.or(it.access_token));
        token
            .map(|token| PlainAuth::Bearer(SecretString::from(token)))
            .ok_or(RegistryFlaw::Challenge("gives a token that cannot be read"))
    }

    fn url(&self, below: &str) -> Result<Url, RegistryFlaw> {
        let plain_http = self.access.plain_http;
        let scheme = if plain_http.unwrap_or(self.reference.is_on_loopback()) {
            "http"
        } else {
            "https"
        };
        let (address, repository) = (self.reference.address(), self.reference.repository());
        let url = Url::parse(&format!("{scheme}://{address}/v2/{repository}/{below}"));
        url.map_err(|error| {
            let message = format!("{address} is no address of a server: {error}");
            RegistryFlaw::NoAnswer(cloud::Error::new(ErrorKind::Invalid, message))
        })
    }

    fn fetcher(&self, bytes_max: usize) -> Result<Fetcher, RegistryFlaw> {
        let limits = HttpLimits {
            response_bytes_max: bytes_max,
            ..self.limits.clone()
        };
        let Access { tls, proxies, .. } = self.access;
        let fetcher = Fetcher::new(self.reference.registry(), tls, proxies, limits);
        fetcher.map_err(RegistryFlaw::NoAnswer)
    }
}

#[cfg(test)]
mod tests {
    use crate::cloud::{Proxies, Tls};

    use super::*;

    #[test]
    fn tls_is_done_without_only_on_loopback_or_by_the_operators_word() {
        for (registry, plain_http, scheme) in [
            ("r.example.org", None, "https"),
            ("10.0.0.1:5000", None, "https"),
            ("127.0.0.1:5000", None, "http"),
            ("localhost", None, "http"),
            ("r.example.org", Some(true), "http"),
            ("127.0.0.1:5000", Some(false), "https"),
        ] {
            let reference = Reference::parse(&format!("oci://{registry}/a/b:1")).unwrap();
            let access = Access {
                auth: PlainAuth::None,
                tls: Tls::default(),
                proxies: Proxies::default(),
                plain_http,
                elsewhere: Vec::new(),
            };
            let limits = HttpLimits::default();
            let url = Conversation::new(&reference, &access, &limits).url("manifests/1");
            let expected = format!("{scheme}://{registry}/v2/a/b/manifests/1");
            assert_eq!(url.unwrap().as_str(), expected);
        }
    }
}
