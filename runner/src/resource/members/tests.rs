//! What is shown of objects and answers, case by case.

use super::*;
use crate::resource::{Effects, Fields, OwnerField, Reach};

/// What is shown by these pointers, where the id stands at the first one.
fn shown(pointers: &[&str], body: &str) -> String {
    let at = pointers.iter().filter(|it| !it.is_empty()).copied();
    let view = View(Some(Members {
        id: (*pointers.first().unwrap()).to_owned(),
        at: at.collect(),
    }));
    view.of_answer(body.to_owned())
}

#[test]
fn an_answer_shows_declared_members_and_the_way_on() {
    const PORT: &[&str] = &["/id", "/name", "/ips/*/subnet", "/profile/a~1b"];
    const KEY: &[&str] = &["/keypair/name"];
    const QUOTA: &[&str] = &["", "/project_id"];
    for (pointers, body, expected) in [
        // A thing.
        (
            PORT,
            r#"{"id":1.0, "x":"no","name":"n"}"#,
            r#"{"id":1.0,"name":"n"}"#,
        ),
        (PORT, r#"{"id":null,"next":"no"}"#, r#"{"id":null}"#),
        (
            PORT,
            r#"{"id":"a","ips":[{"subnet":{"x":[1e2]},"ip":"no"},{"ip":"no"},"no"]}"#,
            r#"{"id":"a","ips":[{"subnet":{"x":[1e2]}},{},null]}"#,
        ),
        (
            PORT,
            r#"{"id":"a","profile":{"a/b":"\u0061","a":"no"},"ips":"no"}"#,
            r#"{"id":"a","profile":{"a/b":"\u0061"}}"#,
        ),
        (PORT, r#"{"id":"no","id":"a"}"#, r#"{"id":"a"}"#),
        (PORT, r#"{"\u0069d":"a","x":"no"}"#, r#"{"id":"a"}"#),
        (
            KEY,
            r#"{"keypair":{"name":"k","x":"no"}}"#,
            r#"{"keypair":{"name":"k"}}"#,
        ),
        // Things, and what stands around them.
        (
            PORT,
            r#"{"ports":[{"id":"a","x":"no"}],"next":"/p","total_count":1,"x":"no","tags":["no"],"none":[]}"#,
            r#"{"ports":[{"id":"a"}],"next":"/p","total_count":1,"none":[]}"#,
        ),
        (
            PORT,
            r#"{"ports":[],"ports_links":[{"rel":"next","href":"h"}],"links":{"next":"h","self":null,"x":"no"}}"#,
            r#"{"ports":[],"ports_links":[{"rel":"next","href":"h"}],"links":{"next":"h","self":null}}"#,
        ),
        (
            PORT,
            r#"{"links":[{"rel":"next","href":{"x":"no"},"href":"h"}]}"#,
            r#"{"links":[{"rel":"next","href":"h"}]}"#,
        ),
        (
            PORT,
            r#"{"links":[{"rel":"next","href":"h","x":"no"}],"x_links":{"next":["no"]},"y":[{"rel":"no"}]}"#,
            r#"{"links":[{}],"y":[{}]}"#,
        ),
        (
            PORT,
            r#"{"port":{"id":"a","x":"no"}}"#,
            r#"{"port":{"id":"a"}}"#,
        ),
        (
            PORT,
            r#"{"name":"n","x":"no","y":{"id":"a"}}"#,
            r#"{"name":"n","y":{"id":"a"}}"#,
        ),
        (PORT, r#"{"name":{"x":"no"},"y":1}"#, "{}"),
        (
            PORT,
            r#"{"data":{"ports":[{"id":"a","x":"no"}],"x":"no","count":2}}"#,
            r#"{"data":{"ports":[{"id":"a"}],"count":2}}"#,
        ),
        (PORT, r#"{"data":{"data":{"next":"no"}}}"#, "{}"),
        (
            KEY,
            r#"{"keypairs":[{"keypair":{"name":"k","x":"no"}}]}"#,
            r#"{"keypairs":[{"keypair":{"name":"k"}}]}"#,
        ),
        (PORT, r#"[{"id":"a","x":"no"}]"#, r#"[{"id":"a"}]"#),
        (PORT, r#"{"ports":[{"id":"a"},"no"]}"#, "{}"),
        // The one thing of its parent.
        (
            QUOTA,
            r#"{"quota":{"project_id":"p","x":"no"}}"#,
            r#"{"quota":{"project_id":"p"}}"#,
        ),
        (
            QUOTA,
            r#"{"project_id":"p","next":"no"}"#,
            r#"{"project_id":"p"}"#,
        ),
        (QUOTA, r#"{"quota":{"project_id":"no"},"x":{}}"#, "{}"),
        (
            &["", "/quota/x"],
            r#"{"quota":{"x":1,"y":"no"}}"#,
            r#"{"quota":{"x":1}}"#,
        ),
        // What is no thing at all.
        (PORT, r#"["no"]"#, ""),
        (PORT, "\"no\"", ""),
        (PORT, "no", ""),
        (PORT, "[]", "[]"),
        (PORT, " {} ", "{}"),
    ] {
        assert_eq!(shown(pointers, body), expected, "{body}");
    }
}

fn servers(sees: &[&str]) -> Kind {
    let mut effects = Effects::default();
    for (property, value) in [
        ("takes", "block_storage.volume /volumes/*/id where a/b"),
        ("makes", "key_manager.secret /key_id"),
        ("shared-if", "/public true"),
        ("refused-if", "/locked true it is locked"),
    ] {
        assert!(effects.declare(property, value).unwrap(), "{property}");
    }
    let request = "PUT /hosts/{/host/id}/remove_server {\"server_id\":\"{id}\"}";
    Kind {
        name: "compute.server".into(),
        service: "compute".to_owned(),
        reach: Reach::Projects,
        fields: Fields {
            id: "/uuid".to_owned(),
            names: vec!["/name".to_owned(), "/title".to_owned()],
            project: "/tenant_id".to_owned(),
            created_at: "/created".to_owned(),
            status: "/state".to_owned(),
            tags: "/tags".to_owned(),
        },
        owners: vec![OwnerField {
            kind: "orchestration.stack".into(),
            at: "/stacks/*/id".to_owned(),
        }],
        after: Vec::new(),
        requests: vec![
            Template::parse(request).unwrap(),
            Template::parse("DELETE /servers/{id}").unwrap(),
        ],
        reads: Vec::new(),
        sees: sees
            .iter()
            .map(|it| MemberPointer::parse(it).unwrap())
            .collect(),
        failed_states: Vec::new(),
        effects,
    }
}

#[test]
fn a_kind_sees_what_it_declares_anyhow_and_its_id_always() {
    let members = servers(&["/flavor", "/uuid", "/flavor"]).seen_members();
    let members: Vec<String> = members.unwrap().into_iter().collect();
    let declared = [
        "/created",
        "/flavor",
        "/host/id",
        "/key_id",
        "/locked",
        "/name",
        "/public",
        "/stacks/*/id",
        "/state",
        "/tags",
        "/tenant_id",
        "/title",
        "/uuid",
        "/volumes/*/a~1b",
        "/volumes/*/id",
    ];
    assert_eq!(members, declared);
}

#[test]
fn who_declares_nothing_to_see_sees_all() {
    let kind = servers(&[]);
    assert_eq!(kind.seen_members(), None);
    for text in ["[1, 2]", "{ \"a\":1}", "no JSON", ""] {
        assert_eq!(kind.view().of_answer(text.to_owned()), text);
        assert_eq!(kind.view().of_thing(text), text);
    }
}

#[test]
fn pointers_may_overlap_and_count() {
    for (pointers, expected) in [
        (
            &["/id", "/a/*/b", "/a/1"][..],
            r#"{"id":0,"a":[{"b":1},{"b":2,"c":3}]}"#,
        ),
        (
            &["/id", "/a", "/a/*/b"],
            r#"{"id":0,"a":[{"b":1,"c":0},{"b":2,"c":3}]}"#,
        ),
        (&["/id", "/a/b"], r#"{"id":0,"a":[null,null]}"#),
        (
            &["/id", "/a/*"],
            r#"{"id":0,"a":[{"b":1,"c":0},{"b":2,"c":3}]}"#,
        ),
        (&["/id", "a", "/b"], r#"{"id":0}"#),
    ] {
        let object = r#"{"id":0,"a":[{"b":1,"c":0},{"b":2,"c":3}]}"#;
        let shown = shown(pointers, object);
        assert_eq!(shown, expected, "{pointers:?}");
    }
}

#[test]
fn a_pointer_leads_to_a_member() {
    for text in [
        "/a", "/a/b/*/c", "/a/*", "/a~0b~1c", "/os-x:y", "/a/0", "/*a",
    ] {
        assert_eq!(MemberPointer::parse(text).unwrap().to_string(), text);
    }
    for text in [
        "", "/", "a", "a/b", "/*", "/*/a", "//a", "/a/", "/a~", "/a~2", "/a~/b",
    ] {
        let refused = MemberPointer::parse(text).unwrap_err().to_string();
        assert!(
            refused.contains("is not a valid pointer to a member: expected"),
            "{refused}"
        );
    }
}
