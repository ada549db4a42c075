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
