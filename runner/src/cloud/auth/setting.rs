//! What may be said about a login: a word that clouds.yaml, the `OS_*` variables, the command line and every hint share.
//!
//! Pure data. The invariant: a setting that no row has cannot be given, and so no hint can name it.

use super::method::AUTH_TYPES;

/// Something that may be said about a login.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its key in clouds.yaml, under `auth`.
    pub key: &'static str,
    /// Its flag, without the two hyphens: the key after `os-`, with hyphens.
    pub flag: &'static str,
    /// What it is, in words that fit behind "no".
    pub what: &'static str,
    /// What stands for its value in the help.
    pub value: &'static str,
    /// What the help says of it.
    pub help: &'static str,
    /// Whether nobody may see its value.
    pub is_secret: bool,
    /// Whether its variable also counts for a cloud that a file describes: so do the scope, and what is new for each run.
    pub is_over_files: bool,
}

impl Setting {
    /// The environment variable that says it.
    pub fn variable(&self) -> String {
        format!("OS_{}", self.key.to_uppercase())
    }

    pub(super) const fn of(
        key: &'static str,
        flag: &'static str,
        what: &'static str,
        value: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            key,
            flag,
            what,
            value,
            help,
            is_secret: false,
            is_over_files: false,
        }
    }

    pub(super) const fn secret(self) -> Self {
        Self {
            is_secret: true,
            ..self
        }
    }

    pub(super) const fn over_files(self) -> Self {
        Self {
            is_over_files: true,
            ..self
        }
    }
}

/// How to authenticate.
pub(super) static AUTH_TYPE: Setting = Setting::of(
    "auth_type",
    "os-auth-type",
    "auth_type",
    "TYPE",
    "How to authenticate: password, v3token, v3applicationcredential, v3totp and others; docs/authentication.md has them all",
);
/// Where Keystone is.
pub static AUTH_URL: Setting = Setting::of(
    "auth_url",
    "os-auth-url",
    "auth_url (the address of Keystone)",
    "URL",
    "Keystone's address",
);
pub(super) static USERNAME: Setting =
    Setting::of("username", "os-username", "user name", "NAME", "User");
pub(super) static USER_ID: Setting =
    Setting::of("user_id", "os-user-id", "user id", "ID", "User, by id");
pub(super) static USER_DOMAIN_NAME: Setting = Setting::of(
    "user_domain_name",
    "os-user-domain-name",
    "domain of the user",
    "NAME",
    "The user's domain",
)
.over_files();
pub(super) static USER_DOMAIN_ID: Setting = Setting::of(
    "user_domain_id",
    "os-user-domain-id",
    "domain of the user",
    "ID",
    "The user's domain, by id",
)
.over_files();
/// Who a user is.
pub(super) static USER: [&Setting; 4] = [&USERNAME, &USER_ID, &USER_DOMAIN_NAME, &USER_DOMAIN_ID];
pub(super) static PASSCODE: Setting = Setting::of(
    "passcode",
    "os-passcode",
    "passcode",
    "SECRET",
    "One-time passcode (TOTP); better in OS_PASSCODE",
)
.secret()
.over_files();
static PROJECT_NAME: Setting = Setting::of(
    "project_name",
    "os-project-name",
    "project",
    "NAME",
    "Project to get a token for",
)
.over_files();
static PROJECT_ID: Setting = Setting::of(
    "project_id",
    "os-project-id",
    "project",
    "ID",
    "Project to get a token for, by id",
)
.over_files();
static PROJECT_DOMAIN_NAME: Setting = Setting::of(
    "project_domain_name",
    "os-project-domain-name",
    "domain of the project",
    "NAME",
    "That project's domain",
)
.over_files();
static PROJECT_DOMAIN_ID: Setting = Setting::of(
    "project_domain_id",
    "os-project-domain-id",
    "domain of the project",
    "ID",
    "That project's domain, by id",
)
.over_files();
static DOMAIN_NAME: Setting = Setting::of(
    "domain_name",
    "os-domain-name",
    "domain",
    "NAME",
    "Domain to get a token for; beside a project, the domain of user and project",
)
.over_files();
static DOMAIN_ID: Setting = Setting::of(
    "domain_id",
    "os-domain-id",
    "domain",
    "ID",
    "The same, by id",
)
.over_files();
static DEFAULT_DOMAIN_NAME: Setting = Setting::of(
    "default_domain_name",
    "os-default-domain-name",
    "domain",
    "NAME",
    "Domain of user and project where none is given",
);
static DEFAULT_DOMAIN_ID: Setting = Setting::of(
    "default_domain_id",
    "os-default-domain-id",
    "domain",
    "ID",
    "The same, by id [default: default]",
);
static DEFAULT_DOMAIN: Setting = Setting::of(
    "default_domain",
    "os-default-domain",
    "domain",
    "ID",
    "The same, by the name that it has in the openstack command",
);
static SYSTEM_SCOPE: Setting = Setting::of(
    "system_scope",
    "os-system-scope",
    "scope",
    "all",
    "Get a token for the whole system",
);
static TRUST_ID: Setting = Setting::of(
    "trust_id",
    "os-trust-id",
    "trust",
    "ID",
    "Get a token by a trust, for its project and with its roles",
)
.over_files();

/// What every login may say.
static COMMON: [&Setting; 17] = [
    &AUTH_TYPE,
    &AUTH_URL,
    &USERNAME,
    &USER_ID,
    &USER_DOMAIN_NAME,
    &USER_DOMAIN_ID,
    &PROJECT_NAME,
    &PROJECT_ID,
    &PROJECT_DOMAIN_NAME,
    &PROJECT_DOMAIN_ID,
    &DOMAIN_NAME,
    &DOMAIN_ID,
    &DEFAULT_DOMAIN_NAME,
    &DEFAULT_DOMAIN_ID,
    &DEFAULT_DOMAIN,
    &SYSTEM_SCOPE,
    &TRUST_ID,
];

/// All that may be said about a login, each once: what every login may say, then what each way of authenticating adds.
pub fn login_settings() -> Vec<&'static Setting> {
    let mut settings: Vec<&'static Setting> = COMMON.to_vec();
    let of_types = AUTH_TYPES
        .iter()
        .flat_map(|it| it.needs.iter().chain(it.takes));
    for setting in of_types {
        if !settings.contains(setting) {
            settings.push(setting);
        }
    }
    settings
}

/// The setting of a key.
pub fn login_setting(key: &str) -> Option<&'static Setting> {
    login_settings().into_iter().find(|it| it.key == key)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_setting_is_one_word_everywhere() {
        let settings = login_settings();
        let keys: BTreeSet<&str> = settings.iter().map(|it| it.key).collect();
        assert_eq!(keys.len(), settings.len(), "two rows for one key");
        for setting in settings {
            let flag = format!("os-{}", setting.key.replace('_', "-"));
            assert_eq!(setting.flag, flag);
            assert_eq!(setting.is_secret, setting.value == "SECRET", "{flag}");
            assert_eq!(login_setting(setting.key), Some(setting));
        }
        assert_eq!(login_setting("tenancy"), None);
    }
}
