//! Table tests of cloud resolution: files in a temporary directory, everything else handed in.

mod logins;
mod refusals;

use std::fs;

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::cloud::{DomainRef, Interface, Pem, TokenScope};

const CLOUDS: &str = r"
cache: {auth: true}
clouds:
  devstack: &dev
    auth: &auth {auth_url: http://k:5000/v3, username: ann, password: 0123, project_name: web, user_domain_id: default, project_domain_name: Default}
    region_name: RegionOne
    identity_api_version: 3
    compute_default_microversion: '2.90'
    networks: [{name: public, routes_externally: true}]
  merged:
    <<: *dev
    region_name: RegionTwo
  many:
    auth: {<<: *auth, project_name: ops}
    regions:
    - East
    - {name: West, values: {auth: {project_name: ops-west}, interface: internal}}
";

/// A working directory, with files written into it.
struct Place {
    directory: TempDir,
    surroundings: Surroundings,
}

impl Place {
    fn new(files: &[(&str, &str)], env: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let root = directory.path();
        let surroundings = Surroundings {
            env: env
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            cwd: root.join("work"),
            home: Some(root.join("home")),
            system_dirs: vec![root.join("etc")],
        };
        Self {
            directory,
            surroundings,
        }
    }

    fn resolve(&self, options: &CloudOptions) -> Result<CloudConfig, Error> {
        resolve(options, &self.surroundings)
    }
}

fn named(cloud: &str) -> CloudOptions {
    CloudOptions {
        cloud: Some(cloud.into()),
        ..CloudOptions::default()
    }
}

fn keystone(config: &CloudConfig) -> &crate::cloud::KeystoneConfig {
    config.keystone.as_ref().unwrap()
}

/// What Keystone would be shown first.
fn identity(config: &CloudConfig) -> Value {
    let body = keystone(config).first_request().unwrap();
    let body: Value = serde_json::from_str(body.expose_secret()).unwrap();
    body["auth"]["identity"].clone()
}

/// The user and his password, as they would be shown.
fn user(config: &CloudConfig) -> Value {
    identity(config)["password"]["user"].clone()
}

fn project(config: &CloudConfig) -> Option<String> {
    match &keystone(config).scope {
        TokenScope::Project { id, name, .. } => name.clone().or(id.clone()),
        TokenScope::Domain(_)
        | TokenScope::System
        | TokenScope::Trust(_)
        | TokenScope::Unscoped => None,
    }
}

const ENV_CLOUD: &[(&str, &str)] = &[
    ("OS_AUTH_URL", "http://env:5000"),
    ("OS_USERNAME", "eve"),
    ("OS_PASSWORD", "pw"),
    ("OS_PROJECT_NAME", "envproject"),
];

#[test]
fn a_cloud_is_read_with_its_scalars_as_written() {
    let place = Place::new(&[("work/clouds.yaml", CLOUDS)], &[]);
    let config = place.resolve(&named("devstack")).unwrap();
    let keystone = keystone(&config);
    assert_eq!(keystone.auth_url.as_str(), "http://k:5000/v3");
    assert_eq!(
        user(&config),
        json!({ "name": "ann", "domain": { "id": "default" }, "password": "0123" })
    );
    let domain = Some(DomainRef::Name("Default".into()));
    assert_eq!(
        keystone.scope,
        TokenScope::Project {
            id: None,
            name: Some("web".into()),
            domain
        }
    );
    assert_eq!(
        (config.region.as_deref(), config.interfaces.as_slice()),
        (Some("RegionOne"), &[Interface::Public][..])
    );
    assert!(config.tls.verify);
    assert!(!format!("{config:?}").contains("0123"));
    assert_eq!(
        place.resolve(&named("merged")).unwrap().region.as_deref(),
        Some("RegionTwo")
    );
}

#[test]
fn files_are_searched_in_order_and_not_mixed() {
    let one = |name: &str| {
        format!(
            "clouds: {{{name}: {{auth: {{auth_url: 'http://{name}', username: u, password: p}}}}}}"
        )
    };
    let (work, user, system) = (one("work"), one("user"), one("system"));
    let all = [
        ("work/clouds.yml", work.as_str()),
        ("home/.config/openstack/clouds.yaml", user.as_str()),
        ("etc/clouds.json", system.as_str()),
    ];
    for (files, expected) in [
        (&all[..], "work"),
        (&all[1..], "user"),
        (&all[2..], "system"),
    ] {
        assert_eq!(
            Place::new(files, &[])
                .resolve(&CloudOptions::default())
                .unwrap()
                .name,
            expected
        );
    }
    assert!(matches!(
        Place::new(&all, &[]).resolve(&named("user")),
        Err(Error::UnknownCloud { .. })
    ));
    let elsewhere = [
        ("xdg/openstack/clouds.yaml", user.as_str()),
        ("etc/clouds.yaml", system.as_str()),
    ];
    let mut place = Place::new(&elsewhere, &[]);
    let xdg = place.directory.path().join("xdg").display().to_string();
    place.surroundings.env.insert("XDG_CONFIG_HOME".into(), xdg);
    assert_eq!(
        place.resolve(&CloudOptions::default()).unwrap().name,
        "user"
    );
    let chosen = Place::new(
        &[&all[..], &[("home/my.yaml", &one("mine"))]].concat(),
        &[("OS_CLIENT_CONFIG_FILE", "~/my.yaml")],
    );
    assert_eq!(
        chosen.resolve(&CloudOptions::default()).unwrap().name,
        "mine"
    );
}

#[test]
fn secure_yaml_is_laid_over_key_by_key() {
    let secure =
        "clouds: {devstack: {auth: {password: better}}, other: {auth: {auth_url: http://o}}}";
    let place = Place::new(
        &[("work/clouds.yaml", CLOUDS), ("etc/secure.yaml", secure)],
        &[],
    );
    let config = place.resolve(&named("devstack")).unwrap();
    let ann = user(&config);
    assert_eq!(
        (&ann["name"], &ann["password"]),
        (&json!("ann"), &json!("better"))
    );
    let known = place.resolve(&named("othr")).unwrap_err().to_string();
    assert!(known.contains("did you mean `other`?"), "{known}");
}

#[test]
fn the_cloud_is_chosen_by_rule() {
    let single = "clouds: {only: {auth: {auth_url: http://k, username: u, password: p}}}";
    let with = |first: &[(&'static str, &'static str)]| [first, ENV_CLOUD].concat();
    for (file, env, options, expected) in [
        (CLOUDS, with(&[]), named("many"), "many"),
        (
            CLOUDS,
            with(&[("OS_CLOUD", "devstack")]),
            named("many"),
            "many",
        ),
        (
            CLOUDS,
            with(&[("OS_CLOUD", "devstack")]),
            CloudOptions::default(),
            "devstack",
        ),
        (CLOUDS, with(&[]), CloudOptions::default(), "envvars"),
        (
            CLOUDS,
            with(&[("OS_CLOUD_NAME", "mine")]),
            CloudOptions::default(),
            "mine",
        ),
        (
            CLOUDS,
            with(&[("OS_CLOUD", "envvars")]),
            CloudOptions::default(),
            "envvars",
        ),
        (
            single,
            vec![
                ("OS_REGION_NAME", "R"),
                ("OS_TEST_X", "1"),
                ("OS_USERNAME", ""),
            ],
            CloudOptions::default(),
            "only",
        ),
    ] {
        let place = Place::new(&[("work/clouds.yaml", file)], &env);
        assert_eq!(place.resolve(&options).unwrap().name, expected, "{env:?}");
    }
    let undecided = Place::new(&[("work/clouds.yaml", CLOUDS)], &[])
        .resolve(&CloudOptions::default())
        .unwrap_err();
    assert!(
        undecided.to_string().contains("devstack, many, merged"),
        "{undecided}"
    );
    let clash = Place::new(
        &[("work/clouds.yaml", CLOUDS)],
        &[("OS_CLOUD_NAME", "many")],
    )
    .resolve(&named("many"));
    assert!(matches!(clash, Err(Error::NameClash { .. })));
    let by_flags = CloudOptions::default()
        .with("auth_url", "http://k")
        .with("username", "u")
        .with("password", "p");
    assert_eq!(
        Place::new(&[], &[]).resolve(&by_flags).unwrap().name,
        "defaults"
    );
}

#[test]
fn values_come_from_the_highest_source() {
    let env = [
        ("OS_PROJECT_NAME", "from-env"),
        ("OS_USERNAME", "ignored"),
        ("OS_CLOUD", "devstack"),
    ];
    let place = Place::new(&[("work/clouds.yaml", CLOUDS)], &env);
    let config = place.resolve(&CloudOptions::default()).unwrap();
    assert_eq!(project(&config).as_deref(), Some("from-env"));
    assert_eq!(
        user(&config)["name"],
        "ann",
        "OS_USERNAME does not reach a cloud of a file"
    );
    let by_id = CloudOptions::default().with("project_id", "42");
    let config = place.resolve(&by_id).unwrap();
    assert_eq!(
        keystone(&config).scope,
        TokenScope::project("42"),
        "an id on the command line hides names below it"
    );
    let system = CloudOptions::default().with("system_scope", "all");
    assert_eq!(
        keystone(&place.resolve(&system).unwrap()).scope,
        TokenScope::System
    );
}

#[test]
fn regions_bring_their_own_values() {
    let place = Place::new(&[("work/clouds.yaml", CLOUDS)], &[]);
    let east = place.resolve(&named("many")).unwrap();
    assert_eq!(
        (east.region.as_deref(), project(&east).as_deref()),
        (Some("East"), Some("ops"))
    );
    assert!(east.is_region_unchosen);
    let west = place
        .resolve(&CloudOptions {
            region_name: Some("West".into()),
            ..named("many")
        })
        .unwrap();
    assert_eq!(
        (west.region.as_deref(), project(&west).as_deref()),
        (Some("West"), Some("ops-west"))
    );
    assert!(!west.is_region_unchosen);
    assert_eq!(west.interfaces, [Interface::Internal]);
    let wrong = place
        .resolve(&CloudOptions {
            region_name: Some("west".into()),
            ..named("many")
        })
        .unwrap_err();
    assert!(wrong.to_string().contains("East, West"), "{wrong}");
    let env = Place::new(
        &[("work/clouds.yaml", CLOUDS)],
        &[("OS_REGION_NAME", "West")],
    );
    assert_eq!(
        env.resolve(&named("many")).unwrap().region.as_deref(),
        Some("West")
    );
}

#[test]
fn profiles_lie_below_the_entry() {
    let public = "public-clouds: {acme: {auth: {auth_url: 'https://{region_name}.acme:5000/v3'}, region_name: r1, interface: [internal, public]}}";
    let clouds = "clouds: {a: {profile: acme, auth: {username: u, password: p}}, b: {cloud: acme, region_name: r2, auth: {username: u, password: p}}, c: {profile: nowhere, auth: {username: u}}}";
    let place = Place::new(
        &[
            ("work/clouds.yaml", clouds),
            ("etc/clouds-public.yaml", public),
        ],
        &[],
    );
    let a = place.resolve(&named("a")).unwrap();
    assert_eq!(keystone(&a).auth_url.as_str(), "https://r1.acme:5000/v3");
    assert_eq!(a.interfaces, [Interface::Internal, Interface::Public]);
    assert_eq!(
        keystone(&place.resolve(&named("b")).unwrap())
            .auth_url
            .as_str(),
        "https://r2.acme:5000/v3"
    );
    let error = place.resolve(&named("c")).unwrap_err().to_string();
    assert!(
        error.contains("`nowhere`") && error.contains("auth_url"),
        "{error}"
    );
}

/// One cloud `c` with the given settings beside auth_url.
fn entry(auth: &str, top: &str) -> Result<CloudConfig, Error> {
    let text = format!("clouds: {{c: {{auth: {{auth_url: http://k, {auth}}}, {top}}}}}");
    Place::new(&[("work/clouds.yaml", &text)], &[]).resolve(&CloudOptions::default())
}

#[test]
fn every_method_and_scope_is_understood() {
    let scope = |auth: &str| keystone(&entry(auth, "").unwrap()).scope.clone();
    let ann = "username: u, password: p";
    assert_eq!(
        scope(&format!("{ann}, system_scope: all")),
        TokenScope::System
    );
    assert_eq!(
        scope(&format!("{ann}, domain_name: D")),
        TokenScope::Domain(DomainRef::Name("D".into()))
    );
    assert_eq!(
        scope(&format!("{ann}, tenant-id: '1'")),
        TokenScope::project("1")
    );
    assert_eq!(scope(ann), TokenScope::Unscoped);
    let shorthand = entry(&format!("{ann}, project_name: p, domain_name: D"), "").unwrap();
    let domain = DomainRef::Name("D".into());
    assert_eq!(
        keystone(&shorthand).scope,
        TokenScope::Project {
            id: None,
            name: Some("p".into()),
            domain: Some(domain)
        }
    );
    assert_eq!(user(&shorthand)["domain"], json!({ "name": "D" }));
    for top in ["auth_type: token", "auth_type: v3token", ""] {
        let config = entry("token: t", top).unwrap();
        assert_eq!(keystone(&config).auth.kind().name(), "v3token", "{top}");
    }
    let credential = |auth: &str, top: &str| {
        identity(&entry(auth, top).unwrap())["application_credential"].clone()
    };
    assert_eq!(
        credential(
            "application_credential_id: i, application_credential_secret: s",
            "auth_type: v3applicationcredential"
        ),
        json!({ "id": "i", "secret": "s" })
    );
    assert_eq!(
        credential(
            "application_credential_name: n, application_credential_secret: s, user_id: u",
            ""
        ),
        json!({ "name": "n", "user": { "id": "u" }, "secret": "s" })
    );
}

#[test]
fn tls_interface_and_overrides_are_understood() {
    let top = "verify: no, cacert: ~/ca.pem, cert: c.pem, key: /k.pem, endpoint-type: internalURL, \
               compute_endpoint_override: 'http://n/v2.1', volumev3_endpoint_override: 'http://v/v3/%(project_id)s', \
               compute_api_version: 2.10, image_status_code_retries: 5, disable_vendor_agent: {}";
    let config = entry("username: u, password: p", top).unwrap();
    assert!(!config.tls.verify);
    let file = |pem: Option<Pem>| match pem {
        Some(Pem::File(path)) => path,
        other => panic!("{other:?} is no file"),
    };
    assert!(file(config.tls.ca).ends_with("home/ca.pem"));
    assert!(file(config.tls.cert).ends_with("work/c.pem"));
    assert_eq!(file(config.tls.key), PathBuf::from("/k.pem"));
    assert_eq!(config.interfaces, [Interface::Internal]);
    let overrides: Vec<(&str, &str)> = config
        .endpoint_overrides
        .iter()
        .map(|(service, url)| (service.as_str(), url.as_str()))
        .collect();
    assert_eq!(
        overrides,
        [
            ("block-storage", "http://v/v3/%(project_id)s"),
            ("compute", "http://n/v2.1")
        ]
    );
    let insecure = CloudOptions {
        insecure: Some(true),
        ..CloudOptions::default()
    };
    assert!(
        !Place::new(&[], ENV_CLOUD)
            .resolve(&insecure)
            .unwrap()
            .tls
            .verify
    );
}

#[test]
fn a_certificate_or_key_may_be_the_text_itself() {
    let text =
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIHNlY3JldA\n-----END PRIVATE KEY-----\n";
    let is_text = |pem: Option<Pem>| matches!(pem, Some(Pem::Text(_)));
    let block = text.replace('\n', "\n      ");
    let file = format!(
        "clouds:\n  a:\n    auth: {{auth_url: 'http://k', username: u, password: p}}\n    cacert: |\n      {block}\n    cert: |\n      {block}\n    key: |\n      {block}\n"
    );
    let place = Place::new(&[("work/clouds.yaml", &file)], &[]);
    let tls = place.resolve(&CloudOptions::default()).unwrap().tls;
    assert!(is_text(tls.ca) && is_text(tls.cert) && is_text(tls.key));

    let mut env = ENV_CLOUD.to_vec();
    env.extend([("OS_CACERT", text), ("OS_CERT", text), ("OS_KEY", text)]);
    let tls = Place::new(&[], &env)
        .resolve(&CloudOptions::default())
        .unwrap()
        .tls;
    assert!(is_text(tls.ca) && is_text(tls.cert) && is_text(tls.key));

    let given = || Some(text.to_owned());
    let options = CloudOptions {
        cacert: given(),
        cert: given(),
        key: given(),
        ..CloudOptions::default()
    };
    let tls = Place::new(&[], ENV_CLOUD).resolve(&options).unwrap().tls;
    assert!(is_text(tls.ca) && is_text(tls.cert) && is_text(tls.key));

    // A key without its certificate is refused, and not shown.
    let alone = CloudOptions {
        cert: None,
        ..options
    };
    let error = Place::new(&[], ENV_CLOUD).resolve(&alone).unwrap_err();
    let said = format!("{error} {error:?}");
    assert!(said.contains("cert") && !said.contains("MC4C"), "{said}");
}
