//! Which cloud, as whom.

use clap::Args;
use secrecy::SecretString;

use crate::config::clouds::CloudOptions;

/// Which cloud, as whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cloud")]
pub(in crate::cli) struct CloudArgs {
    /// Cloud in clouds.yaml [default: OS_CLOUD, the OS_* variables, or the only one]
    #[arg(long = "os-cloud", global = true, value_name = "NAME", visible_aliases = ["cloud", "deployment"])]
    os_cloud: Option<String>,
    /// Region
    #[arg(long, global = true, value_name = "NAME")]
    os_region_name: Option<String>,
    /// Which endpoints of the catalog: public, internal or admin
    #[arg(long, global = true, value_name = "INTERFACE")]
    os_interface: Option<String>,
    // A PEM text begins with hyphens; refusing it as an unknown flag would show it.
    /// File with certificates of authorities to trust
    #[arg(long, global = true, value_name = "FILE", allow_hyphen_values = true)]
    os_cacert: Option<String>,
    /// File with a client certificate
    #[arg(long, global = true, value_name = "FILE", allow_hyphen_values = true)]
    os_cert: Option<String>,
    /// File with the client certificate's key
    #[arg(long, global = true, value_name = "FILE", allow_hyphen_values = true)]
    os_key: Option<String>,
    /// Do not verify the servers' certificates
    #[arg(long, global = true)]
    insecure: bool,
    #[arg(
        long,
        global = true,
        value_name = "TYPE",
        hide_short_help = true,
        help = "How to authenticate: password, token, application credential"
    )]
    os_auth_type: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "URL",
        hide_short_help = true,
        help = "Keystone's address"
    )]
    os_auth_url: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        hide_short_help = true,
        help = "User"
    )]
    os_username: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "ID",
        hide_short_help = true,
        help = "User, by id"
    )]
    os_user_id: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        hide_short_help = true,
        help = "The user's domain"
    )]
    os_user_domain_name: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "ID",
        hide_short_help = true,
        help = "The user's domain, by id"
    )]
    os_user_domain_id: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        hide_short_help = true,
        help = "Project to get a token for"
    )]
    os_project_name: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "ID",
        hide_short_help = true,
        help = "Project to get a token for, by id"
    )]
    os_project_id: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        hide_short_help = true,
        help = "That project's domain"
    )]
    os_project_domain_name: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "ID",
        hide_short_help = true,
        help = "That project's domain, by id"
    )]
    os_project_domain_id: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "all",
        hide_short_help = true,
        help = "Get a token for the whole system"
    )]
    os_system_scope: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "SECRET",
        hide_short_help = true,
        hide_env_values = true,
        help = "Password; better in OS_PASSWORD or secure.yaml, where no process list shows it"
    )]
    os_password: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "SECRET",
        hide_short_help = true,
        help = "Token; better in OS_TOKEN"
    )]
    os_token: Option<String>,
}

impl CloudArgs {
    /// The flags that were given, as they are written.
    pub(in crate::cli) fn given(&self) -> Vec<&'static str> {
        let flags = [
            ("--os-cloud", self.os_cloud.is_some()),
            ("--os-region-name", self.os_region_name.is_some()),
            ("--os-interface", self.os_interface.is_some()),
            ("--os-cacert", self.os_cacert.is_some()),
            ("--os-cert", self.os_cert.is_some()),
            ("--os-key", self.os_key.is_some()),
            ("--insecure", self.insecure),
            ("--os-auth-type", self.os_auth_type.is_some()),
            ("--os-auth-url", self.os_auth_url.is_some()),
            ("--os-username", self.os_username.is_some()),
            ("--os-user-id", self.os_user_id.is_some()),
            ("--os-user-domain-name", self.os_user_domain_name.is_some()),
            ("--os-user-domain-id", self.os_user_domain_id.is_some()),
            ("--os-project-name", self.os_project_name.is_some()),
            ("--os-project-id", self.os_project_id.is_some()),
            (
                "--os-project-domain-name",
                self.os_project_domain_name.is_some(),
            ),
            (
                "--os-project-domain-id",
                self.os_project_domain_id.is_some(),
            ),
            ("--os-system-scope", self.os_system_scope.is_some()),
            ("--os-password", self.os_password.is_some()),
            ("--os-token", self.os_token.is_some()),
        ];
        let given = flags.into_iter().filter(|(_, is_given)| *is_given);
        given.map(|(flag, _)| flag).collect()
    }

    pub(in crate::cli) fn options(&self) -> CloudOptions {
        let secret = |text: &Option<String>| text.clone().map(SecretString::from);
        CloudOptions {
            cloud: self.os_cloud.clone(),
            region_name: self.os_region_name.clone(),
            interface: self.os_interface.clone(),
            cacert: self.os_cacert.clone(),
            cert: self.os_cert.clone(),
            key: self.os_key.clone(),
            insecure: self.insecure.then_some(true),
            auth_type: self.os_auth_type.clone(),
            auth_url: self.os_auth_url.clone(),
            username: self.os_username.clone(),
            user_id: self.os_user_id.clone(),
            user_domain_id: self.os_user_domain_id.clone(),
            user_domain_name: self.os_user_domain_name.clone(),
            password: secret(&self.os_password),
            token: secret(&self.os_token),
            project_id: self.os_project_id.clone(),
            project_name: self.os_project_name.clone(),
            project_domain_id: self.os_project_domain_id.clone(),
            project_domain_name: self.os_project_domain_name.clone(),
            system_scope: self.os_system_scope.clone(),
            ..CloudOptions::default()
        }
    }
}
