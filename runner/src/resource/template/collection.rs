//! Where a thing is listed, by where it is deleted: the two must be the same collection, or a rule could list one kind of thing
//! and delete another one of the same id.

use serde_json::Value;

use super::super::declaration::without_version;
use super::super::{ReadPath, Thing};
use super::filling::Filling;
use super::{Piece, Template, Text, encode, strings};

impl Template {
    /// The paths that may list the thing: the collection to which it belongs, which is all before `/{id}`, filled in for this
    /// thing's parent and project; and where that is nested in something that the object names itself, the one listing of all
    /// that is nested so. `/v2/zones/{/zone_id}/recordsets` is listed at `/v2/recordsets` too, `/stacks/{/stack_name}` at
    /// `/stacks`. Empty if the template's path does not hold `/{id}`.
    pub fn collections(&self, thing: &Thing, object: &Value) -> Vec<String> {
        let filling = Filling {
            thing,
            object,
            star: None,
        };
        let paths = self.before_id().into_iter().flat_map(|nested| {
            let nested = nested.fill(&filling, &encode);
            let marked = self.marked().and_then(|it| it.fill(&filling, &encode));
            [nested, marked.as_deref().and_then(unnested)]
        });
        let paths = paths.flatten();
        let paths = paths.filter_map(|path| path.strip_suffix('/').map(str::to_owned));
        paths.filter(|path| !path.contains('?')).collect()
    }

    /// Whether a path, whatever its query, is the very thing's: the collection, and its id.
    pub fn is_path_of(&self, thing: &Thing, object: &Value, path: &str) -> bool {
        let path = path.split('?').next().unwrap_or_default();
        let (collection, id) = path.rsplit_once('/').unwrap_or_default();
        id == encode(&thing.at.id)
            && self
                .collections(thing, object)
                .iter()
                .any(|it| it == collection)
    }

    /// Where the thing is that it changes or deletes, in words: two templates with the same words are of the same collection. `None`
    /// for an action on another thing.
    pub(crate) fn acts_in(&self) -> Option<String> {
        let before = self.before_id()?.0;
        Some(before.iter().map(Piece::in_words).collect())
    }

    /// Whether the first segment of its path behind the version can be read in the template: else a thing's name would say in which
    /// collection it acts.
    pub(crate) fn begins_literally(&self) -> bool {
        let Some(Piece::Literal(first)) = self.path.0.first() else {
            return false;
        };
        let rest = without_version(first).trim_start_matches('/');
        let is_whole = self.path.0.len() == 1 || rest.contains('/');
        !rest.is_empty() && !rest.starts_with('?') && is_whole
    }

    /// Whether the collection in which it acts can be read in the template: nothing in it is the object's to say, and its last segment
    /// is literal.
    pub(crate) fn acts_in_the_open(&self) -> bool {
        let Some(Text(before)) = self.before_id() else {
            return true;
        };
        let is_said = before.iter().any(|it| matches!(it, Piece::Pointer(_)));
        let is_named = match before.last() {
            Some(Piece::Literal(last)) => {
                last.trim_end_matches('/').contains('/') || before.len() == 1
            }
            _ => false,
        };
        !is_said && is_named
    }

    /// The collection of what it leads through as the parent: all that stands before it in the path.
    pub(in crate::resource) fn parents_collection(&self) -> Option<String> {
        let at = self.path.0.iter().position(|it| *it == Piece::Parent)?;
        let (before, _) = self.path.0.split_at_checked(at)?;
        let before: String = before.iter().map(Piece::in_words).collect();
        (!before.contains('?')).then_some(before)
    }

    /// Whether the object says which parameter of the query is set, and not only to what.
    pub(crate) fn says_its_query(&self) -> bool {
        let mut before = String::new();
        self.path.0.iter().any(|piece| {
            let query = before.split_once('?').map(|(_, query)| query);
            let name = query.and_then(|query| query.rsplit('&').next());
            let is_name = name.is_some_and(|name| !name.contains('='));
            let is_said = matches!(piece, Piece::Pointer(_));
            before.push_str(&piece.in_words());
            is_name && is_said
        })
    }

    /// Whether anything in its query or its body is the object's to say.
    pub fn is_filled_by_the_object(&self) -> bool {
        let path = self.path_source();
        let (_, query) = path.split_once('?').unwrap_or_default();
        let body = self.body.iter().flat_map(strings);
        let mut texts = std::iter::once(query).chain(body);
        texts.any(|text| text.contains("{/"))
    }

    /// Whether something stands behind the thing's id in the path that only the object says: nobody can know beforehand what the
    /// request will aim at.
    pub(crate) fn goes_on_unknown(&self) -> bool {
        let id = self.path.0.iter().position(|piece| *piece == Piece::Id);
        let behind = id.and_then(|at| self.path.0.get(at + 1..)).unwrap_or(&[]);
        let is_path = |piece: &&Piece| !matches!(piece, Piece::Literal(text) if text.contains('?'));
        let mut behind = behind.iter().take_while(is_path);
        behind.any(|piece| !matches!(piece, Piece::Literal(_)))
    }

    /// Whether it changes who may do what: role assignments, their inheritance, and who is in a group. Whatever thing such a path
    /// names, it is another one's rights that change.
    pub(crate) fn grants(&self) -> bool {
        let path = self.path_source().split('?').next().unwrap_or_default();
        let segments: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
        let at = |name: &str| segments.iter().position(|segment| *segment == name);
        // `/v3/roles/{id}` is a role itself, and `/v3/users/{id}` a user.
        let is_assignment = at("roles").is_some_and(|at| at > 1);
        let is_membership = at("groups")
            .zip(at("users"))
            .is_some_and(|(group, user)| group < user);
        is_assignment || is_membership || at("implies").is_some()
    }

    /// Where a rule may read because it may send this: the collection, and where that is nested in something that the object
    /// names itself, the one listing of all that is nested so. Empty for an action on another thing.
    pub(crate) fn read_paths(&self) -> Vec<ReadPath> {
        const SAID: &str = "\u{1}";
        let Some(Text(pieces)) = self.marked() else {
            return Vec::new();
        };
        let marked = pieces.iter().map(|piece| match piece {
            Piece::Literal(text) => text,
            Piece::Id | Piece::Parent | Piece::Project | Piece::Pointer(_) => SAID,
        });
        let marked: String = marked.collect();
        let paths = [unnested(&marked), Some(marked)];
        let read = paths.iter().flatten().map(|path| {
            let segments = path.trim_matches('/').split('/');
            ReadPath::of_segments(segments.map(|it| (it != NAMED && it != SAID).then_some(it)))
        });
        read.collect()
    }

    fn before_id(&self) -> Option<Text> {
        let at = self.path.0.iter().position(|piece| *piece == Piece::Id)?;
        let (before, _) = self.path.0.split_at_checked(at)?;
        Some(Text(before.to_vec()))
    }

    /// The path before `/{id}` with [`NAMED`] for each pointer.
    fn marked(&self) -> Option<Text> {
        let pieces = self.before_id()?.0.into_iter().map(|piece| match piece {
            Piece::Pointer(_) => Piece::Literal(NAMED.to_owned()),
            other => other,
        });
        Some(Text(pieces.collect()))
    }
}

/// Stands for a segment that the object names. No path holds it.
const NAMED: &str = "\0";

/// A marked path without what its collection is nested in: a named segment goes with the literal one before it, or alone where
/// it is the last. `None` if there is none.
fn unnested(marked: &str) -> Option<String> {
    let path = marked.strip_suffix('/')?;
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        if segment != NAMED {
            kept.push(segment);
        } else if segments.peek().is_some() {
            kept.pop();
        }
    }
    (path.contains(NAMED) && kept.len() > 1).then(|| kept.join("/") + "/")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::ThingRef;
    use super::*;

    fn collections(template: &str) -> Vec<String> {
        let thing = Thing {
            at: ThingRef::new("dns.recordset", "r"),
            name: None,
            is_cloud_named: false,
            project: None,
            parent: Some(ThingRef::new("dns.zone", "z z")),
            created_at: None,
            status: None,
            tags: Some(Vec::new()),
            object: String::new(),
        };
        let object = json!({"zone_id": "z", "stack_name": "a/b"});
        let template = Template::parse(template).unwrap();
        template.collections(&thing, &object)
    }

    #[test]
    fn a_thing_is_listed_where_it_is_deleted() {
        for (template, listed) in [
            ("DELETE /v2.0/ports/{id}", &["/v2.0/ports"][..]),
            (
                "DELETE /os-keypairs/{id}?user_id={parent}",
                &["/os-keypairs"],
            ),
            (
                "DELETE /v2/zones/{parent}/recordsets/{id}",
                &["/v2/zones/z%20z/recordsets"],
            ),
            (
                "DELETE /v2/zones/{/zone_id}/recordsets/{id}",
                &["/v2/zones/z/recordsets", "/v2/recordsets"],
            ),
            (
                "DELETE /stacks/{/stack_name}/{id}",
                &["/stacks/a%2Fb", "/stacks"],
            ),
            ("DELETE /stacks/{/absent}/{id}", &["/stacks"]),
            (
                "PUT /v2.0/routers/{/zone_id}/remove {\"port_id\":\"{id}\"}",
                &[],
            ),
        ] {
            assert_eq!(collections(template), listed, "{template}");
        }
    }

    #[test]
    fn templates_of_one_collection_say_the_same() {
        let from = |template: &str| Template::parse(template).unwrap().acts_in();
        assert_eq!(
            from("DELETE /v2.0/ports/{id}"),
            from("DELETE /v2.0/ports/{id}?force=true")
        );
        assert_ne!(
            from("DELETE /stacks/{/stack_name}/{id}"),
            from("DELETE /stacks/{id}")
        );
        assert_ne!(
            from("DELETE /v2/{/tags/0}/{id}"),
            from("DELETE /v2/{/tags/1}/{id}")
        );
        assert_ne!(
            from("DELETE /v2/images/{id}"),
            from("DELETE /v2/tasks/{/x}/images/{id}")
        );
        assert_ne!(
            from("DELETE /v2.0/ports/{id}"),
            from("DELETE /v2.0/networks/{id}")
        );
        assert_ne!(
            from("DELETE /a/{parent}/c/{id}"),
            from("DELETE /b/{parent}/c/{id}")
        );
        assert_eq!(
            from("DELETE /v2.0/ports/{id}"),
            from("POST /v2.0/ports/{id}/action {}")
        );
        let action = "PUT /v2.0/routers/{/device_id}/remove {\"port_id\":\"{id}\"}";
        assert_eq!(from(action), None);
    }

    /// (begins literally, acts in the open, leads through a parent of this collection)
    #[test]
    fn a_collection_is_what_can_be_read_in_the_template() {
        for (template, begins, is_open, parents) in [
            ("DELETE /v2.0/ports/{id}", true, true, None),
            ("DELETE /servers/{id}", true, true, None),
            (
                "DELETE /os-keypairs/{id}?user_id={parent}",
                true,
                true,
                None,
            ),
            (
                "DELETE /v2/zones/{parent}/shares/{id}",
                true,
                true,
                Some("/v2/zones/"),
            ),
            ("DELETE /{id}", false, true, None),
            ("DELETE /v2/{id}", false, true, None),
            ("DELETE /{parent}/{id}", false, false, Some("/")),
            ("DELETE /v2.0/{parent}/{id}", false, false, Some("/v2.0/")),
            (
                "DELETE /v2.0/lbaas/{parent}/{id}",
                true,
                false,
                Some("/v2.0/lbaas/"),
            ),
            (
                "DELETE /v2.0/x-{parent}/{id}",
                false,
                false,
                Some("/v2.0/x-"),
            ),
            ("DELETE /v2/{/tags/0}/{id}", false, false, None),
            ("DELETE /v2/images/none/{/name}/{id}", true, false, None),
            ("DELETE /v2/tasks/{/x}/images/{id}", true, false, None),
            ("DELETE /{project}/ports/{id}", false, true, None),
            (
                "PUT /v2.0/routers/{/device_id}/remove_x {\"port_id\":\"{id}\"}",
                true,
                true,
                None,
            ),
            (
                "PUT /{/device_id}/remove_x {\"port_id\":\"{id}\"}",
                false,
                true,
                None,
            ),
        ] {
            let it = Template::parse(template).unwrap();
            assert_eq!(it.begins_literally(), begins, "{template}");
            assert_eq!(it.acts_in_the_open(), is_open, "{template}");
            assert_eq!(it.parents_collection().as_deref(), parents, "{template}");
        }
    }

    /// (says which parameter, says anything in query or body)
    #[test]
    fn what_the_object_says_of_a_request_is_told() {
        for (template, names, fills) in [
            ("DELETE /v2/images/{id}", false, false),
            ("DELETE /v2/images/{id}?force=true", false, false),
            ("DELETE /shares/{id}?share_group_id={/group}", false, true),
            ("DELETE /v2/images/{id}?{/how}=true", true, true),
            ("DELETE /v2/images/{id}?a=1&{/how}={/value}", true, true),
            ("DELETE /v2/images/{id}?a={/x}&b={/y}", false, true),
            (
                "POST /v2/images/{id}/action {\"verb\":\"{/how}\"}",
                false,
                true,
            ),
            (
                "POST /v2/images/{id}/action {\"verb\":\"{id}\"}",
                false,
                false,
            ),
        ] {
            let it = Template::parse(template).unwrap();
            assert_eq!(it.says_its_query(), names, "{template}");
            assert_eq!(it.is_filled_by_the_object(), fills, "{template}");
        }
    }

    #[test]
    fn behind_the_id_stands_what_everybody_can_read() {
        for (template, is_unknown) in [
            ("DELETE /v2.0/ports/{id}?user_id={parent}", false),
            ("PUT /v2.0/routers/{id}/remove {}", false),
            ("PUT /v2.0/routers/{id}/{/verb} {}", true),
            ("PUT /v3/projects/{id}/users/{/user_id} {}", true),
            ("PUT /v3/projects/{id}/x/{parent} {}", true),
            (
                "PUT /v2.0/routers/{/device_id}/remove {\"port_id\":\"{id}\"}",
                false,
            ),
        ] {
            let template = Template::parse(template).unwrap();
            assert_eq!(template.goes_on_unknown(), is_unknown, "{template}");
        }
    }

    #[test]
    fn rights_are_no_things() {
        for (template, grants) in [
            ("DELETE /v3/roles/{id}", false),
            ("DELETE /v3/users/{id}", false),
            ("DELETE /v3/groups/{id}", false),
            (
                "DELETE /v3/users/{parent}/application_credentials/{id}",
                false,
            ),
            ("PUT /v3/system/users/{id}/roles/r-admin", true),
            ("PUT /v3/projects/p/users/{id}/roles/r-admin", true),
            ("DELETE /v3/projects/p/users/u/roles/{id}", true),
            (
                "PUT /v3/OS-INHERIT/domains/d/groups/{id}/roles/r/inherited_to_projects",
                true,
            ),
            ("PUT /v3/groups/g-admins/users/{id}", true),
            ("DELETE /v3/groups/{parent}/users/{id}", true),
            ("PUT /v3/roles/{id}/implies/r-admin", true),
        ] {
            let template = Template::parse(template).unwrap();
            assert_eq!(template.grants(), grants, "{template}");
        }
    }
}
