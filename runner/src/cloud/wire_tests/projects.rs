//! Which project a word stands for.

use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::fake::{Fake, status};
use crate::cloud::ErrorKind;

/// A Keystone with these projects, `id name`, for an administrator or for somebody who sees none.
async fn keystone(projects: &'static [&'static str], is_admin: bool) -> Fake {
    Fake::start(move |fake, call| async move {
        if call.is_for_token() {
            return fake.token_with_role(&call, if is_admin { "admin" } else { "member" });
        }
        if !is_admin {
            return status(403);
        }
        let known = projects.iter().map(|it| it.split_once(' ').unwrap());
        let show = |(id, name): (&str, &str)| json!({ "id": id, "name": name });
        if let Some(name) = call.query.strip_prefix("name=") {
            let named = known.filter(|(_, it)| *it == name).map(show);
            let named: Vec<Value> = named.collect();
            return json!({ "projects": named }).to_string().into_response();
        }
        let wanted = call.path.rsplit('/').next().unwrap();
        match known.clone().find(|(id, _)| *id == wanted) {
            Some(found) => json!({ "project": show(found) })
                .to_string()
                .into_response(),
            None if wanted == "broken" => status(500),
            None => status(404),
        }
    })
    .await
}

#[tokio::test]
async fn an_id_comes_before_a_name_and_two_projects_are_none() {
    const PROJECTS: &[&str] = &[
        "1a demo",
        "2b shop",
        "3c 2b",
        "4d same",
        "5e same",
        "self self",
        "project-1 own",
    ];
    for (given, expected) in [
        ("1a", Ok("1a")),
        ("demo", Ok("1a")),
        ("self", Ok("self")),
        ("2b", Err("3c")),
        ("same", Err("4d, 5e")),
        ("nowhere", Err("no project nowhere")),
        ("../2b", Err("no project ../2b")),
        ("", Err("no project")),
        ("broken", Err("answered 500")),
    ] {
        let session = keystone(PROJECTS, true).await.session().await;
        let found = session.project_id(given).await;
        let found = found.map_err(|error| error.to_string());
        match expected {
            Ok(id) => assert_eq!(found.as_deref(), Ok(id), "{given}"),
            Err(words) => assert!(
                found.as_ref().is_err_and(|said| said.contains(words)),
                "{given}: {found:?}"
            ),
        }
    }
}

#[tokio::test]
async fn both_projects_are_named() {
    let session = keystone(&["2b shop", "3c 2b"], true).await.session().await;
    let error = session.project_id("2b").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let text = error.to_string();
    assert!(
        text.contains("2b is called shop") && text.contains("3c"),
        "{text}"
    );
}

#[tokio::test]
async fn a_user_knows_the_own_project_and_no_other() {
    let session = keystone(&[], false).await.session().await;
    assert_eq!(session.project_id("project-1").await.unwrap(), "project-1");
    let error = session.project_id("other").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

/// A Keystone that shows all projects in pages of one, for as long as it is asked properly.
async fn paged(last: &'static str) -> Fake {
    Fake::start(move |fake, call| async move {
        if call.is_for_token() {
            return fake.token_with_role(&call, "admin");
        }
        let pages = [("1a", "Production"), ("2b", "shop"), ("3c", "my-prod")];
        let page: usize = call
            .query
            .strip_prefix("marker=")
            .map_or(0, |it| it.parse().unwrap());
        let (id, name) = pages[page];
        let mut answer = json!({"projects": [{"id": id, "name": name}], "links": {"next": null}});
        match (page, last) {
            (2, "truncated") => answer["truncated"] = true.into(),
            (2, "elsewhere") => {
                answer["links"]["next"] = "http://evil.example.org/v3/projects".into();
            }
            (2, "denied") => return status(403),
            (2, _) => {}
            (page, _) => {
                answer["links"]["next"] =
                    format!("{}/v3/projects?marker={}", fake.url, page + 1).into();
            }
        }
        answer.to_string().into_response()
    })
    .await
}

#[tokio::test]
async fn projects_are_found_by_a_word_in_their_names_or_it_is_said_that_nobody_knows() {
    let words = |all: &[&str]| all.iter().map(ToString::to_string).collect();
    let session = paged("whole").await.session().await;
    for (given, expected) in [
        (words(&["PROD"]), &["1a", "3c"][..]),
        (words(&["Shop", "my"]), &["2b", "3c"]),
        (words(&["nobody"]), &[]),
        (words(&[]), &[]),
    ] {
        assert_eq!(session.projects_called(&given).await.unwrap(), expected);
    }
    for (last, why) in [
        ("truncated", "has cut its list short"),
        ("elsewhere", "is no link to go by"),
        ("denied", "does not show them"),
    ] {
        let session = paged(last).await.session().await;
        let error = session
            .projects_called(&words(&["prod"]))
            .await
            .unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[tokio::test]
async fn of_a_user_only_the_own_project_can_be_blocked() {
    let session = keystone(&[], false).await.session().await;
    let own = session.identity().unwrap();
    let crate::cloud::GrantedScope::Project { id, name, .. } = own.scope else {
        panic!("a project's token");
    };
    let word = [name.to_uppercase()].into();
    assert_eq!(session.projects_called(&word).await.unwrap(), [id]);
    assert!(
        session
            .projects_called(&["zzz".to_owned()].into())
            .await
            .unwrap()
            .is_empty()
    );
}
