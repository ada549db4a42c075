//! A token that was issued before.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::method::{AuthType, Factor, Proof};
use super::setting::Setting;

static TOKEN: Setting = Setting::of(
    "token",
    "os-token",
    "token",
    "SECRET",
    "Token; better in OS_TOKEN",
)
.secret()
.over_files();

pub(super) static TYPE: AuthType = AuthType {
    names: &["v3token", "token"],
    what: "token",
    needs: &[&TOKEN],
    takes: &[],
    ends: Some("a token gives none that outlives it"),
    is_bound: false,
    cure: "it has expired or was revoked; get a new one, for instance with `openstack token issue`",
    read: |given| Ok(Proof::Token(given.secret(&TOKEN)?)),
    factor: Some(|given| Ok(factor(&given.secret(&TOKEN)?))),
};

/// A token as the proof for another one.
pub(super) fn factor(token: &SecretString) -> Factor {
    Factor::new(&TYPE, "token", &json!({ "id": token.expose_secret() }))
}
