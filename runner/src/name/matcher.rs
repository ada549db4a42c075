//! Many formats and many tasks at once: whose is this name?
//!
//! Does not know clouds, resources or projects; it sees a text and says whose it is. Each name costs one look at each
//! format and one table look-up at most for those whose shape it has, however many tasks are swept.
//!
//! The invariants: without formats nothing matches, and with tasks nothing of another task does. A template never speaks where the
//! shape of a format with runs does, and without tasks it takes nothing: any name would do.

use std::collections::HashMap;
use std::sync::Arc;

use super::{NamedFormat, Origin, OriginFilter, TaskId, TaskPart};

/// Whose a name is. The texts are shared, so that a hundred thousand matches cost no more than their pointers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameMatch {
    /// Who makes such names: `rally scenario`.
    pub label: Arc<str>,
    /// The family of makers.
    pub origin: Origin,
    /// What the name was recognized by: `s_rally_0a1b2c3d_…`.
    pub pattern: Arc<str>,
    /// The task that could have made it: the first given, if the names of several look alike. `None` in a sweep
    /// without tasks.
    pub task: Option<TaskId>,
    /// How sure that is, as in [`TaskPart::sure_bits`]: 32 for eight digits of a uuid. 0 in a sweep without tasks.
    pub sure_bits: u32,
}

/// What a matcher says of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameVerdict {
    /// A swept task could have made it; in a sweep without tasks, any could.
    Ours(NameMatch),
    /// It has the form of a known format, but none of the swept tasks has this task part.
    OtherTask {
        /// Who makes such names: `rally scenario`.
        label: Arc<str>,
    },
    /// It has the form of no format in the sweep.
    Unknown,
}

/// What a name says of itself, whatever is swept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried<'a> {
    /// Who makes such names.
    pub label: Arc<str>,
    /// What such names look like.
    pub pattern: String,
    /// The part of the name that stands for a task.
    pub task: &'a str,
}

/// Tells whose a name is, for all formats and tasks of one sweep. A tail may follow where a format has runs, as
/// [`Match::Start`](super::Match::Start) has it.
#[derive(Clone, Debug)]
pub struct NameMatcher {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    label: Arc<str>,
    named: NamedFormat,
    makers: Makers,
}

/// What to answer for the task part of a name that has the form of the format.
#[derive(Clone, Debug)]
enum Makers {
    Any(NameMatch),
    /// Somebody, but nobody that a sweep without tasks may take.
    Somebody(NameMatch),
    Of(HashMap<String, NameMatch>),
}

/// What a name is judged for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To spare what looks like somebody's.
    Sparing,
    /// To take what is ours.
    Taking,
}

impl NameMatcher {
    /// Prepares a matcher. Where a name has the form of several formats, the first given counts, and templates come last.
    ///
    /// Without tasks the matcher takes every name that has the form of a format with runs, whoever made it.
    pub fn new(formats: Vec<NamedFormat>, tasks: &[TaskId], origins: OriginFilter) -> Self {
        let entries = formats
            .into_iter()
            .filter(|named| origins.allows(named.origin))
            .map(|named| Entry::new(named, tasks));
        let mut entries: Vec<Entry> = entries.collect();
        entries.sort_by_key(|entry| entry.named.format.is_template());
        Self { entries }
    }

    /// What a name says of itself: by the first format whose form it has, of those for this kind if one is given.
    pub fn carried<'a>(&self, kind: Option<&str>, name: &'a str) -> Option<Carried<'a>> {
        let counts = |entry: &&Entry| kind.is_none_or(|kind| entry.named.is_for(kind));
        self.entries.iter().filter(counts).find_map(|entry| {
            let task = entry.named.format.carried(name)?;
            Some(Carried {
                label: Arc::clone(&entry.label),
                pattern: entry.named.format.pattern(None),
                task,
            })
        })
    }

    /// Whose the name is, if it is ours to delete.
    pub fn find(&self, name: &str) -> Option<NameMatch> {
        match self.judge(name) {
            NameVerdict::Ours(found) => Some(found),
            NameVerdict::OtherTask { .. } | NameVerdict::Unknown => None,
        }
    }

    /// Whose the name is, with the reason if it is not ours, whatever bears it. Without tasks, who has the form of a template is ours
    /// here too: this is asked to spare what is.
    pub fn judge(&self, name: &str) -> NameVerdict {
        Self::judge_by(self.entries.iter(), Purpose::Sparing, name)
    }

    /// Whose the name of a thing of this kind is: formats count for the kinds whose things bear them.
    pub fn judge_for(&self, kind: &str, name: &str) -> NameVerdict {
        let entries = self.entries.iter();
        let entries = entries.filter(|entry| entry.named.is_for(kind));
        Self::judge_by(entries, Purpose::Taking, name)
    }

    fn judge_by<'a>(
        entries: impl Iterator<Item = &'a Entry>,
        purpose: Purpose,
        name: &str,
    ) -> NameVerdict {
        let mut other: Option<&Entry> = None;
        for entry in entries {
            let is_spoken_for = other.is_some_and(|it| !it.named.format.is_template());
            if is_spoken_for && entry.named.format.is_template() {
                break;
            }
            let Some(task) = entry.named.format.carried(name) else {
                continue;
            };
            match &entry.makers {
                Makers::Any(found) => return NameVerdict::Ours(found.clone()),
                Makers::Somebody(found) if purpose == Purpose::Sparing => {
                    return NameVerdict::Ours(found.clone());
                }
                Makers::Somebody(_) => other = other.or(Some(entry)),
                Makers::Of(tasks) => match tasks.get(task) {
                    Some(found) => return NameVerdict::Ours(found.clone()),
                    None => other = other.or(Some(entry)),
                },
            }
        }
        let other = other.map(|entry| &entry.label);
        other.map_or(NameVerdict::Unknown, |label| NameVerdict::OtherTask {
            label: Arc::clone(label),
        })
    }
}

impl Entry {
    fn new(named: NamedFormat, tasks: &[TaskId]) -> Self {
        let (format, origin) = (&named.format, named.origin);
        let label: Arc<str> = named.label.as_str().into();
        let answer = |maker: Option<(&TaskId, &TaskPart)>| NameMatch {
            label: Arc::clone(&label),
            origin,
            pattern: format.pattern(maker.map(|(_, part)| part)).into(),
            task: maker.map(|(task, _)| task.clone()),
            sure_bits: maker.map_or(0, |(_, part)| part.sure_bits),
        };
        let makers = if tasks.is_empty() && format.is_template() {
            Makers::Somebody(answer(None))
        } else if tasks.is_empty() {
            Makers::Any(answer(None))
        } else {
            let mut makers = HashMap::new();
            for task in tasks {
                // Whose id such names cannot carry has made none of them.
                let Ok(part) = format.task_part(task) else {
                    continue;
                };
                let found = answer(Some((task, &part)));
                makers.entry(part.text).or_insert(found);
            }
            Makers::Of(makers)
        };
        Self {
            label,
            named,
            makers,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Match, NameForm, NameFormat, built_in};
    use super::*;

    const TASK: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

    fn task(id: &str) -> TaskId {
        TaskId::parse(id).unwrap()
    }

    fn runs(named: &NamedFormat) -> &NameFormat {
        match &named.format {
            NameForm::Runs(format) => format,
            NameForm::Template(_) => panic!("a template"),
        }
    }

    fn matcher(tasks: &[&str]) -> NameMatcher {
        let tasks: Vec<TaskId> = tasks.iter().map(|id| task(id)).collect();
        NameMatcher::new(built_in(), &tasks, OriginFilter::All)
    }

    #[test]
    fn names_find_their_makers() {
        let cases = [
            ("s_rally_0a1b2c3d_AbCdEf12", Some("rally scenario")),
            ("s_rally_0a1b2c3d_AbCdEf12-1", Some("rally scenario")),
            ("c_rally_0a1b2c3d_AbCdEf12", Some("rally context")),
            ("rally_0a1b2c3d_AbCdEf12", Some("rally")),
            ("rally_verify_0a1b2c3d_AbCdEf12", Some("rally verification")),
            ("s-rally-0a1b2c3d-abcdef12", Some("rally ironic scenario")),
            (
                "s-rally-0a1b2c3d-AbCdEf12.name.",
                Some("rally designate scenario"),
            ),
            ("rally-0a1b2c3d-abcdef12", Some("rally kubernetes scenario")),
            (
                "c-rally-0a1b2c3d-abcdef12",
                Some("rally kubernetes context"),
            ),
            ("c-rally-0a1b2c3d-AbCdEf12", None),
            ("s_rally_0a1b2c3d_AbCdEf1", None),
            ("s_rally_0A1B2C3D_AbCdEf12", None),
            ("xs_rally_0a1b2c3d_AbCdEf12", None),
            ("s_rally_0a1b2c3d_AbCdEf12\nfoo", None),
            ("default", None),
            ("", None),
        ];
        let matcher = matcher(&[TASK]);
        for (name, label) in cases {
            let found = matcher.find(name);
            assert_eq!(found.as_ref().map(|found| &*found.label), label, "{name:?}");
        }
    }

    #[test]
    fn a_match_says_what_it_rests_on() {
        let found = matcher(&["short", TASK]).find("c_rally_0a1b2c3d_AbCdEf12");
        assert_eq!(
            found,
            Some(NameMatch {
                label: "rally context".into(),
                origin: Origin::Context,
                pattern: "c_rally_0a1b2c3d_…".into(),
                task: Some(task(TASK)),
                sure_bits: 32,
            })
        );
        let found = matcher(&[]).find("c_rally_0a1b2c3d_AbCdEf12").unwrap();
        assert_eq!(&*found.pattern, "c_rally_…_…");
        assert_eq!((found.task, found.sure_bits), (None, 0));
    }

    #[test]
    fn a_format_counts_for_the_kinds_that_bear_it() {
        let matcher = matcher(&[TASK]);
        let cases = [
            (
                "dns.zone",
                "s-rally-0a1b2c3d-AbCdEf12.name.",
                Some("rally designate scenario"),
            ),
            (
                "dns.recordset",
                "s-rally-0a1b2c3d-AbCdEf12",
                Some("rally designate scenario"),
            ),
            ("network.network", "s-rally-0a1b2c3d-AbCdEf12", None),
            (
                "dns.zone",
                "s-rally-0a1b2c3d-abcdef12.name.",
                Some("rally designate scenario"),
            ),
            (
                "baremetal.node",
                "s-rally-0a1b2c3d-abcdef12",
                Some("rally ironic scenario"),
            ),
            ("compute.server", "s-rally-0a1b2c3d-abcdef12", None),
            (
                "network.network",
                "s_rally_0a1b2c3d_AbCdEf12",
                Some("rally scenario"),
            ),
            (
                "dns.zone",
                "s_rally_0a1b2c3d_AbCdEf12.example.",
                Some("rally scenario"),
            ),
        ];
        for (kind, name, label) in cases {
            let found = match matcher.judge_for(kind, name) {
                NameVerdict::Ours(found) => Some(found.label),
                NameVerdict::OtherTask { .. } | NameVerdict::Unknown => None,
            };
            assert_eq!(found.as_deref(), label, "{kind} {name}");
        }
        // Under a negative filter, what looks like a task's on anything is spared.
        assert!(matcher.find("s-rally-0a1b2c3d-AbCdEf12").is_some());
    }

    #[test]
    fn another_task_is_told_from_another_form() {
        let matcher = matcher(&[TASK]);
        assert_eq!(
            matcher.judge("s_rally_deadbeef_AbCdEf12"),
            NameVerdict::OtherTask {
                label: "rally scenario".into()
            }
        );
        assert_eq!(matcher.judge("my-server"), NameVerdict::Unknown);
    }

    #[test]
    fn a_later_format_may_know_the_task_that_an_earlier_one_does_not() {
        // Ironic's alphabet lacks the capital letters of this id, so its part is seeded and Designate's is not.
        let matcher = matcher(&["ABCD1234-part"]);
        let seeded = runs(&built_in()[4]).task_part(&task("ABCD1234-part"));
        assert!(seeded.seeded);
        let found = matcher.find("s-rally-ABCD1234-abcdef12").unwrap();
        assert_eq!(&*found.label, "rally designate scenario");
        let found = matcher
            .find(&format!("s-rally-{}-abcdef12", seeded.text))
            .unwrap();
        assert_eq!(&*found.label, "rally ironic scenario");
    }

    #[test]
    fn of_tasks_that_look_alike_the_first_is_named() {
        let twin = "0a1b2c3d-ffff-4fff-8fff-ffffffffffff";
        let found = matcher(&[twin, TASK]).find("s_rally_0a1b2c3d_AbCdEf12");
        assert_eq!(found.and_then(|found| found.task), Some(task(twin)));
    }

    #[test]
    fn origins_narrow_the_formats() {
        let name = "s_rally_0a1b2c3d_AbCdEf12";
        let judge = |origins| NameMatcher::new(built_in(), &[task(TASK)], origins).find(name);
        assert!(judge(OriginFilter::All).is_some());
        assert!(judge(OriginFilter::Only(Origin::Scenario)).is_some());
        assert!(judge(OriginFilter::Only(Origin::Context)).is_none());
        assert!(judge(OriginFilter::Only(Origin::Other)).is_none());
    }

    #[test]
    fn without_formats_nothing_matches() {
        let matcher = NameMatcher::new(Vec::new(), &[], OriginFilter::All);
        assert_eq!(
            matcher.judge("s_rally_0a1b2c3d_AbCdEf12"),
            NameVerdict::Unknown
        );
    }

    fn with_templates(templates: &[&str], tasks: &[&str]) -> NameMatcher {
        let further = templates.iter().map(|text| NamedFormat {
            label: (*text).to_owned(),
            origin: Origin::Other,
            format: super::super::NameTemplate::parse(text).unwrap().into(),
            kinds: Vec::new(),
        });
        let formats = further.chain(built_in()).collect();
        let tasks: Vec<TaskId> = tasks.iter().map(|id| task(id)).collect();
        NameMatcher::new(formats, &tasks, OriginFilter::All)
    }

    #[test]
    fn templates_find_the_tasks_whose_ids_they_can_carry() {
        let templates = ["ci-{task:number}-*", "kube_service_{task}_*"];
        let matcher = with_templates(&templates, &["4711", "prod_1", TASK]);
        let found = matcher.find("ci-4711-web").unwrap();
        assert_eq!((&*found.pattern, found.sure_bits), ("ci-4711-…", 0));
        assert_eq!(found.task, Some(task("4711")));
        let found = matcher.find(&format!("kube_service_{TASK}_web_x")).unwrap();
        assert_eq!(found.sure_bits, 122);
        for name in ["ci-47110-web", "kube_service_prod_1_web"] {
            let verdict = matcher.judge_for("network.port", name);
            assert!(matches!(verdict, NameVerdict::OtherTask { .. }), "{name}");
        }
        assert_eq!(matcher.judge("my-ci-4711-web"), NameVerdict::Unknown);
    }

    #[test]
    fn a_template_says_nothing_where_a_format_with_runs_does() {
        // Such a template cannot be configured; if it could, it would still not take what Rally's format knows as another task's.
        let matcher = with_templates(&["s_rally_{task}_*"], &["deadbee0", TASK]);
        for (name, is_ours) in [
            ("s_rally_0a1b2c3d_AbCdEf12", true),
            ("s_rally_deadbee0_AbCdEf12", true),
            ("s_rally_deadbeef_AbCdEf12", false),
        ] {
            assert_eq!(matcher.find(name).is_some(), is_ours, "{name}");
        }
        let matcher = with_templates(&["s_rally_{task}_*"], &["deadbeef-1"]);
        let found = matcher.find("s_rally_deadbeef_AbCdEf12").unwrap();
        assert_eq!(&*found.label, "rally scenario");
    }

    #[test]
    fn without_tasks_a_template_takes_nothing_and_spares_what_has_its_form() {
        let matcher = with_templates(&["ci-{task:number}-*"], &[]);
        let taken = matcher.judge_for("network.port", "ci-4711-web");
        assert!(matches!(taken, NameVerdict::OtherTask { .. }));
        assert!(matches!(matcher.judge("ci-4711-web"), NameVerdict::Ours(_)));
        assert_eq!(matcher.judge("ci-web"), NameVerdict::Unknown);
    }

    #[test]
    fn a_name_says_what_it_carries_whoever_is_swept() {
        let matcher = with_templates(&["ci-{task:number}-*"], &["4711"]);
        let carried = matcher.carried(None, "ci-4712-web").unwrap();
        assert_eq!((carried.task, &*carried.pattern), ("4712", "ci-…-…"));
        let name = "s-rally-0a1b2c3d-AbCdEf12";
        assert!(matcher.carried(Some("network.network"), name).is_none());
        let carried = matcher.carried(Some("dns.zone"), name).unwrap();
        assert_eq!(
            (&*carried.label, carried.task),
            ("rally designate scenario", "0a1b2c3d")
        );
    }

    fn any_format() -> impl Strategy<Value = NamedFormat> {
        prop::sample::select(built_in())
    }

    fn any_task() -> impl Strategy<Value = TaskId> {
        prop_oneof![
            "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}",
            "[A-Za-z0-9!é-]{1,20}"
        ]
        .prop_map(|id| task(&id))
    }

    fn any_draws() -> impl Strategy<Value = [usize; 8]> {
        prop::array::uniform8(any::<usize>())
    }

    fn name_of(format: &NameFormat, maker: &TaskId, draws: &[usize]) -> String {
        let mut draws = draws.iter().copied().cycle();
        format.generate(maker, &mut |_| draws.next().unwrap_or(0))
    }

    proptest! {
        #[test]
        fn what_is_generated_is_accepted(
            named in any_format(),
            maker in any_task(),
            tail in "[a-z.-]{0,8}",
            draws in any_draws(),
        ) {
            let name = name_of(runs(&named), &maker, &draws);
            prop_assert!(runs(&named).matches(&name, Some(&maker), Match::Exact));
            prop_assert!(runs(&named).matches(&name, None, Match::Exact));
            let matcher = NameMatcher::new(built_in(), std::slice::from_ref(&maker), OriginFilter::All);
            let found = matcher.find(&format!("{name}{tail}"));
            prop_assert_eq!(found.and_then(|found| found.task), Some(maker));
        }

        #[test]
        fn one_changed_character_in_the_fixed_parts_is_refused(
            named in any_format(),
            maker in any_task(),
            at in any::<prop::sample::Index>(),
            put in "[ -~é]",
            draws in any_draws(),
        ) {
            let text = named.format.to_string();
            let fixed: Vec<usize> = text.char_indices().filter(|&(_, c)| c != 'X').map(|(at, _)| at).collect();
            let at = fixed[at.index(fixed.len())];
            prop_assume!(!text[at..].starts_with(&put));
            let mut name = name_of(runs(&named), &maker, &draws);
            name.replace_range(at..=at, &put);
            prop_assert!(!runs(&named).matches(&name, Some(&maker), Match::Start), "{}", name);
            prop_assert!(!runs(&named).matches(&name, None, Match::Start), "{}", name);
        }

        #[test]
        fn another_task_is_refused(
            named in any_format(),
            maker in any_task(),
            other in any_task(),
            draws in any_draws(),
        ) {
            let parts = built_in().iter().any(|known| {
                runs(known).task_part(&maker).text == runs(known).task_part(&other).text
            });
            prop_assume!(!parts);
            let name = name_of(runs(&named), &maker, &draws);
            prop_assert!(!runs(&named).matches(&name, Some(&other), Match::Start));
        }

        #[test]
        fn anything_before_the_prefix_is_refused(
            named in any_format(),
            maker in any_task(),
            garbage in "[ -~é]{1,7}",
            draws in any_draws(),
        ) {
            let name = format!("{garbage}{}", name_of(runs(&named), &maker, &draws));
            prop_assert!(!runs(&named).matches(&name, None, Match::Start), "{}", name);
        }

        #[test]
        fn no_text_is_too_odd(name in any::<String>()) {
            let matcher = matcher(&[TASK]);
            prop_assert_eq!(matcher.judge(&name), NameVerdict::Unknown);
        }
    }
}
