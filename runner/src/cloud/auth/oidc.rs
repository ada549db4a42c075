//! OpenID Connect: an identity provider gives an access token, Keystone gives an unscoped token for it, and that one is exchanged for
//! one with a scope.
//!
//! Source: keystoneauth, `identity/v3/oidc.py`; Keystone's Identity API, "OS-FEDERATION".

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::device;
use super::given::{Given, Unfit};
use super::grant::{ClientProof, Granted, Grants, Ungranted};
use super::method::{AuthType, Proof};
use super::password::PASSWORD as USERS_PASSWORD;
use super::setting::{self, PASSCODE, Setting};
use crate::cloud::http::{Again, Answer};
use crate::cloud::{Context, Error, ErrorKind, headers};

static IDENTITY_PROVIDER: Setting = Setting::of(
    "identity_provider",
    "os-identity-provider",
    "identity provider",
    "NAME",
    "Identity provider, as Keystone calls it",
);
static PROTOCOL: Setting = Setting::of(
    "protocol",
    "os-protocol",
    "protocol of the identity provider",
    "NAME",
    "Its protocol, as Keystone calls it",
);
static CLIENT_ID: Setting = Setting::of(
    "client_id",
    "os-client-id",
    "id of the client",
    "ID",
    "Client of the identity provider",
);
static CLIENT_SECRET: Setting = Setting::of(
    "client_secret",
    "os-client-secret",
    "secret of the client",
    "SECRET",
    "Its secret; better in OS_CLIENT_SECRET or secure.yaml",
)
.secret();
static SCOPE: Setting = Setting::of(
    "openid_scope",
    "os-openid-scope",
    "scope at the identity provider",
    "WORDS",
    "What the provider is asked for [default: openid profile]",
);
static DISCOVERY_ENDPOINT: Setting = Setting::of(
    "discovery_endpoint",
    "os-discovery-endpoint",
    "discovery_endpoint or access_token_endpoint of the identity provider",
    "URL",
    "The provider's discovery document: …/.well-known/openid-configuration",
);
static TOKEN_ENDPOINT: Setting = Setting::of(
    "access_token_endpoint",
    "os-access-token-endpoint",
    "token endpoint of the identity provider",
    "URL",
    "The provider's token endpoint, in place of what that document says",
);
static TOKEN_TYPE: Setting = Setting::of(
    "access_token_type",
    "os-access-token-type",
    "kind of token for Keystone",
    "TYPE",
    "Which of the provider's tokens Keystone is shown: access_token (the default) or id_token",
);
static OTP_KEY: Setting = Setting::of(
    "idp_otp_key",
    "os-idp-otp-key",
    "name of the provider's field for a passcode",
    "NAME",
    "The provider's field for the passcode, if it asks for one",
);
static GIVEN_TOKEN: Setting = Setting::of(
    "access_token",
    "os-access-token",
    "access token",
    "SECRET",
    "Access token of an identity provider; better in OS_ACCESS_TOKEN",
)
.secret()
.over_files();
static DEVICE_ENDPOINT: Setting = Setting::of(
    "device_authorization_endpoint",
    "os-device-authorization-endpoint",
    "device authorization endpoint of the identity provider",
    "URL",
    "The provider's endpoint for devices, in place of what its discovery document says",
);
static CHALLENGE: Setting = Setting::of(
    "code_challenge_method",
    "os-code-challenge-method",
    "method of the code challenge",
    "METHOD",
    "Bind a device's login to this run (PKCE): S256",
);

/// All that stands for itself in a path.
const KEPT_IN_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

const DEFAULT_SCOPE: &str = "openid profile";

/// A login at an identity provider.
#[derive(Clone, Debug)]
pub(in crate::cloud) struct Login {
    /// Keystone's names for who vouches and how.
    identity_provider: String,
    protocol: String,
    grant: Grant,
}

/// How an access token is come by.
#[derive(Clone, Debug)]
enum Grant {
    Given(SecretString),
    Asked(Box<Asking>),
}

#[derive(Clone, Debug)]
struct Asking {
    discovery: Option<Url>,
    endpoint: Option<Url>,
    client_id: String,
    client_secret: Option<SecretString>,
    scope: String,
    is_id_token: bool,
    by: By,
}

/// What is shown to the provider.
#[derive(Clone, Debug)]
enum By {
    Client,
    Password {
        username: String,
        password: SecretString,
        /// The provider's field for a passcode, and the passcode.
        passcode: Option<(String, SecretString)>,
    },
    Device {
        endpoint: Option<Url>,
        is_bound: bool,
    },
}

pub(super) static CLIENT_CREDENTIALS: AuthType = AuthType {
    names: &["v3oidcclientcredentials"],
    what: "client of the identity provider",
    needs: &[&IDENTITY_PROVIDER, &PROTOCOL, &CLIENT_ID, &CLIENT_SECRET],
    takes: &[&DISCOVERY_ENDPOINT, &TOKEN_ENDPOINT, &SCOPE, &TOKEN_TYPE],
    ends: None,
    is_bound: false,
    cure: "check the client's id and secret (OS_CLIENT_ID, OS_CLIENT_SECRET, or `auth` in clouds.yaml), whether the secret has \
           expired, identity_provider and protocol",
    read: |given| asking(given, By::Client, Some(given.secret(&CLIENT_SECRET)?)),
    factor: None,
};

pub(super) static PASSWORD: AuthType = AuthType {
    names: &["v3oidcpassword"],
    what: "password at the identity provider",
    needs: &[
        &IDENTITY_PROVIDER,
        &PROTOCOL,
        &CLIENT_ID,
        &setting::USERNAME,
        &USERS_PASSWORD,
    ],
    takes: &[
        &CLIENT_SECRET,
        &DISCOVERY_ENDPOINT,
        &TOKEN_ENDPOINT,
        &SCOPE,
        &TOKEN_TYPE,
        &OTP_KEY,
        &PASSCODE,
    ],
    ends: None,
    is_bound: false,
    cure: "check user and password (OS_USERNAME, OS_PASSWORD), the client's id and secret (OS_CLIENT_ID, OS_CLIENT_SECRET), \
           identity_provider and protocol",
    read: |given| {
        let passcode = match given.get(&OTP_KEY) {
            Some(field) => Some((field.to_owned(), given.secret(&PASSCODE)?)),
            None => None,
        };
        let by = By::Password {
            username: given.need(&setting::USERNAME)?.to_owned(),
            password: given.secret(&USERS_PASSWORD)?,
            passcode,
        };
        asking(given, by, given.get(&CLIENT_SECRET).map(SecretString::from))
    },
    factor: None,
};

pub(super) static ACCESS_TOKEN: AuthType = AuthType {
    names: &["v3oidcaccesstoken"],
    what: "access token of the identity provider",
    needs: &[&IDENTITY_PROVIDER, &PROTOCOL, &GIVEN_TOKEN],
    takes: &[],
    ends: Some("only the identity provider gives another access token"),
    is_bound: false,
    cure: "it may have expired, so give a new one (OS_ACCESS_TOKEN); check identity_provider and protocol",
    read: |given| {
        Ok(Proof::Provider(Login {
            identity_provider: given.need(&IDENTITY_PROVIDER)?.to_owned(),
            protocol: given.need(&PROTOCOL)?.to_owned(),
            grant: Grant::Given(given.secret(&GIVEN_TOKEN)?),
        }))
    },
    factor: None,
};

pub(super) static DEVICE: AuthType = AuthType {
    names: &["v3oidcdeviceauthz"],
    what: "login by a device code",
    needs: &[&IDENTITY_PROVIDER, &PROTOCOL, &CLIENT_ID],
    takes: &[
        &CLIENT_SECRET,
        &DISCOVERY_ENDPOINT,
        &TOKEN_ENDPOINT,
        &DEVICE_ENDPOINT,
        &SCOPE,
        &TOKEN_TYPE,
        &CHALLENGE,
    ],
    ends: Some("a person has to log in for another one"),
    is_bound: false,
    cure: "check the client's id (OS_CLIENT_ID), identity_provider and protocol, and log in with the code that is shown",
    read: |given| {
        let challenge = given.get(&CHALLENGE);
        if challenge.is_some_and(|it| it != "S256") {
            return Err(Unfit::Value {
                setting: &CHALLENGE,
                cause: "the only method that hides anything is S256: use that, or leave it out"
                    .to_owned(),
            });
        }
        let by = By::Device {
            endpoint: given.url(&DEVICE_ENDPOINT)?,
            is_bound: challenge.is_some(),
        };
        asking(given, by, given.get(&CLIENT_SECRET).map(SecretString::from))
    },
    factor: None,
};

fn asking(given: &Given<'_>, by: By, client_secret: Option<SecretString>) -> Result<Proof, Unfit> {
    let is_id_token = match given.get(&TOKEN_TYPE) {
        None | Some("access_token") => false,
        Some("id_token") => true,
        Some(_) => {
            return Err(Unfit::Value {
                setting: &TOKEN_TYPE,
                cause: "use access_token or id_token".to_owned(),
            });
        }
    };
    let (discovery, endpoint) = (given.url(&DISCOVERY_ENDPOINT)?, given.url(&TOKEN_ENDPOINT)?);
    let has_device_endpoint = !matches!(by, By::Device { endpoint: None, .. });
    if discovery.is_none() && !(endpoint.is_some() && has_device_endpoint) {
        let missing = match endpoint {
            Some(_) => &DEVICE_ENDPOINT,
            None => &DISCOVERY_ENDPOINT,
        };
        return Err(Unfit::Missing(missing));
    }
    let asking = Asking {
        discovery,
        endpoint,
        client_id: given.need(&CLIENT_ID)?.to_owned(),
        client_secret,
        scope: given.get(&SCOPE).unwrap_or(DEFAULT_SCOPE).to_owned(),
        is_id_token,
        by,
    };
    Ok(Proof::Provider(Login {
        identity_provider: given.need(&IDENTITY_PROVIDER)?.to_owned(),
        protocol: given.need(&PROTOCOL)?.to_owned(),
        grant: Grant::Asked(Box::new(asking)),
    }))
}

impl Login {
    /// Whether it takes a passcode, which is good once.
    pub(super) fn has_passcode(&self) -> bool {
        let Grant::Asked(asking) = &self.grant else {
            return false;
        };
        matches!(
            &asking.by,
            By::Password {
                passcode: Some(_),
                ..
            }
        )
    }

    /// Where Keystone takes the provider's word.
    pub(super) fn path(&self) -> String {
        let segment = |text| utf8_percent_encode(text, KEPT_IN_SEGMENT).to_string();
        format!(
            "/v3/OS-FEDERATION/identity_providers/{}/protocols/{}/auth",
            segment(&self.identity_provider),
            segment(&self.protocol)
        )
    }

    /// Why there is nobody where Keystone takes the provider's word.
    pub(super) fn unfederated(&self, answer: &Answer, context: &Context) -> Error {
        let (provider, protocol) = (&self.identity_provider, &self.protocol);
        let message = match answer.status {
            404 | 405 => format!(
                "Keystone knows no identity provider `{provider}` with the protocol `{protocol}`: check identity_provider \
                 (OS_IDENTITY_PROVIDER) and protocol (OS_PROTOCOL)"
            ),
            status => format!(
                "Keystone does not take the access token of the identity provider `{provider}` by the protocol `{protocol}` but \
                 sends us elsewhere ({status}): its web server is not set up for bearer tokens there, or the protocol is another one"
            ),
        };
        Error::new(ErrorKind::Invalid, message)
            .during(context)
            .answered(answer.status, headers::request_id(&answer.headers))
    }

    /// Gets an access token.
    pub(super) async fn access_token(&self, grants: &Grants<'_>) -> Result<SecretString, Error> {
        match &self.grant {
            Grant::Given(token) => Ok(token.clone()),
            Grant::Asked(asking) => asking.access_token(grants).await,
        }
    }
}

impl Asking {
    async fn access_token(&self, grants: &Grants<'_>) -> Result<SecretString, Error> {
        let discovered = match &self.discovery {
            Some(url) => grants.discover(url).await?,
            None => super::grant::Discovered::default(),
        };
        let grant_type = self.by.grant_type();
        if !discovered.has_grant(grant_type) {
            let message = format!(
                "the identity provider does not offer {grant_type}: use another auth_type than {}",
                grants.auth.kind().name()
            );
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        let endpoint = match &self.endpoint {
            Some(url) => url.clone(),
            None => discovered.token_endpoint()?,
        };
        let client = ClientProof {
            id: &self.client_id,
            secret: self.client_secret.as_ref(),
        };
        let granted = match &self.by {
            By::Device {
                endpoint: at,
                is_bound,
            } => {
                let at = match at {
                    Some(url) => url.clone(),
                    None => discovered.device_endpoint()?,
                };
                let places = device::Places {
                    device: &at,
                    token: &endpoint,
                };
                device::log_in(grants, &places, client, &self.scope, *is_bound).await?
            }
            By::Client | By::Password { .. } => {
                let granted = self.ask(grants, &endpoint, client).await;
                granted.map_err(Ungranted::into_error)?
            }
        };
        let token = if self.is_id_token {
            granted.id_token
        } else {
            granted.access_token
        };
        token.ok_or_else(|| {
            let what = if self.is_id_token { "id_token" } else { "access_token" };
            let message = format!("the identity provider's answer has no {what}: check access_token_type and openid_scope");
            Error::new(ErrorKind::Malformed, message)
        })
    }

    async fn ask(
        &self,
        grants: &Grants<'_>,
        endpoint: &Url,
        client: ClientProof<'_>,
    ) -> Result<Granted, Ungranted> {
        let mut form = vec![
            ("grant_type", self.by.grant_type()),
            ("scope", self.scope.as_str()),
        ];
        let mut again = Again::Nothing;
        if let By::Password {
            username,
            password,
            passcode,
        } = &self.by
        {
            form.push(("username", username));
            form.push(("password", password.expose_secret()));
            if let Some((field, passcode)) = passcode {
                form.push((field, passcode.expose_secret()));
                again = Again::Acts;
            }
        }
        grants.grant(endpoint, client, &form, again).await
    }
}

impl By {
    fn grant_type(&self) -> &'static str {
        match self {
            Self::Client => "client_credentials",
            Self::Password { .. } => "password",
            Self::Device { .. } => device::GRANT_TYPE,
        }
    }
}
