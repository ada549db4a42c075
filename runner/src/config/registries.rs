//! Registries of rules: what the file says about one, and who we are there by it or by docker's own configuration.

use std::path::{Path, PathBuf};

use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};
use secrecy::SecretString;
use serde::Deserialize;

use crate::cloud::{Pem, PlainAuth, Tls};
use crate::registry::{Access, Origin, Reference};

use super::clouds::Surroundings;
use super::{Config, ConfigError};

/// What the operator says about one registry.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegistryConfig {
    /// User, instead of docker's.
    pub user: Option<String>,
    /// Environment variable that holds the user's password.
    pub password_env: Option<String>,
    /// PEM file with certificates of authorities to trust instead of the system's, or the text of one.
    pub cacert: Option<String>,
    /// Whether TLS is done without.
    pub plain_http: Option<bool>,
    /// Other origins that it may send us to, for tokens and blobs.
    pub elsewhere: Vec<Origin>,
}

impl Config {
    /// How a reference's registry is talked to, as whom.
    ///
    /// # Errors
    /// If a variable is not set, or a configuration of docker is there and cannot be understood.
    pub fn registry(
        &self,
        reference: &Reference,
        surroundings: &Surroundings,
    ) -> Result<Access, ConfigError> {
        let name = reference.registry();
        let unset = RegistryConfig::default();
        let config = self.registries.get(name).unwrap_or(&unset);
        let auth = config.auth(reference, surroundings);
        let auth = auth.map_err(|why| ConfigError::Registry {
            name: name.to_owned(),
            why,
        })?;
        Ok(Access {
            auth,
            tls: Tls {
                ca: config
                    .cacert
                    .as_ref()
                    .map(|it| Pem::of(it, |path| surroundings.cwd.join(path))),
                ..Tls::default()
            },
            proxies: self.proxies(surroundings)?,
            plain_http: config.plain_http,
            elsewhere: config.elsewhere.clone(),
        })
    }
}

impl RegistryConfig {
    fn auth(
        &self,
        reference: &Reference,
        surroundings: &Surroundings,
    ) -> Result<PlainAuth, String> {
        match (&self.user, &self.password_env) {
            (None, None) => of_docker(reference.address(), surroundings),
            (Some(user), Some(variable)) => Ok(PlainAuth::Basic {
                user: user.clone(),
                password: surroundings
                    .secret(variable)
                    .ok_or_else(|| format!("the environment variable {variable} is not set"))?,
            }),
            _ => Err("give both user and password_env, or none of them".to_owned()),
        }
    }
}

/// What `docker login` has left for a registry; nothing is no error, since most registries can be read by anybody.
fn of_docker(registry: &str, surroundings: &Surroundings) -> Result<PlainAuth, String> {
    let Some(file) = docker_file(surroundings) else {
        return Ok(PlainAuth::None);
    };
    let of_file = |why: String| format!("{} {why}", file.display());
    let content = match std::fs::read(&file) {
        Ok(content) => content,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(PlainAuth::None),
        Err(error) => return Err(of_file(format!("cannot be read: {error}"))),
    };
    match get_credential_from_reader(content.as_slice(), registry) {
        Ok(DockerCredential::UsernamePassword(user, password)) => Ok(PlainAuth::Basic {
            user,
            password: SecretString::from(password),
        }),
        Ok(DockerCredential::IdentityToken(_)) => Err(of_file(
            "has an identity token for it, and this runner knows only passwords: give user and password_env".to_owned(),
        )),
        Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(PlainAuth::None),
        // What the helpers of docker say, all alike, where they hold nothing for a registry.
        Err(CredentialRetrievalError::HelperFailure { stdout, stderr, .. })
            if [&stdout, &stderr].iter().any(|it| it.contains("credentials not found")) =>
        {
            Ok(PlainAuth::None)
        }
        Err(error) => Err(of_file(format!("gives no credential: {error}"))),
    }
}

fn docker_file(surroundings: &Surroundings) -> Option<PathBuf> {
    let folder = surroundings.env.get("DOCKER_CONFIG").map(PathBuf::from);
    let folder = folder.filter(|it| it != Path::new(""));
    let usual = || Some(surroundings.home.as_ref()?.join(".docker"));
    Some(folder.or_else(usual)?.join("config.json"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use secrecy::ExposeSecret;

    use super::*;

    /// A home with a configuration of docker in it.
    fn home(docker: &str) -> (tempfile::TempDir, Surroundings) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(".docker")).unwrap();
        std::fs::write(dir.path().join(".docker/config.json"), docker).unwrap();
        let surroundings = Surroundings {
            env: BTreeMap::from([("PASSWORD".to_owned(), "of the file".to_owned())]),
            cwd: dir.path().to_owned(),
            home: Some(dir.path().to_owned()),
            system_dirs: Vec::new(),
        };
        (dir, surroundings)
    }

    /// User and password, or the error's text.
    fn who(config: &str, docker: &str) -> Result<Option<(String, String)>, String> {
        let (_dir, surroundings) = home(docker);
        let config: Config = toml::from_str(config).unwrap();
        let reference = Reference::parse("oci://r.example.org/a:1").unwrap();
        match config.registry(&reference, &surroundings) {
            Ok(Access {
                auth: PlainAuth::Basic { user, password },
                ..
            }) => Ok(Some((user, password.expose_secret().to_owned()))),
            Ok(_) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn is(user: &str, password: &str) -> Option<(String, String)> {
        Some((user.to_owned(), password.to_owned()))
    }

    /// `u:p`, for one registry.
    const DOCKER: &str = r#"{"auths": {"r.example.org": {"auth": "dTpw"}}}"#;

    #[test]
    fn the_file_comes_before_docker_and_docker_before_nobody() {
        let ours = "[registries.\"r.example.org\"]\nuser = \"me\"\npassword_env = \"PASSWORD\"\n";
        assert_eq!(who(ours, DOCKER), Ok(is("me", "of the file")));
        assert_eq!(who("", DOCKER), Ok(is("u", "p")));
        assert_eq!(
            who("", r#"{"auths": {"other.example.org": {"auth": "dTpw"}}}"#),
            Ok(None)
        );
        assert_eq!(who("", "{}"), Ok(None));
    }

    #[test]
    fn without_a_configuration_of_docker_we_are_nobody() {
        let (dir, mut surroundings) = home("{}");
        let reference = Reference::parse("oci://r.example.org/a:1").unwrap();
        for home in [Some(dir.path().join("nowhere")), None] {
            surroundings.home = home;
            let access = Config::default()
                .registry(&reference, &surroundings)
                .unwrap();
            assert!(matches!(access.auth, PlainAuth::None));
        }
    }

    #[test]
    fn docker_may_keep_it_in_another_folder() {
        let (dir, mut surroundings) = home("{}");
        std::fs::write(dir.path().join("config.json"), DOCKER).unwrap();
        let folder = dir.path().to_string_lossy().into_owned();
        surroundings.env.insert("DOCKER_CONFIG".to_owned(), folder);
        let reference = Reference::parse("oci://r.example.org/a:1").unwrap();
        let access = Config::default()
            .registry(&reference, &surroundings)
            .unwrap();
        assert!(matches!(access.auth, PlainAuth::Basic { .. }));
    }

    #[test]
    fn what_cannot_be_understood_is_not_taken_for_nobody() {
        let half = "[registries.\"r.example.org\"]\nuser = \"me\"\n";
        let unset = "[registries.\"r.example.org\"]\nuser = \"me\"\npassword_env = \"NONE\"\n";
        let identity = r#"{"auths": {"r.example.org": {"identitytoken": "t"}}}"#;
        for (config, docker, words) in [
            (half, "{}", "both user and password_env"),
            (unset, "{}", "NONE is not set"),
            ("", "no JSON", "config.json gives no credential"),
            (
                "",
                r#"{"auths": {"r.example.org": {"auth": "?"}}}"#,
                "config.json gives no credential",
            ),
            ("", identity, "config.json has an identity token"),
            (
                "",
                r#"{"credHelpers": {"r.example.org": "of-nobody"}}"#,
                "config.json gives no credential",
            ),
        ] {
            let error = who(config, docker).unwrap_err();
            assert!(error.contains("[registries.\"r.example.org\"]"), "{error}");
            assert!(error.contains(words), "{words}: {error}");
        }
    }

    #[test]
    fn another_origin_is_scheme_host_and_port() {
        let config = |origin: &str| {
            toml::from_str::<Config>(&format!("[registries.\"r\"]\nelsewhere = [{origin:?}]\n"))
        };
        for origin in [
            "https://cdn.example.org",
            "http://127.0.0.1:5001",
            "https://cdn.example.org/",
        ] {
            assert!(config(origin).is_ok(), "{origin}");
        }
        for origin in [
            "cdn.example.org",
            "ftp://cdn.example.org",
            "https://cdn.example.org/path",
            "https://cdn.example.org?a=1",
            "https://u:p@cdn.example.org",
        ] {
            assert!(config(origin).is_err(), "{origin}");
        }
    }
}
