//! An application credential: a secret of a user's for one project, perhaps with access rules and an end.

use secrecy::ExposeSecret;
use serde_json::json;

use super::given::{Given, Unfit};
use super::method::{AuthType, Factor, Proof};
use super::setting::{self, Setting};
use crate::cloud::credentials::user_json;

static ID: Setting = Setting::of(
    "application_credential_id",
    "os-application-credential-id",
    "id of the application credential",
    "ID",
    "Application credential, by id",
);
static NAME: Setting = Setting::of(
    "application_credential_name",
    "os-application-credential-name",
    "name of the application credential",
    "NAME",
    "Application credential, by its name and its user",
);
static SECRET: Setting = Setting::of(
    "application_credential_secret",
    "os-application-credential-secret",
    "secret of the application credential",
    "SECRET",
    "Secret of the application credential; better in OS_APPLICATION_CREDENTIAL_SECRET or secure.yaml",
)
.secret();

pub(super) static TYPE: AuthType = AuthType {
    names: &[
        "v3applicationcredential",
        "application_credential",
        "applicationcredential",
    ],
    what: "application credential",
    needs: &[&SECRET],
    takes: &[
        &ID,
        &NAME,
        &setting::USERNAME,
        &setting::USER_ID,
        &setting::USER_DOMAIN_NAME,
        &setting::USER_DOMAIN_ID,
    ],
    ends: None,
    is_bound: true,
    cure: "check its id and secret (OS_APPLICATION_CREDENTIAL_ID, OS_APPLICATION_CREDENTIAL_SECRET, or `auth` in clouds.yaml), and \
           whether it has expired",
    read: |given| Ok(Proof::Factors(vec![factor(given)?])),
    factor: Some(factor),
};

fn factor(given: &Given<'_>) -> Result<Factor, Unfit> {
    let secret = given.secret(&SECRET)?;
    let secret = secret.expose_secret();
    let member = match (given.get(&ID), given.get(&NAME)) {
        (Some(id), _) => json!({ "id": id, "secret": secret }),
        (None, Some(name)) => {
            json!({ "name": name, "user": user_json(&given.user()?), "secret": secret })
        }
        (None, None) => return Err(Unfit::Missing(&ID)),
    };
    Ok(Factor::new(&TYPE, "application_credential", &member))
}
