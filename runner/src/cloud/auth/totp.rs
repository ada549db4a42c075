//! A one-time passcode (TOTP, RFC 6238), alone or beside a password. It is shown once: a second time Keystone may refuse it, and
//! count that against the user.

use secrecy::ExposeSecret;
use serde_json::json;

use super::given::{Given, Unfit};
use super::method::{AuthType, Factor, Proof};
use super::setting::{self, PASSCODE};
use crate::cloud::credentials::user_json;

pub(super) static TYPE: AuthType = AuthType {
    names: &["v3totp"],
    what: "TOTP passcode",
    needs: &[&PASSCODE],
    takes: &setting::USER,
    ends: Some("a passcode is good for one login"),
    is_bound: false,
    cure: "check the user (OS_USERNAME, OS_USER_DOMAIN_NAME) and the scope, and give a new passcode (OS_PASSCODE): each is good \
           for one login within half a minute or so",
    read: |given| Ok(Proof::Factors(vec![factor(given)?])),
    factor: Some(factor),
};

fn factor(given: &Given<'_>) -> Result<Factor, Unfit> {
    let passcode = given.secret(&PASSCODE)?;
    let mut user = user_json(&given.user()?);
    if let Some(fields) = user.as_object_mut() {
        fields.insert("passcode".to_owned(), json!(passcode.expose_secret()));
    }
    Ok(Factor::new(&TYPE, "totp", &json!({ "user": user })))
}
