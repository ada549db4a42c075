//! What a declaration is read as, and what it is refused for.

use serde_json::json;

use super::*;
use crate::resource::PROJECT_KIND;
use crate::resource::{Owner, Relation};

pub(super) fn ports() -> Kind {
    Kind {
        name: "network.port".into(),
        service: "network".to_owned(),
        reach: Reach::Projects,
        fields: Fields {
            id: "/id".to_owned(),
            names: vec!["/name".to_owned()],
            project: "/project_id".to_owned(),
            created_at: "/created_at".to_owned(),
            tags: "/tags".to_owned(),
            status: "/status".to_owned(),
        },
        owners: vec![
            OwnerField {
                kind: "network.router".into(),
                at: "/device_id".to_owned(),
            },
            OwnerField {
                kind: "network.subnet".into(),
                at: "/fixed_ips/*/subnet_id".to_owned(),
            },
        ],
        after: Vec::new(),
        requests: vec![Template::parse("DELETE /v2.0/ports/{id}").unwrap()],
        reads: Vec::new(),
        sees: Vec::new(),
        failed_states: vec!["error_deleting".to_owned()],
        effects: Effects::default(),
    }
}

fn read(object: &Value, path: &str) -> Result<Thing, Flaw> {
    ports().read(&object.to_string(), object, None, path)
}

#[test]
fn an_object_is_read_where_the_declaration_says() {
    let object = json!({"id": "a", "name": "n", "project_id": "p", "status": "DOWN", "tags": ["x"],
                        "created_at": "2026-11-22T17:16:40Z", "device_id": "lb-r1",
                        "fixed_ips": [{"subnet_id": "s1"}, {"subnet_id": "s2"}]});
    let thing = read(&object, "/v2.0/ports").unwrap();
    assert_eq!(
        (
            &*thing.at.id,
            thing.project.as_deref(),
            thing.tags.as_deref()
        ),
        ("a", Some("p"), Some(&["x".to_owned()][..]))
    );
    assert_eq!(
        thing.created_at.unwrap().to_string(),
        "2026-11-22T17:16:40Z"
    );
    let owner = |kind: &str, id: &str| Owner {
        relation: Relation::NamedBy,
        owner: ThingRef::new(kind, id),
    };
    for (owner, stands_there) in [
        (owner("network.router", "r1"), true),
        (owner("network.router", "1"), false),
        (owner("network.subnet", "s2"), true),
        (owner("network.subnet", "s3"), false),
        (owner("network.network", "s2"), false),
    ] {
        assert_eq!(
            ports()
                .check_owners(&thing, &object, std::slice::from_ref(&owner))
                .is_ok(),
            stands_there,
            "{owner:?}"
        );
    }
    assert!(ports().check_name(&thing.at, &object, "n").is_ok());
    assert!(
        ports().check_name(&thing.at, &object, "DOWN").is_err(),
        "a name from another field"
    );
}

#[test]
fn an_object_counts_only_in_its_own_collection() {
    let object = json!({"id": "a"});
    for (path, counts) in [
        ("/v2.0/ports", true),
        ("/v2.0/ports/", true),
        ("/v2.0/ports/detail", true),
        ("/v2.0/ports/a", true),
        ("/ports", true),
        ("/v2.0/ports/b", false),
        ("/v2.0/portsx", false),
        ("/v2.0/networks", false),
        ("/", false),
    ] {
        assert_eq!(read(&object, path).is_ok(), counts, "{path}");
    }
}

/// A port that mentions a stranger's, in whatever field its owner may write to.
#[test]
fn an_object_goes_by_its_own_id() {
    let read = |id: &str, object: Value, change: fn(&mut Kind)| {
        let mut kind = ports();
        kind.fields.id = id.to_owned();
        kind.fields.names = vec!["/description".to_owned()];
        kind.owners.clear();
        change(&mut kind);
        kind.read(&object.to_string(), &object, None, "/v2.0/ports")
            .is_ok()
    };
    let by_id = |kind: &mut Kind| kind.fields.names = vec![kind.fields.id.clone()];
    for id in ["/name", "/port_ref", "/uuid"] {
        let object = json!({"id": "a", "name": "b", "uuid": "b", "port_ref": "b"});
        assert!(!read(id, object, |_| {}), "{id}");
    }
    let row = json!({"id": 7, "uuid": "b"});
    assert!(read("/uuid", row, |_| {}), "the number of a row");
    let unlike = json!({"id": 7, "name": "b"});
    assert!(!read("/name", unlike, |_| {}), "a number is an id too");
    assert!(
        read("/name", json!({"name": "b"}), |_| {}),
        "there is no other"
    );
    let workbook = || json!({"id": "a", "name": "b"});
    assert!(read("/name", workbook(), by_id), "its name is its id");
    assert!(!read("/name", workbook(), |kind| {
        kind.fields.names = vec![kind.fields.id.clone()];
        kind.owners = ports().owners;
    }));
    assert!(!read(
        "/keypair/name",
        json!({"keypair": {"id": "a", "name": "b"}}),
        |_| {}
    ));
}

/// Reads an object that was listed under the router `r1`.
fn read_under(template: &str, id: &str, object: &Value, path: &str) -> bool {
    let parent = ThingRef::new("network.router", "r1");
    let mut kind = ports();
    kind.reach = Reach::UnderEach("network.router".into());
    kind.fields.id = id.to_owned();
    kind.requests = vec![Template::parse(template).unwrap()];
    kind.read(&object.to_string(), object, Some(&parent), path)
        .is_ok()
}

#[test]
fn what_is_under_something_shows_it() {
    let flat = "DELETE /v2.0/ports/{id}";
    for (object, says_so) in [
        (json!({"id": "a"}), false),
        (json!({"id": "a", "device_id": "r1"}), true),
        (json!({"id": "a", "device_id": "r2"}), false),
        (json!({"id": "a", "name": "r1"}), false),
    ] {
        let is_under = read_under(flat, "/id", &object, "/v2.0/ports");
        assert_eq!(is_under, says_so, "{object}");
    }
    let nested = "DELETE /v2.0/routers/{parent}/ports/{id}";
    for (path, leads_there) in [
        ("/v2.0/routers/r1/ports", true),
        ("/v2.0/routers/r2/ports", false),
    ] {
        let is_under = read_under(nested, "/id", &json!({"id": "a"}), path);
        assert_eq!(is_under, leads_there, "{path}");
    }
    // A service may ignore a query, and then whatever is called so is part of whatever goes.
    let queried = "DELETE /v2.0/ports/{id}?router={parent}";
    for (id, object, is_under) in [
        ("/id", json!({"id": "a"}), false),
        ("/name", json!({"name": "a"}), false),
        ("/name", json!({"name": "a", "device_id": "r1"}), true),
    ] {
        let read = read_under(queried, id, &object, "/v2.0/ports");
        assert_eq!(read, is_under, "{id}");
    }
}

/// Nova's key pairs are the one kind of which it is known that the query counts.
#[test]
fn a_query_counts_where_it_is_known_to() {
    let parent = ThingRef::new("identity.user", "u1");
    let read = |service: &str, template: &str| {
        let mut kind = ports();
        kind.service = service.to_owned();
        kind.fields.id = "/keypair/name".to_owned();
        kind.owners.clear();
        kind.requests = vec![Template::parse(template).unwrap()];
        let object = json!({"keypair": {"name": "k"}});
        let thing = kind.read(&object.to_string(), &object, Some(&parent), "/os-keypairs");
        thing.is_ok()
    };
    let known = "DELETE /os-keypairs/{id}?user_id={parent}";
    assert!(read("compute", known));
    assert!(read(
        "compute",
        "DELETE /v2.1/os-keypairs/{id}?user_id={parent}"
    ));
    assert!(!read("image", known));
    assert!(!read("compute", "DELETE /os-keypairs/{id}?user={parent}"));
}

/// It has its parent's id, so the object must be that of the parent.
#[test]
fn the_one_thing_of_its_parent_is_listed_by_itself() {
    for (path, counts) in [
        ("/v2.0/ports/r1", true),
        ("/v2.0/ports/r2", false),
        ("/v2.0/ports", false),
        ("/v2.0/ports/detail", false),
    ] {
        let read = read_under("DELETE /v2.0/ports/{id}", "", &json!({}), path);
        assert_eq!(read, counts, "{path}");
    }
}

#[test]
fn a_wrapper_counts_only_if_it_is_all_there_is() {
    let mut kind = ports();
    kind.fields.names = vec!["/keypair/name".to_owned()];
    let at = ThingRef::new("network.port", "a");
    assert!(
        kind.check_name(&at, &json!({"keypair": {"name": "k"}}), "k")
            .is_ok()
    );
    assert!(
        kind.check_name(&at, &json!({"id": "a", "keypair": {"name": "k"}}), "k")
            .is_err()
    );
}

#[test]
fn ids_are_strings_or_numbers_to_the_letter() {
    for (id, read_as) in [
        (json!("a"), Some("a")),
        (json!(7), Some("7")),
        (json!("x://OS::Compute"), Some("x://OS::Compute")),
        (json!(null), None),
        (json!(""), None),
        (json!("x".repeat(ID_BYTES_MAX + 1)), None),
    ] {
        let thing = read(&json!({"id": id}), "/v2.0/ports").ok();
        assert_eq!(thing.as_ref().map(|thing| &*thing.at.id), read_as, "{id}");
    }
}

#[test]
fn only_of_what_is_called_a_reference_the_end_is_the_id() {
    const URL: &str = "http://127.0.0.1:9311/v1/secrets/s1";
    for (field, id, read_as) in [
        ("name", "http://h/a/", "http://h/a/"),
        ("namespace", "x://OS::Compute", "x://OS::Compute"),
        ("alarm_id", URL, URL),
        ("secret_ref", URL, "s1"),
        ("secret_href", URL, "s1"),
        ("secret_ref", "s1", "s1"),
    ] {
        let mut kind = ports();
        kind.fields.id = format!("/{field}");
        let object = json!({ field: id });
        let thing = kind.read(&object.to_string(), &object, None, "/v2.0/ports");
        assert_eq!(thing.map(|it| it.at.id.to_string()), Ok(read_as.to_owned()));
    }
}

/// Nothing is deleted by a witness's id, but others hang together by what it says.
#[test]
fn a_witness_is_read_like_anything_else() {
    let read = |id: &str, object: Value, path: &str| {
        let mut kind = ports();
        kind.fields.id = id.to_owned();
        kind.requests.clear();
        kind.effects.is_witness = true;
        kind.reads = vec![ReadPath::parse("/v3/role_assignments").unwrap()];
        let thing = kind.read(&object.to_string(), &object, None, path);
        thing.ok().map(|thing| thing.at.id.to_string())
    };
    let link = "http://h/v3/projects/p/users/u/roles/r";
    let assignment = json!({"links": {"assignment": link}, "role": {"id": "r"}});
    for (id, object, path, read_as) in [
        (
            "/links/assignment",
            &assignment,
            "/v3/role_assignments",
            Some(link),
        ),
        (
            "/links/assignment",
            &assignment,
            "/role_assignments",
            Some(link),
        ),
        ("/links/assignment", &assignment, "/v3/users", None),
        (
            "/links/assignment",
            &assignment,
            "/v3/role_assignments/x",
            None,
        ),
        ("/role/id", &assignment, "/v3/role_assignments", None),
        (
            "/name",
            &json!({"id": "a", "name": "b"}),
            "/v3/role_assignments",
            None,
        ),
        (
            "/id",
            &json!({"id": "a", "name": "b"}),
            "/v3/role_assignments",
            Some("a"),
        ),
    ] {
        assert_eq!(
            read(id, object.clone(), path).as_deref(),
            read_as,
            "{id} {path}"
        );
    }
}

/// What is called `detail` has a page of its own, and things on it.
#[test]
fn where_ids_are_names_detail_is_one() {
    let mut kind = ports();
    kind.fields.id = "/name".to_owned();
    let object = json!({"name": "a"});
    let read = |path: &str| kind.read(&object.to_string(), &object, None, path);
    assert!(read("/v2.0/ports").is_ok() && read("/v2.0/ports/a").is_ok());
    assert!(read("/v2.0/ports/detail").is_err());
}

/// Whatever a kind declares, an object says itself whose it is.
#[test]
fn a_project_is_read_from_the_object_in_every_reach() {
    for reach in [
        Reach::Projects,
        Reach::EachProject,
        Reach::Cloud,
        Reach::UnderEach("network.router".into()),
        Reach::UnderDeleted("network.router".into()),
    ] {
        let mut kind = ports();
        kind.reach = reach;
        kind.fields.project = String::new();
        for object in [
            json!({"id": "a", "device_id": "r1", "tenant_id": "p"}),
            json!({"id": "a", "device_id": "r1", "owner": "p"}),
        ] {
            let parent = kind.reach.parent().cloned();
            let parent = parent.map(|kind| ThingRef::new(kind, "r1"));
            let thing = kind.read(&object.to_string(), &object, parent.as_ref(), "/v2.0/ports");
            let project = thing.unwrap().project;
            assert_eq!(project.as_deref(), Some("p"), "{:?} {object}", kind.reach);
        }
    }
    let wrapped = json!({"port": {"id": "a", "project_id": "p"}});
    assert_eq!(Kind::own_project(&wrapped), Some("p"));
    let mentioned = json!({"id": "a", "network": {"project_id": "p"}});
    assert_eq!(Kind::own_project(&mentioned), None);
}

#[test]
fn declarations_beyond_the_ordinary_are_named() {
    let unusual = |change: fn(&mut Kind)| {
        let mut kind = ports();
        change(&mut kind);
        kind.unusual().len()
    };
    assert_eq!(unusual(|_| {}), 0);
    let second = |kind: &mut Kind| {
        let template = Template::parse("DELETE /v2.0/networks/{id}");
        kind.requests.extend(template);
    };
    assert_eq!(unusual(second), 1);
    let written_elsewhere = |kind: &mut Kind| {
        let template = Template::parse("PUT /v2.0/networks/{id} {\"network\":{}}");
        kind.requests.extend(template);
    };
    assert_eq!(unusual(written_elsewhere), 1);
    let unknown_action = |kind: &mut Kind| {
        let template = Template::parse("PUT /v2.0/ports/{id}/{/verb} {}");
        kind.requests.extend(template);
    };
    assert_eq!(unusual(unknown_action), 1);
    assert_eq!(unusual(|kind| kind.fields.id = "/network_id".to_owned()), 1);
    assert_eq!(unusual(|kind| kind.fields.id = "/_id".to_owned()), 1);
    assert_eq!(unusual(|kind| kind.fields.id = "/port_id".to_owned()), 0);
    assert_eq!(
        unusual(|kind| kind.fields.names.push("/flavor/original_name".to_owned())),
        1
    );
    assert_eq!(
        unusual(|kind| kind.fields.project = "/network".to_owned()),
        1
    );
    for (project, count) in [
        ("/os-vol-tenant-attr:tenant_id", 0),
        ("/source_project_id", 0),
        ("/created_by_project_id", 0),
        ("/target_project_id", 1),
        ("/default_project_id", 1),
        ("/device_owner", 1),
    ] {
        let mut kind = ports();
        kind.fields.project = project.to_owned();
        assert_eq!(kind.unusual().len(), count, "{project}");
    }
}

#[test]
fn malformed_declarations_are_refused() {
    let check = |change: fn(&mut Kind)| {
        let mut kind = ports();
        change(&mut kind);
        kind.check()
    };
    assert_eq!(check(|_| {}), Ok(()));
    assert!(check(|kind| kind.name = "ports".into()).is_err());
    assert!(check(|kind| kind.name = "Network.port".into()).is_err());
    assert!(check(|kind| kind.name = PROJECT_KIND.into()).is_err());
    assert!(check(|kind| kind.requests.clear()).is_err());
    assert!(check(|kind| kind.owners = vec![kind.owners[0].clone(); 201]).is_err());
    assert!(check(|kind| kind.fields.names = vec!["/name".to_owned(); 201]).is_err());
    let grant = |kind: &mut Kind| {
        let template = Template::parse("PUT /v3/system/users/{id}/roles/r-admin");
        kind.requests.extend(template);
    };
    assert!(check(grant).is_err());
    assert!(check(|kind| kind.fields.id = String::new()).is_err());
    assert!(check(|kind| kind.fields.names = vec!["/a/b/c".to_owned()]).is_err());
    assert!(check(|kind| kind.fields.project = "project_id".to_owned()).is_err());
}

#[test]
fn times_without_a_zone_are_utc() {
    assert_eq!(
        parse_time("2026-11-22T17:16:40.000000")
            .unwrap()
            .to_string(),
        "2026-11-22T17:16:40Z"
    );
    assert_eq!(parse_time("yesterday"), None);
}
