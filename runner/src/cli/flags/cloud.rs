//! Which cloud, as whom.

use std::collections::BTreeMap;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use secrecy::SecretString;

use crate::cloud::login_settings;
use crate::config::clouds::CloudOptions;

const HEADING: &str = "Cloud";

/// Which cloud, as whom.
#[derive(Debug, Args)]
#[command(next_help_heading = HEADING)]
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
    /// Verify them, whatever the cloud's entry says
    #[arg(
        long,
        global = true,
        conflicts_with = "insecure",
        hide_short_help = true
    )]
    verify: bool,
    #[command(flatten)]
    login: LoginArgs,
}

/// What may be said about the login: a flag for each row of the table of settings.
#[derive(Debug)]
struct LoginArgs(BTreeMap<&'static str, SecretString>);

impl Args for LoginArgs {
    fn augment_args(command: Command) -> Command {
        let flags = login_settings().into_iter().map(|setting| {
            Arg::new(setting.flag)
                .long(setting.flag)
                .global(true)
                .value_name(setting.value)
                .hide_short_help(true)
                .help_heading(HEADING)
                .help(setting.help)
        });
        command.args(flags)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for LoginArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = login_settings().into_iter().filter_map(|setting| {
            let value = matches.get_one::<String>(setting.flag)?;
            Some((setting.key, SecretString::from(value.as_str())))
        });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl CloudArgs {
    /// The flags that were given, as they are written.
    pub(in crate::cli) fn given(&self) -> Vec<String> {
        let flags = [
            ("os-cloud", self.os_cloud.is_some()),
            ("os-region-name", self.os_region_name.is_some()),
            ("os-interface", self.os_interface.is_some()),
            ("os-cacert", self.os_cacert.is_some()),
            ("os-cert", self.os_cert.is_some()),
            ("os-key", self.os_key.is_some()),
            ("insecure", self.insecure),
        ];
        let of_login = login_settings().into_iter();
        let of_login = of_login.map(|it| (it.flag, self.login.0.contains_key(it.key)));
        let given = flags.into_iter().chain(of_login);
        given
            .filter(|(_, is_given)| *is_given)
            .map(|(flag, _)| format!("--{flag}"))
            .collect()
    }

    pub(in crate::cli) fn options(&self) -> CloudOptions {
        CloudOptions {
            cloud: self.os_cloud.clone(),
            region_name: self.os_region_name.clone(),
            interface: self.os_interface.clone(),
            cacert: self.os_cacert.clone(),
            cert: self.os_cert.clone(),
            key: self.os_key.clone(),
            insecure: (self.insecure || self.verify).then_some(self.insecure),
            login: self.login.0.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    use clap::CommandFactory;
    use regex::Regex;

    use crate::cli::commands::Cli;

    use super::*;

    /// Variables that say something else than a login.
    const OTHERS: &[&str] = &[
        "OS_CLOUD",
        "OS_CLOUD_NAME",
        "OS_CLIENT_CONFIG_FILE",
        "OS_CLIENT_SECURE_FILE",
        "OS_REGION_NAME",
        "OS_CERT",
        "OS_KEY",
        "OS_CACERT",
        // Prefixes, and an alias.
        "OS_TEST",
        "OS_STD",
        "OS_LOG",
        "OS_AUTH_TOKEN",
    ];

    fn product() -> Vec<(PathBuf, String)> {
        let mut open = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("runner/src")];
        let mut files =
            vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/authentication.md")];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else if path.extension().is_some_and(|it| it == "rs") {
                    files.push(path);
                }
            }
        }
        let product = files.into_iter().map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text
                .split("#[cfg(test)]")
                .next()
                .unwrap_or_default()
                .to_owned();
            (path, code)
        });
        product
            .filter(|(path, _)| !path.to_string_lossy().contains("tests"))
            .collect()
    }

    #[test]
    fn no_hint_names_a_flag_or_a_variable_that_is_not_there() {
        let command = Cli::command();
        let flags: BTreeSet<String> = command
            .get_arguments()
            .filter_map(|it| it.get_long().map(str::to_owned))
            .collect();
        assert!(flags.contains("os-passcode") && flags.contains("os-cloud"));
        let mut variables: BTreeSet<String> = OTHERS.iter().map(|it| (*it).to_owned()).collect();
        variables.extend(login_settings().iter().map(|it| it.variable()));
        let flag = Regex::new(r"--(os-[a-z0-9-]*[a-z0-9])").unwrap();
        let variable = Regex::new(r"\b(OS_[A-Z0-9_]*[A-Z0-9])").unwrap();
        let mut wrong = Vec::new();
        for (path, text) in product() {
            let named = |regex: &Regex, known: &BTreeSet<String>| -> Vec<String> {
                let all = regex.captures_iter(&text).map(|it| it[1].to_owned());
                all.filter(|it| !known.contains(it)).collect()
            };
            for word in [named(&flag, &flags), named(&variable, &variables)].concat() {
                wrong.push(format!("{}: {word}", path.display()));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn certificates_are_verified_or_not_and_never_both() {
        let given = |flags: &[&str]| {
            let words = [&["runner", "doctor"], flags].concat();
            let cli = <Cli as clap::Parser>::try_parse_from(words).ok()?;
            Some(cli.common.cloud.options().insecure)
        };
        assert_eq!(given(&[]), Some(None));
        assert_eq!(given(&["--insecure"]), Some(Some(true)));
        assert_eq!(given(&["--verify"]), Some(Some(false)));
        assert_eq!(given(&["--verify", "--insecure"]), None);
    }

    #[test]
    fn each_setting_is_a_flag_and_is_heard() {
        for setting in login_settings() {
            let flag = format!("--{}", setting.flag);
            let cli = <Cli as clap::Parser>::try_parse_from(["runner", "doctor", &flag, "value"])
                .unwrap();
            let options = cli.common.cloud.options();
            assert_eq!(options.login.len(), 1, "{flag}");
            assert!(options.login.contains_key(setting.key), "{flag}");
        }
    }
}
