//! User and password.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::method::{AuthType, Factor, Proof};
use super::setting::{self, Setting};
use crate::cloud::UserRef;
use crate::cloud::credentials::user_json;

pub(super) static PASSWORD: Setting = Setting::of(
    "password",
    "os-password",
    "password",
    "SECRET",
    "Password; better in OS_PASSWORD or secure.yaml, where no process list shows it",
)
.secret();

pub(super) static TYPE: AuthType = AuthType {
    names: &["v3password", "password"],
    what: "password",
    needs: &[&PASSWORD],
    takes: &setting::USER,
    ends: None,
    is_bound: false,
    cure: "check user, password and their domain (OS_USERNAME, OS_PASSWORD, OS_USER_DOMAIN_NAME, or `auth` in clouds.yaml)",
    read: |given| {
        Ok(Proof::Factors(vec![factor(
            &given.user()?,
            &given.secret(&PASSWORD)?,
        )]))
    },
    factor: Some(|given| Ok(factor(&given.user()?, &given.secret(&PASSWORD)?))),
};

pub(super) fn factor(user: &UserRef, password: &SecretString) -> Factor {
    let mut user = user_json(user);
    if let Some(fields) = user.as_object_mut() {
        fields.insert("password".to_owned(), json!(password.expose_secret()));
    }
    Factor::new(&TYPE, "password", &json!({ "user": user }))
}
