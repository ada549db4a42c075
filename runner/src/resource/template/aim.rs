//! At what a template aims: the thing itself, or another one from which it takes the thing away.

use serde_json::Value;

use super::{Change, Piece, Template};

/// How the verbs of actions begin that take a thing away from another one, and give nothing.
const TAKING: &[&str] = &["delete", "detach", "disassociate", "remove"];

/// Those that, with nothing behind them, are rather for the other thing itself: `POST /consistencygroups/{/group}/delete`.
const TAKING_ITSELF: &[&str] = &["delete", "remove"];

impl Template {
    /// Whether it is an action on another thing, which the object names.
    pub fn acts_on_another(&self) -> bool {
        !self.path.0.contains(&Piece::Id)
    }

    /// Where the object names the other thing, if this takes the thing away from it: its id is the one segment that the object
    /// says, and a verb comes behind it.
    pub(in crate::resource) fn takes_away_at(&self) -> Option<&str> {
        let [
            Piece::Literal(before),
            Piece::Pointer(at),
            Piece::Literal(behind),
        ] = self.path.0.as_slice()
        else {
            return None;
        };
        let verb = behind.strip_prefix('/')?;
        let is_taking = TAKING.iter().any(|taking| verb.starts_with(taking));
        let is_taking = is_taking && !TAKING_ITSELF.contains(&verb);
        let is_whole = before.ends_with('/') && !verb.contains('/') && !at.contains('*');
        (is_taking && is_whole).then_some(at)
    }
}

/// Whether a template can change nothing but the thing itself, or is an action on another thing that only says which thing this
/// is.
pub(super) fn is_at_the_thing(change: Change, path: &str, body: Option<&Value>) -> bool {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let names_thing = path.ends_with("/{id}") || path.contains("/{id}/");
    match change {
        Change::Delete => path.ends_with("/{id}"),
        Change::Post | Change::Put | Change::Patch if names_thing => true,
        Change::Post | Change::Put | Change::Patch => {
            query.is_empty() && !path.ends_with('}') && body.is_some_and(says_only_id)
        }
    }
}

/// `{"port_id":"{id}"}` or `{"ids":["{id}"]}`. The member is a reference: `{"forceDelete":"{id}"}` would be an order, and the id
/// in it of no account.
fn says_only_id(body: &Value) -> bool {
    let Some(members) = body.as_object().filter(|members| members.len() == 1) else {
        return false;
    };
    let is_reference = |name: &str| ["id", "ids"].contains(&name.rsplit('_').next().unwrap_or(""));
    members.iter().all(|(name, value)| match value {
        Value::String(text) => is_reference(name) && text == "{id}",
        Value::Array(elements) => {
            is_reference(name) && elements.len() == 1 && elements.iter().all(|it| it == "{id}")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_that_aim_elsewhere_are_refused() {
        for source in [
            "GET /v2.0/ports/{id}",
            "DELETE /v2.0/ports",
            "DELETE /v2.0/networks/{/network_id}",
            "DELETE /v2.0/ports/{id}/x",
            r#"PUT /v2.0/routers/{/device_id} {"router":{"routes":[]}}"#,
            "POST /v2.0/ports/{parent}",
            r#"PUT /v2.0/routers/{/device_id} {"port_id":"{id}"}"#,
            r#"PUT /v2.0/routers/{/device_id}?x={id} {"router":{"routes":[]}}"#,
            r#"PUT /v2.0/routers/{/device_id}/remove {"port_id":"{id}","force":true}"#,
            r#"POST /servers/{/device_id}/action {"os-stop":null,"x":"{id}"}"#,
            r#"POST /servers/{/device_id}/action {"forceDelete":"{id}"}"#,
            "DELETE v2.0/ports/{id}",
            "DELETE /v2.0//ports/{id}",
            "DELETE /v2.0/../ports/{id}",
            "DELETE /v2.0/%2e/{id}",
            "DELETE /v2.0\\ports/{id}",
            "DELETE /v2.0/ports/{name}",
            "DELETE /v2.0/{id",
            "DELETE /v2.0/ports/{/metadata/{id}",
            r#"PUT /v2.0/ports/{/metadata/{id}/x {"port":{}}"#,
            "PUT /a/{id} {",
            r#"POST /a/{id} ["{/a/*}","{/b/*}"]"#,
            r#"POST /a/{id} ["{/a/*/*}"]"#,
        ] {
            assert!(Template::parse(source).is_err(), "{source}");
        }
    }

    #[test]
    fn what_is_taken_away_is_told_from_other_actions() {
        for (path, at) in [
            (
                "/v2.0/routers/{/device_id}/remove_router_interface",
                Some("/device_id"),
            ),
            ("/a/{/b/c}/detach", Some("/b/c")),
            ("/a/{/b}/disassociate-port", Some("/b")),
            ("/v2.0/routers/{/device_id}/add_router_interface", None),
            ("/v2.0/routers/{/device_id}/remove/x", None),
            ("/v2/images/{/base}/delete", None),
            ("/v2/images/{/base}/remove", None),
            ("/v2/groups/{/base}/delete_member", Some("/base")),
            ("/v2.0/{/kind}/{/device_id}/remove", None),
            ("/v2.0/routers/r-{/device_id}/remove", None),
            ("/v2.0/routers/{/devices/*}/remove", None),
            ("/v2.0/routers/{parent}/remove", None),
        ] {
            let template = Template::parse(&format!("PUT {path} {{\"port_id\":\"{{id}}\"}}"));
            let template = template.unwrap();
            assert!(template.acts_on_another());
            assert_eq!(template.takes_away_at(), at, "{path}");
        }
        let own = Template::parse("PUT /v2.0/ports/{id}/remove {}").unwrap();
        assert!(!own.acts_on_another() && own.takes_away_at().is_none());
    }
}
