//! Whoever declares which members he needs is shown no others, whatever he asks, and so can pass none on.

use super::*;
use crate::support::fake_cloud::fault::{Effect, Fault};

/// What stands in members that the rule does not declare.
const UNDECLARED: &str = "marker-of-what-is-undeclared";

/// What stands in the one that it declares.
const DECLARED: &str = "40961536";

impl Scene {
    /// A rule in a cloud where every image, and whatever else it can ask for, has members that it does not declare.
    async fn of_curious(behavior: &str) -> Self {
        let scene = Self::set(behavior).await;
        scene.configure("log_bytes_max = 4096", "log_bytes_max = 1000000");
        let nested = format!(r#"{{"name": "x", "inner": "{UNDECLARED}"}}"#);
        let planted = [
            ("size", DECLARED),
            ("checksum", UNDECLARED),
            ("file", UNDECLARED),
            ("stores", &nested),
        ];
        scene.cloud.edit(|store| {
            for id in &scene.images {
                store.set("image.image", id, json_fields(&planted));
            }
        });
        let hidden = json!({"x": UNDECLARED});
        let task = json!({"id": "t", "input": hidden, "message": UNDECLARED});
        for (path, body) in [
            (
                "tasks",
                json!({"tasks": [task], "message": UNDECLARED, "names": [UNDECLARED], "next": null}),
            ),
            (
                "images/part",
                json!({"message": UNDECLARED, "part": hidden, "parts": [hidden], "x_links": hidden}),
            ),
            (
                "images/wrapped",
                json!({"data": {"message": UNDECLARED, "images": [task], "image": task}}),
            ),
        ] {
            let answer = Effect::Answer {
                status: 200,
                content_type: "application/json",
                body: body.to_string(),
            };
            let path = format!("/image/v2/{path}");
            scene.cloud.inject(Fault::on("GET", &path, answer));
        }
        scene
    }

    /// Has deletions be agreed to, and things be listed as before.
    fn with_what_stays_listed(self) -> Self {
        let answer = Effect::Answer {
            status: 204,
            content_type: "text/html",
            body: String::new(),
        };
        let fault = Fault::on("DELETE", "/image/v2/images/*", answer);
        self.cloud.inject(fault);
        self
    }
}

impl Aftermath {
    fn audit(&self) -> String {
        let entries = self.scene.place.audit().into_iter();
        entries.map(|entry| entry.to_string()).collect()
    }

    /// Nobody said what was not declared, and the audit log does not hold it either.
    fn told_nothing_undeclared(&self) -> &Self {
        let said = self.run.says(UNDECLARED) || self.audit().contains(UNDECLARED);
        assert!(!said, "{}\n--- audit\n{}", self.run, self.audit());
        self
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_undeclared_member_is_shown() {
    let scene = Scene::of_curious("tell-what-is-shown").await;
    let aftermath = scene.with_what_stays_listed().sweep_with(&["-vv"]);
    let calls = ["list", "name", "owners", "order", "delete", "gone"];
    let told = calls.map(|call| format!("{call}: \"size\":{DECLARED}"));
    let told: Vec<&str> = told.iter().map(String::as_str).collect();
    aftermath.is_contained().ended(CLEAN, IMAGES, &told);
    aftermath.told_nothing_undeclared();
}

/// The same rule tells it all where it does not say what it needs: so the test above looks where there is something.
#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_of_his_needs_is_shown_all_but_secrets() {
    let scene = Scene::of_curious("tell-all-that-is-shown").await;
    let aftermath = scene.with_what_stays_listed().sweep_with(&["-vv"]);
    let calls = ["list", "name", "owners", "order", "delete", "gone"];
    let told = calls.map(|call| format!("{call}: \"checksum\":\"{UNDECLARED}\""));
    let told: Vec<&str> = told.iter().map(String::as_str).collect();
    aftermath.is_contained().ended(CLEAN, IMAGES, &told);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_undeclared_member_is_in_an_error_a_refusal_a_crash_or_a_cursor() {
    let declared = [DECLARED];
    for (behavior, code, words) in [
        ("fail-with-what-is-shown", UNLISTED, &declared[..]),
        ("refuse-with-what-is-shown", LEFT, &declared),
        ("crash-with-what-is-shown", LEFT, &declared),
        ("go-on-with-what-is-shown", UNLISTED, &[IN_LIST, MISBEHAVED]),
    ] {
        let scene = Scene::of_curious(behavior).await;
        let aftermath = scene.sweep_with(&["-vv"]);
        aftermath.is_contained().ended(code, IMAGES, words);
        aftermath.told_nothing_undeclared();
    }
}
