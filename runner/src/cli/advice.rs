//! What an author may want to know of a rule that is taken as it is.

use crate::guest::Component;
use crate::resource::{Kind, Reach};

/// Bytes of debug information that are worth a word. Compilation reads them, and nothing uses them.
const DEBUG_BYTES_MAX: usize = 50_000;

/// Advice on a component and its kinds, a sentence each.
pub(super) fn advice(rule: &Component) -> Vec<String> {
    let mut advice = Vec::new();
    let outline = rule.outline();
    let exports = |interface: &str| {
        let prefix = format!("cleanup:rules/{interface}@");
        outline.exports.iter().any(|it| it.starts_with(&prefix))
    };
    if !outline
        .imports
        .iter()
        .any(|it| it.starts_with("wasi:cli/stderr@"))
    {
        advice.push("it cannot write to standard error, so a crash will have no words of its own; build it with WASI".to_owned());
    }
    if outline.debug_bytes > DEBUG_BYTES_MAX {
        let bytes = outline.debug_bytes;
        advice.push(format!(
            "{bytes} bytes of it are debug information, of no use to anybody here; strip it"
        ));
    }
    for kind in rule.kinds() {
        let of_kind = about(kind, exports("owners"));
        advice.extend(
            of_kind
                .into_iter()
                .map(|text| format!("{}: {text}", kind.name)),
        );
    }
    advice
}

fn about(kind: &Kind, exports_owners: bool) -> Vec<&'static str> {
    let (fields, mut advice) = (&kind.fields, Vec::new());
    let goes_with_parent = matches!(kind.reach, Reach::UnderDeleted(_));
    if !kind.owners.is_empty() && !exports_owners {
        advice.push("it declares owners, but `owners` is not exported (world `guest-owners`), so nobody can say who they are");
    }
    if fields.names.is_empty() && kind.owners.is_empty() && !has_parent(kind) {
        advice.push("it has neither names nor owners: nothing of it goes, unless its project does");
    }
    if fields.project.is_empty() && kind.reach == Reach::Projects {
        advice.push("its objects show no project: a sweep with --project keeps them all");
    }
    if fields.created_at.is_empty() && !goes_with_parent {
        advice.push("its objects show no age: a sweep with --created-after or --created-before keeps them all");
    }
    if fields.status.is_empty() && !kind.failed_states.is_empty() {
        advice.push("it has failed states, but no status field to see them in");
    }
    advice
}

fn has_parent(kind: &Kind) -> bool {
    matches!(kind.reach, Reach::UnderEach(_) | Reach::UnderDeleted(_))
}

#[cfg(test)]
mod tests {
    use crate::resource::{Effects, Fields, OwnerField};

    use super::*;

    fn kind() -> Kind {
        let at = |field: &str| format!("/{field}");
        Kind {
            name: "dns.zone".into(),
            service: "dns".into(),
            reach: Reach::Projects,
            fields: Fields {
                id: at("id"),
                names: vec![at("name")],
                project: at("project_id"),
                created_at: at("created_at"),
                status: at("status"),
                tags: String::new(),
            },
            owners: Vec::new(),
            after: Vec::new(),
            requests: Vec::new(),
            reads: Vec::new(),
            sees: Vec::new(),
            failed_states: Vec::new(),
            effects: Effects::default(),
        }
    }

    #[test]
    fn a_kind_that_says_all_needs_no_advice() {
        assert_eq!(about(&kind(), false), Vec::<&str>::new());
    }

    #[test]
    fn what_a_kind_does_not_say_has_consequences() {
        type Change = fn(&mut Kind);
        let cases: [(Change, &str); 5] = [
            (
                |kind| kind.fields.project.clear(),
                "--project keeps them all",
            ),
            (|kind| kind.fields.created_at.clear(), "--created-after"),
            (|kind| kind.fields.names.clear(), "nothing of it goes"),
            (
                |kind| {
                    let kind_of_owner = "network.router".into();
                    let at = "/device_id".to_owned();
                    kind.owners.push(OwnerField {
                        kind: kind_of_owner,
                        at,
                    });
                },
                "`owners` is not exported",
            ),
            (
                |kind| {
                    kind.failed_states.push("ERROR".to_owned());
                    kind.fields.status.clear();
                },
                "no status field",
            ),
        ];
        for (change, words) in cases {
            let mut kind = kind();
            change(&mut kind);
            let advice = about(&kind, false);
            assert!(
                advice.len() == 1 && advice[0].contains(words),
                "{words}: {advice:?}"
            );
        }
    }
}
