//! Each way of authenticating, as clouds.yaml, the environment and the command line say it; and what each refuses.

use super::*;
use crate::cloud::{AuthType, Setting};

const OIDC: &str = "identity_provider: idp, protocol: openid, client_id: c";

/// A way, settings that make it whole, and what Keystone would be shown; nothing where an identity provider comes first.
fn ways() -> Vec<(&'static str, String, Option<Value>)> {
    let ann = |more: (&str, &str)| json!({ "user": { "id": "u", more.0: more.1 } });
    let shown = |methods: &[&str], members: &[(&str, Value)]| {
        let mut identity = json!({ "methods": methods });
        for (name, member) in members {
            identity[*name] = member.clone();
        }
        Some(identity)
    };
    let provider =
        |more: &str| format!("{OIDC}, discovery_endpoint: 'https://idp/.well-known', {more}");
    vec![
        (
            "v3password",
            "user_id: u, password: p".to_owned(),
            shown(&["password"], &[("password", ann(("password", "p")))]),
        ),
        (
            "v3totp",
            "user_id: u, passcode: 012345".to_owned(),
            shown(&["totp"], &[("totp", ann(("passcode", "012345")))]),
        ),
        (
            "v3multifactor",
            "user_id: u, password: p, passcode: 012345, auth_methods: [v3password,v3totp]".to_owned(),
            shown(
                &["password", "totp"],
                &[
                    ("password", ann(("password", "p"))),
                    ("totp", ann(("passcode", "012345"))),
                ],
            ),
        ),
        (
            "v3applicationcredential",
            "application_credential_id: i, application_credential_secret: s".to_owned(),
            shown(
                &["application_credential"],
                &[("application_credential", json!({ "id": "i", "secret": "s" }))],
            ),
        ),
        ("v3token", "token: t".to_owned(), None),
        (
            "v3oauth2clientcredential",
            "oauth2_endpoint: 'https://k/v3/OS-OAUTH2/token', oauth2_client_id: i, oauth2_client_secret: s".to_owned(),
            None,
        ),
        (
            "v3oauth2mtlsclientcredential",
            "oauth2_endpoint: 'https://k/v3/OS-OAUTH2/token', oauth2_client_id: i, cert: c.pem".to_owned(),
            None,
        ),
        ("v3oidcclientcredentials", provider("client_secret: s"), None),
        ("v3oidcpassword", provider("username: u, password: p"), None),
        (
            "v3oidcaccesstoken",
            "identity_provider: idp, protocol: openid, access_token: a".to_owned(),
            None,
        ),
        ("v3oidcdeviceauthz", provider("code_challenge_method: S256"), None),
    ]
}

#[test]
fn each_way_is_understood_by_each_of_its_names() {
    let ways = ways();
    let kinds = AuthType::all();
    assert_eq!(ways.len(), kinds.len(), "a way without a row here");
    for kind in kinds {
        let (_, auth, expected) = ways.iter().find(|it| it.0 == kind.name()).unwrap();
        for name in kind.names {
            let config = entry(auth, &format!("auth_type: {name}")).unwrap();
            assert_eq!(keystone(&config).auth.kind().name(), kind.name());
            let shown = keystone(&config).first_request().map(|_| identity(&config));
            assert_eq!(&shown, expected, "{name}");
            for secret in ["012345", "hunter2"] {
                assert!(!format!("{config:?}").contains(secret));
            }
        }
    }
}

/// The settings of a flow-style mapping, one less.
fn without(auth: &str, setting: &Setting) -> String {
    let parts = auth
        .split(", ")
        .filter(|part| !part.starts_with(&format!("{}:", setting.key)));
    parts.collect::<Vec<_>>().join(", ")
}

#[test]
fn what_a_way_needs_and_does_not_get_is_named() {
    for (name, auth, _) in ways() {
        let kind = AuthType::named(name).unwrap();
        for setting in kind.needs {
            let left = without(&auth, setting);
            // A user may be given by his id as well.
            if left == auth && setting.key == "username" {
                continue;
            }
            let error = entry(&left, &format!("auth_type: {name}")).unwrap_err();
            let said = error.to_string();
            assert!(matches!(error, Error::Missing { .. }), "{name}: {said}");
            assert!(
                said.contains(setting.what) && said.contains(&format!("--{}", setting.flag)),
                "{name}: {said}"
            );
        }
    }
}

#[test]
fn what_is_new_for_each_run_comes_from_the_environment() {
    let file =
        "clouds: {c: {auth_type: v3totp, auth: {auth_url: http://k, user_id: u, project_id: p}}}";
    let of =
        |env: &[(&str, &str)]| Place::new(&[("work/clouds.yaml", file)], env).resolve(&named("c"));
    let config = of(&[("OS_PASSCODE", "654321")]).unwrap();
    assert_eq!(identity(&config)["totp"]["user"]["passcode"], "654321");
    let missing = of(&[]).unwrap_err().to_string();
    assert!(missing.contains("set OS_PASSCODE"), "{missing}");
    let flag = Place::new(&[("work/clouds.yaml", file)], &[("OS_PASSCODE", "654321")]);
    let config = flag
        .resolve(&named("c").with("passcode", "111111"))
        .unwrap();
    assert_eq!(identity(&config)["totp"]["user"]["passcode"], "111111");
}

#[test]
fn all_can_be_said_by_the_environment_alone() {
    let env = [
        ("OS_AUTH_TYPE", "v3multifactor"),
        ("OS_AUTH_METHODS", "v3password, v3totp"),
        ("OS_AUTH_URL", "http://k"),
        ("OS_USERNAME", "ann"),
        ("OS_USER_DOMAIN_NAME", "D"),
        ("OS_PASSWORD", "p"),
        ("OS_PASSCODE", "012345"),
        ("OS_TRUST_ID", "t"),
    ];
    let config = Place::new(&[], &env)
        .resolve(&CloudOptions::default())
        .unwrap();
    let shown = identity(&config);
    assert_eq!(shown["methods"], json!(["password", "totp"]));
    assert_eq!(shown["totp"]["user"]["domain"], json!({ "name": "D" }));
    assert_eq!(keystone(&config).scope, TokenScope::Trust("t".into()));
    assert!(
        keystone(&config).auth.ends().is_some(),
        "a passcode is good once"
    );
}

#[test]
fn a_trust_takes_the_place_of_what_is_below_it_and_gives_way_to_what_is_above() {
    let place = Place::new(&[("work/clouds.yaml", CLOUDS)], &[("OS_TRUST_ID", "t")]);
    let by_trust = place.resolve(&named("devstack")).unwrap();
    assert_eq!(keystone(&by_trust).scope, TokenScope::Trust("t".into()));
    let by_project = place
        .resolve(&named("devstack").with("project_id", "42"))
        .unwrap();
    assert_eq!(keystone(&by_project).scope, TokenScope::project("42"));
    let error = place
        .resolve(&named("devstack").with("domain_id", "d"))
        .unwrap_err();
    assert!(error.to_string().contains("trust_id `t`"), "{error}");
}

/// Settings under `auth`, the way, and what the refusal must say.
const REFUSED: &[(&str, &str, &[&str])] = &[
    (
        "user_id: u, password: p, auth_methods: [v3password, v3sms]",
        "v3multifactor",
        &["auth_methods", "`v3sms`", "v3totp"],
    ),
    (
        "user_id: u, password: p, auth_methods: [v3password, password]",
        "v3multifactor",
        &["`password` twice"],
    ),
    (
        "user_id: u, password: p, auth_methods: ','",
        "v3multifactor",
        &["names no factor"],
    ),
    (
        "user_id: u, password: p, auth_methods: [v3password, v3totp]",
        "v3multifactor",
        &["no passcode", "OS_PASSCODE"],
    ),
    (
        "application_credential_id: i, application_credential_secret: s, auth_methods: [v3applicationcredential]",
        "v3multifactor",
        &["comes with a scope", "v3applicationcredential"],
    ),
    (
        "oauth2_endpoint: 'http://k/v3/OS-OAUTH2/token', oauth2_client_id: i, oauth2_client_secret: s",
        "v3oauth2clientcredential",
        &["oauth2_endpoint", "https://"],
    ),
    (
        "oauth2_endpoint: 'https://u:hunter2@k/token', oauth2_client_id: i, oauth2_client_secret: s",
        "v3oauth2clientcredential",
        &["oauth2_endpoint", "must not hold"],
    ),
    (
        "oauth2_endpoint: 'https://k/token', oauth2_client_id: i, oauth2_client_secret: s, project_id: x",
        "v3oauth2clientcredential",
        &["project_id", "OAuth 2.0 client credential", "remove"],
    ),
    (
        "oauth2_endpoint: 'https://k/token', oauth2_client_id: i",
        "v3oauth2mtlsclientcredential",
        &["certificate", "--os-cert"],
    ),
    (
        "identity_provider: idp, protocol: openid, client_id: c, client_secret: s",
        "v3oidcclientcredentials",
        &["no discovery_endpoint or access_token_endpoint"],
    ),
    (
        "identity_provider: idp, protocol: openid, client_id: c, client_secret: s, discovery_endpoint: 'http://idp.example.org/'",
        "v3oidcclientcredentials",
        &["discovery_endpoint", "https://"],
    ),
    (
        "identity_provider: idp, protocol: openid, client_id: c, client_secret: s, discovery_endpoint: 'https://idp', access_token_type: jwt",
        "v3oidcclientcredentials",
        &["access_token_type", "`jwt`", "id_token"],
    ),
    (
        "identity_provider: idp, protocol: openid, client_id: c, username: u, password: p, access_token_endpoint: 'https://idp', idp_otp_key: totp",
        "v3oidcpassword",
        &["no passcode"],
    ),
    (
        "identity_provider: idp, protocol: openid, client_id: c, access_token_endpoint: 'https://idp'",
        "v3oidcdeviceauthz",
        &["no device authorization endpoint"],
    ),
    (
        "identity_provider: idp, protocol: openid, client_id: c, discovery_endpoint: 'https://idp', code_challenge_method: plain",
        "v3oidcdeviceauthz",
        &["code_challenge_method", "S256"],
    ),
    ("user_id: u, pascode: hunter2", "v3totp", &["no passcode"]),
];

#[test]
fn what_cannot_be_meant_is_refused_without_a_secret() {
    for (auth, name, parts) in REFUSED {
        let error = entry(auth, &format!("auth_type: {name}")).unwrap_err();
        let said = error.to_string();
        assert!(
            parts.iter().all(|part| said.contains(part)),
            "{auth}: {said}"
        );
        assert!(!format!("{said} {error:?}").contains("hunter2"), "{said}");
        assert!(!said.contains('\n'), "{said}");
    }
}

#[test]
fn a_key_that_is_almost_one_of_ours_is_refused() {
    let user = "user_id: u, password: hunter2";
    for (key, near) in [
        ("projct_name", "project_name"),
        ("system_scop", "system_scope"),
        ("trustid", "trust_id"),
        ("tenantname", "tenant_name"),
    ] {
        let error = entry(&format!("{user}, {key}: x"), "")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(&format!("`{key}`")) && error.contains(&format!("`{near}`")),
            "{error}"
        );
        assert!(!error.contains("hunter2"), "{error}");
    }
    // What other tools read stands in peace.
    for key in [
        "service_provider",
        "redirect_uri",
        "unscoped",
        "consumer_key",
        "reauthenticate",
    ] {
        assert!(entry(&format!("{user}, {key}: x"), "").is_ok(), "{key}");
    }
}

#[test]
fn the_page_on_authentication_has_each_way_with_its_settings() {
    let page = include_str!("../../../../../docs/authentication.md");
    for kind in AuthType::all() {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{}`", kind.name())));
        let row = row.unwrap_or_else(|| panic!("{kind:?} has no row"));
        for setting in kind.needs.iter().chain(kind.takes) {
            assert!(
                row.contains(&format!("`{}`", setting.key))
                    || page.contains(&format!("\n| `{}` |", setting.key)),
                "{kind:?}: {}",
                setting.key
            );
        }
        for setting in kind.needs {
            assert!(
                row.contains(&format!("`{}`", setting.key)),
                "{kind:?}: {}",
                setting.key
            );
        }
        assert!(
            row.contains(if kind.ends.is_some() { "| no" } else { "| yes" })
                || kind.name() == "v3multifactor"
        );
    }
}
