//! Several factors in one request, as Keystone's multi-factor rules of a user want them.

use super::given::{Given, Unfit};
use super::method::{AUTH_TYPES, AuthType, Factor, Proof};
use super::setting::Setting;

static AUTH_METHODS: Setting = Setting::of(
    "auth_methods",
    "os-auth-methods",
    "auth_methods (the factors)",
    "TYPES",
    "Factors of v3multifactor, with commas: v3password,v3totp",
);

pub(super) static TYPE: AuthType = AuthType {
    names: &["v3multifactor"],
    what: "combination of factors",
    needs: &[&AUTH_METHODS],
    takes: &[],
    // It depends on the factors.
    ends: None,
    is_bound: false,
    cure: "check each factor: user and password (OS_USERNAME, OS_PASSWORD), a new passcode (OS_PASSCODE), and whether auth_methods \
           (OS_AUTH_METHODS) has all that the user needs",
    read: |given| Ok(Proof::Factors(factors(given)?)),
    factor: None,
};

fn factors(given: &Given<'_>) -> Result<Vec<Factor>, Unfit> {
    let bad = |cause: String| Unfit::Value {
        setting: &AUTH_METHODS,
        cause,
    };
    let words = given.need(&AUTH_METHODS)?.split(',').map(str::trim);
    let mut factors: Vec<Factor> = Vec::new();
    for word in words.filter(|word| !word.is_empty()) {
        let factor = AuthType::named(word).and_then(|kind| kind.factor);
        let factor = factor
            .ok_or_else(|| bad(format!("`{word}` is no factor: use {}", known().join(", "))))?;
        let factor = factor(given)?;
        if factors.iter().any(|it| it.method == factor.method) {
            return Err(bad(format!("it has the factor `{}` twice", factor.method)));
        }
        if factor.kind.is_bound {
            let cause = format!(
                "the {} comes with a scope and is no factor beside others: use auth_type {}",
                factor.kind.what,
                factor.kind.name()
            );
            return Err(bad(cause));
        }
        factors.push(factor);
    }
    if factors.is_empty() {
        return Err(bad(format!(
            "it names no factor: use {}",
            known().join(", ")
        )));
    }
    Ok(factors)
}

fn known() -> Vec<&'static str> {
    let factors = AUTH_TYPES
        .iter()
        .filter(|it| it.factor.is_some() && !it.is_bound);
    factors.map(|it| it.name()).collect()
}
