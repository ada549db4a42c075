//! OAuth 2.0 clients of Keystone's own: an application credential shown as a client, to `OS-OAUTH2/token`. The access token that
//! comes back is a token of Keystone's; services take it as one, or as a bearer token, whichever their middleware asks for.
//!
//! Source: Keystone's Identity API, "OS-OAUTH2"; keystonemiddleware, `oauth2_token` and `oauth2_mtls_token`.

use secrecy::SecretString;
use url::Url;

use super::given::{Given, Unfit};
use super::method::{AuthType, Proof};
use super::setting::Setting;

static ENDPOINT: Setting = Setting::of(
    "oauth2_endpoint",
    "os-oauth2-endpoint",
    "oauth2_endpoint (Keystone's token endpoint for OAuth 2.0)",
    "URL",
    "Keystone's token endpoint for OAuth 2.0: …/v3/OS-OAUTH2/token",
);
static CLIENT_ID: Setting = Setting::of(
    "oauth2_client_id",
    "os-oauth2-client-id",
    "id of the OAuth 2.0 client",
    "ID",
    "Client of Keystone's own OAuth 2.0: the application credential's id",
);
static CLIENT_SECRET: Setting = Setting::of(
    "oauth2_client_secret",
    "os-oauth2-client-secret",
    "secret of the OAuth 2.0 client",
    "SECRET",
    "Its secret; better in OS_OAUTH2_CLIENT_SECRET or secure.yaml",
)
.secret();

/// Who asks for an access token.
#[derive(Clone, Debug)]
pub(in crate::cloud) struct Client {
    /// Where.
    pub(super) endpoint: Url,
    pub(super) id: String,
    /// Without it the client is told by its certificate.
    pub(super) secret: Option<SecretString>,
}

pub(super) static CLIENT_CREDENTIAL: AuthType = AuthType {
    names: &["v3oauth2clientcredential"],
    what: "OAuth 2.0 client credential",
    needs: &[&ENDPOINT, &CLIENT_ID, &CLIENT_SECRET],
    takes: &[],
    ends: None,
    is_bound: true,
    cure: "check oauth2_endpoint, and the client's id and secret (OS_OAUTH2_CLIENT_ID, OS_OAUTH2_CLIENT_SECRET, or `auth` in \
           clouds.yaml): they are those of an application credential, which may have expired",
    read: |given| {
        Ok(Proof::Client(client(
            given,
            Some(given.secret(&CLIENT_SECRET)?),
        )?))
    },
    factor: None,
};

pub(super) static MTLS_CLIENT_CREDENTIAL: AuthType = AuthType {
    names: &["v3oauth2mtlsclientcredential"],
    what: "OAuth 2.0 client certificate",
    needs: &[&ENDPOINT, &CLIENT_ID],
    takes: &[],
    ends: None,
    is_bound: true,
    cure: "check oauth2_endpoint, the client's id (OS_OAUTH2_CLIENT_ID) and its certificate (`cert` and `key` in clouds.yaml, OS_CERT \
           and OS_KEY, --os-cert and --os-key)",
    read: |given| {
        if !given.has("cert") {
            return Err(Unfit::Value {
                setting: &CLIENT_ID,
                cause: "v3oauth2mtlsclientcredential tells a client by its certificate, and there is none: give `cert` and `key` \
                        (--os-cert, --os-key)"
                    .to_owned(),
            });
        }
        let client = client(given, None)?;
        if client.endpoint.scheme() != "https" {
            return Err(Unfit::Value {
                setting: &ENDPOINT,
                cause: "a certificate is shown by TLS only: it must begin with https://".to_owned(),
            });
        }
        Ok(Proof::Client(client))
    },
    factor: None,
};

fn client(given: &Given<'_>, secret: Option<SecretString>) -> Result<Client, Unfit> {
    let endpoint = given.url(&ENDPOINT)?;
    Ok(Client {
        endpoint: endpoint.ok_or(Unfit::Missing(&ENDPOINT))?,
        id: given.need(&CLIENT_ID)?.to_owned(),
        secret,
    })
}
