//! Who a token is for, and what it is good for.
//!
//! Pure. The invariant: a scope answers a request for it only if it is that scope in every word.

use jiff::Timestamp;
use serde::Deserialize;

use super::{DomainRef, TokenScope};

/// Who we are, as the token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// User id.
    pub user_id: String,
    /// User name.
    pub user_name: String,
    /// Domain of the user.
    pub user_domain: DomainIdentity,
    /// What the token is good for.
    pub scope: GrantedScope,
    /// The trust by which it was given, if it was.
    pub trust: Option<String>,
    /// Names of the roles in that scope.
    pub roles: Vec<String>,
    /// When the token ends, by Keystone's clock.
    pub expires_at: Timestamp,
}

impl Identity {
    /// Whether the token is an administrator's: it has the role `admin` (role names are compared
    /// without case, as policies do) or the system scope.
    pub fn is_admin(&self) -> bool {
        self.scope == GrantedScope::System
            || self
                .roles
                .iter()
                .any(|role| role.eq_ignore_ascii_case("admin"))
    }

    /// Id of the project, if the token is scoped to one.
    pub fn project_id(&self) -> Option<&str> {
        match &self.scope {
            GrantedScope::Project { id, .. } => Some(id),
            GrantedScope::Domain(_) | GrantedScope::System | GrantedScope::Unscoped => None,
        }
    }

    pub(super) fn described(&self) -> String {
        let scope = self.scope.described();
        match &self.trust {
            Some(trust) => format!("{scope} by the trust `{trust}`"),
            None => scope,
        }
    }

    /// Whether this is what was asked for. A trust is answered by itself only, and is no answer to a wish for its project: whoever
    /// asks for that asks for his own roles.
    pub(super) fn answers(&self, asked: &TokenScope) -> bool {
        match (asked, &self.trust) {
            (TokenScope::Trust(asked), Some(got)) => asked == got && self.project_id().is_some(),
            (TokenScope::Trust(_), None) => false,
            (TokenScope::Unscoped, _) => true,
            (_, Some(_)) => false,
            (_, None) => self.scope.answers(asked),
        }
    }
}

/// A domain as a token names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DomainIdentity {
    /// Domain id.
    pub id: String,
    /// Domain name; empty where Keystone does not say it.
    #[serde(default)]
    pub name: String,
}

/// What a token is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantedScope {
    /// One project.
    Project {
        /// Project id.
        id: String,
        /// Project name.
        name: String,
        /// Domain of the project.
        domain: DomainIdentity,
    },
    /// One domain.
    Domain(DomainIdentity),
    /// The whole system.
    System,
    /// Nothing but Keystone itself.
    Unscoped,
}

impl GrantedScope {
    fn described(&self) -> String {
        match self {
            Self::Project { id, name, domain } => {
                format!("project `{name}` ({id}) of domain `{}`", domain.id)
            }
            Self::Domain(domain) => format!("domain `{}` ({})", domain.name, domain.id),
            Self::System => "the whole system".to_owned(),
            Self::Unscoped => "no scope".to_owned(),
        }
    }

    /// Whether this is what was asked for. Keystone's names do not differ by case alone.
    fn answers(&self, asked: &TokenScope) -> bool {
        let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
        let is_domain = |asked: &DomainRef, got: &DomainIdentity| match asked {
            DomainRef::Id(id) => *id == got.id,
            DomainRef::Name(name) => same(name, &got.name),
        };
        match (asked, self) {
            (TokenScope::Unscoped, _) | (TokenScope::System, Self::System) => true,
            (TokenScope::Domain(asked), Self::Domain(got)) => is_domain(asked, got),
            (
                TokenScope::Project {
                    id: asked_id,
                    name: asked_name,
                    domain: asked_domain,
                },
                Self::Project { id, name, domain },
            ) => {
                asked_id.as_ref().is_none_or(|asked| asked == id)
                    && asked_name.as_ref().is_none_or(|asked| same(asked, name))
                    && asked_domain
                        .as_ref()
                        .is_none_or(|asked| is_domain(asked, domain))
            }
            (
                TokenScope::Project { .. }
                | TokenScope::Domain(_)
                | TokenScope::System
                | TokenScope::Trust(_),
                _,
            ) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_granted_scope_must_be_the_one_asked_for() {
        let domain = DomainIdentity {
            id: "d".into(),
            name: "Dom".into(),
        };
        let project = GrantedScope::Project {
            id: "p".into(),
            name: "Proj".into(),
            domain: domain.clone(),
        };
        let named = |name: &str, domain| TokenScope::Project {
            id: None,
            name: Some(name.into()),
            domain: Some(domain),
        };
        let id_and_name = |id: &str, name: &str| TokenScope::Project {
            id: Some(id.into()),
            name: Some(name.into()),
            domain: None,
        };
        for (asked, fits) in [
            (TokenScope::project("p"), true),
            (TokenScope::project("P"), false),
            (named("proj", DomainRef::Name("dom".into())), true),
            (named("proj", DomainRef::Id("other".into())), false),
            (named("other", DomainRef::Id("d".into())), false),
            (id_and_name("p", "proj"), true),
            (id_and_name("p", "other"), false),
            (TokenScope::Domain(DomainRef::Id("d".into())), false),
            (TokenScope::System, false),
            (TokenScope::Unscoped, true),
        ] {
            assert_eq!(project.answers(&asked), fits, "{asked:?}");
        }
        assert!(
            GrantedScope::Domain(domain)
                .answers(&TokenScope::Domain(DomainRef::Name("dom".into())))
        );
        assert!(!GrantedScope::Unscoped.answers(&TokenScope::project("p")));
    }

    #[test]
    fn a_trust_is_answered_by_itself_alone() {
        let domain = || DomainIdentity {
            id: "d".into(),
            name: "Dom".into(),
        };
        let project = || GrantedScope::Project {
            id: "p".into(),
            name: "Proj".into(),
            domain: domain(),
        };
        let identity = |scope, trust: Option<&str>| Identity {
            user_id: "u".into(),
            user_name: "ann".into(),
            user_domain: domain(),
            scope,
            trust: trust.map(str::to_owned),
            roles: Vec::new(),
            expires_at: Timestamp::UNIX_EPOCH,
        };
        let asked = |id: &str| TokenScope::Trust(id.to_owned());
        assert!(identity(project(), Some("t")).answers(&asked("t")));
        assert!(!identity(project(), Some("other")).answers(&asked("t")));
        assert!(!identity(project(), None).answers(&asked("t")));
        assert!(!identity(GrantedScope::Unscoped, Some("t")).answers(&asked("t")));
        assert!(!identity(project(), Some("t")).answers(&TokenScope::project("p")));
        assert!(identity(project(), None).answers(&TokenScope::project("p")));
    }
}
