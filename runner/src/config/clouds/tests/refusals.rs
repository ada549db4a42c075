//! Bad input: each refusal names the cause, the place and the cure, and shows no secret.

use super::*;

/// Settings under `auth`, settings beside it, and what the refusal must say.
const REFUSED: &[(&str, &str, &[&str])] = &[
    (
        "password: p",
        "",
        &["no user name", "`username`", "--os-username", "clouds.yaml"],
    ),
    (
        "username: u",
        "",
        &["no password", "secure.yaml", "--os-password"],
    ),
    ("token: ''", "auth_type: token", &["no token", "--os-token"]),
    (
        "application_credential_id: i",
        "auth_type: v3applicationcredential",
        &["no secret"],
    ),
    (
        "application_credential_secret: s",
        "",
        &["no id of the application credential"],
    ),
    (
        USER,
        "auth_type: v3samlpassword",
        &[
            "`v3samlpassword`",
            "v3applicationcredential",
            "v3oidcpassword",
        ],
    ),
    (
        USER,
        "auth_type: v2password",
        &["`v2password`", "v3password"],
    ),
    (
        USER,
        "interface: outer",
        &["`outer`", "public, internal or admin"],
    ),
    (USER, "interface: ','", &["public, internal or admin"]),
    (USER, "verify: perhaps", &["verify", "true or false"]),
    (USER, "key: k.pem", &["cert"]),
    (
        USER,
        "compute_endpoint_override: here",
        &["compute_endpoint_override", "URL"],
    ),
    (
        "username: u, password: p, system_scope: some",
        "",
        &["`some`", "`all`"],
    ),
    (
        "username: u, password: p, trust_id: t, project_id: x",
        "",
        &["trust_id `t`", "project_id `x`", "one scope"],
    ),
    (
        "username: u, password: p, trust_id: t, domain_name: D",
        "",
        &["trust_id `t`", "domain_name `D`", "one scope"],
    ),
    (
        "username: u, password: p, trust_id: t, system_scope: all",
        "",
        &["trust_id `t`", "system_scope `all`"],
    ),
    (
        "application_credential_id: i, application_credential_secret: s, trust_id: t",
        "",
        &["trust_id", "application credential", "remove"],
    ),
    (
        "username: u, password: p, system_scope: all, project_id: x",
        "",
        &["system_scope", "project_id `x`"],
    ),
    (
        "username: u, password: p, project_name: x, domain_name: a, user_domain_name: b, project_domain_name: b",
        "",
        &["project_name `x`", "domain_name `a`", "one scope"],
    ),
    (
        "application_credential_id: i, application_credential_secret: s, project_name: x",
        "",
        &["project_name", "application credential", "remove"],
    ),
];

const USER: &str = "username: u, password: p";

#[test]
fn bad_entries_say_what_is_wrong_and_what_helps() {
    for (auth, top, parts) in REFUSED {
        let error = entry(auth, top).unwrap_err().to_string();
        assert!(
            parts.iter().all(|part| error.contains(part)),
            "{auth} {top}: {error}"
        );
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn a_domain_over_a_project_is_refused() {
    let place = Place::new(&[("work/clouds.yaml", CLOUDS)], &[]);
    let error = place
        .resolve(&named("devstack").with("domain_name", "D"))
        .unwrap_err();
    assert!(
        error.to_string().contains("project_name `web`")
            && error.to_string().contains("command line"),
        "{error}"
    );
}

#[test]
fn a_missing_variable_is_named() {
    for missing in ["OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD"] {
        let env: Vec<(&str, &str)> = ENV_CLOUD
            .iter()
            .copied()
            .filter(|(key, _)| *key != missing)
            .collect();
        let error = Place::new(&[], &env)
            .resolve(&CloudOptions::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains(missing), "{error}");
    }
    let error = Place::new(&[], &[])
        .resolve(&CloudOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("home/.config/openstack") && error.contains("OS_AUTH_URL"),
        "{error}"
    );
}

#[test]
fn unreadable_files_are_named_with_the_line_and_without_secrets() {
    for (text, part) in [
        ("clouds:\n  a:\n    auth: {password: hunter2\n", "line 3"),
        (
            "clouds:\n  a:\n    auth:\n      password: [hunter2]\n",
            "line 4",
        ),
        ("clouds:\n\ta: hunter2\n", "line 2"),
        ("clouds: hunter2\n", "line 1"),
        ("- hunter2\n", "line 1"),
        ("\n", "empty"),
    ] {
        let place = Place::new(&[("work/clouds.yaml", text)], &[]);
        let error = place
            .resolve(&CloudOptions::default())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("work/clouds.yaml") && error.contains(part),
            "{text:?}: {error}"
        );
        assert!(!error.contains("hunter2"), "{error}");
    }
    let gone = Place::new(&[], &[("OS_CLIENT_CONFIG_FILE", "gone.yaml")])
        .resolve(&CloudOptions::default());
    assert!(matches!(
        gone,
        Err(Error::NoSuchFile {
            variable: "OS_CLIENT_CONFIG_FILE",
            ..
        })
    ));
    let url = CloudOptions::default().with("auth_url", "ftp://u:hunter2@k");
    let error = Place::new(&[], ENV_CLOUD)
        .resolve(&url)
        .unwrap_err()
        .to_string();
    assert!(!error.contains("hunter2"), "{error}");
}
