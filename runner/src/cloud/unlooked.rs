//! What a catalog offers and a run does not look at.
//!
//! Pure. The invariant: every service type of the catalog, in every region, is either looked at, known to hold nothing
//! of a project, or in the result. Interfaces of one region lead to the same things, so one of them is enough.

use std::collections::BTreeSet;

use crate::unlooked::Unlooked;

use super::Interface;
use super::catalog::{Offer, canonical};

/// Service types that keep nothing of a project. The second word is the service that must be offered in the same
/// regions for that to be so; the third is why.
const HOLDS_NOTHING: &[(&str, Option<&str>, &str)] = &[
    (
        "identity",
        None,
        "it knows the projects themselves; what is in them is elsewhere",
    ),
    (
        "placement",
        None,
        "its allocations are those of other services' things",
    ),
    (
        "cloudformation",
        Some("orchestration"),
        "another way to the stacks of orchestration",
    ),
    ("ec2", Some("compute"), "another way to compute's things"),
    (
        "compute_legacy",
        Some("compute"),
        "an older version of compute's own interface",
    ),
    ("meter", None, "it keeps measurements of other things"),
    ("event", None, "it keeps records of what happened"),
    ("rating", None, "it computes what other things cost"),
    ("search", None, "it finds what other services keep"),
    (
        "operator-policy",
        None,
        "its policies are the operator's, for the whole cloud",
    ),
    (
        "admin-logic",
        None,
        "it keeps requests to the operator, such as to sign up",
    ),
    (
        "baremetal-introspection",
        None,
        "it keeps what machines say of themselves",
    ),
];

/// What decides which offers are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// Region whose endpoints are used.
    pub region: Option<&'a str>,
    /// Whether nobody has chosen that region. Then the others are missed, and not left out.
    pub is_region_unchosen: bool,
    /// Interfaces, in order of preference.
    pub interfaces: &'a [Interface],
    /// Service types that loaded rules ask for, by any alias.
    pub asked: &'a BTreeSet<String>,
    /// Service types that need not be looked at, in the operator's words.
    pub words: &'a BTreeSet<String>,
    /// Whether the token is for a project. To any other the catalog does not show endpoints that have the project in their URL.
    pub for_project: bool,
}

/// A word of the operator's that is no service type of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{word}` is to be left unlooked at, but the catalog has no such service: it has {}. Correct --unlooked, or `unlooked` \
     under [sweep] in the configuration",
    if known.is_empty() { "none" } else { known }
)]
pub struct UnfitWord {
    word: String,
    known: String,
}

/// Says what of the offers is not looked at. `reach` gives the region in which a service can be reached from here, if it says
/// one, or why it cannot.
///
/// # Errors
/// If a word of the operator's fits no service of the catalog.
pub fn unlooked(
    offers: &[Offer],
    choice: Choice<'_>,
    reach: impl Fn(&str) -> Result<Option<String>, String>,
) -> Result<Vec<Unlooked>, UnfitWord> {
    let types: BTreeSet<&str> = offers.iter().map(|it| it.service_type.as_str()).collect();
    let words: BTreeSet<&str> = choice.words.iter().map(|word| canonical(word)).collect();
    let fits = |word: &&String| types.contains(canonical(word));
    if let Some(word) = choice.words.iter().find(|word| !fits(word)) {
        let known: Vec<&str> = types.into_iter().collect();
        return Err(UnfitWord {
            word: word.clone(),
            known: known.join(", "),
        });
    }
    let asked: BTreeSet<&str> = choice.asked.iter().map(|it| canonical(it)).collect();
    let mut found = Vec::new();
    for service in types {
        let by_word = words.contains(service);
        let missed = if asked.contains(service) {
            asked_for(service, offers, choice, reach(service))
        } else {
            not_asked_for(service, offers, choice)
        };
        found.extend(missed.into_iter().map(|missed| Unlooked {
            is_failure: missed.is_failure && !by_word,
            by_word,
            ..missed
        }));
    }
    Ok(found)
}

fn not_asked_for(service: &str, offers: &[Offer], choice: Choice<'_>) -> Vec<Unlooked> {
    let mut of_service = offers.iter().filter(|it| it.service_type == service);
    let is_offered = of_service.any(|it| it.interface.is_some());
    // What has no endpoint anywhere is a word in the catalog, such as load tests leave there, and holds nothing.
    let is_a_word = choice.for_project && !is_offered;
    if is_a_word || holds_nothing(service, offers) {
        return Vec::new();
    }
    vec![Unlooked {
        service: service.to_owned(),
        region: None,
        interface: None,
        why: "no rule is loaded for it".to_owned(),
        is_failure: false,
        by_word: false,
    }]
}

fn asked_for(
    service: &str,
    offers: &[Offer],
    choice: Choice<'_>,
    reached: Result<Option<String>, String>,
) -> Vec<Unlooked> {
    let missed = |region: Option<String>, interface: Option<String>, why: String| Unlooked {
        service: service.to_owned(),
        region,
        interface,
        why,
        is_failure: false,
        by_word: false,
    };
    let found = match reached {
        Ok(region) => region,
        Err(why) => {
            let interface = choice.interfaces.first().map(ToString::to_string);
            let region = choice.region.map(str::to_owned);
            return vec![Unlooked {
                is_failure: true,
                ..missed(region, interface, why)
            }];
        }
    };
    if holds_nothing(service, offers) {
        return Vec::new();
    }
    let regions = regions(service, offers);
    let here = found.as_deref().or(choice.region);
    // An endpoint that the operator gave does not say its region: where there is only one, it is that.
    if here.is_none() && regions.len() == 1 {
        return Vec::new();
    }
    let elsewhere = regions.into_iter().filter(|region| *region != here);
    let elsewhere = elsewhere.map(|region| {
        let place = here.map_or_else(String::new, |here| format!(", and this run is in {here}"));
        let region = region.map(str::to_owned);
        let named = region.as_deref().unwrap_or("no region");
        let chosen = if choice.is_region_unchosen {
            ", as the first that is configured: choose with --os-region-name"
        } else {
            ""
        };
        let why = format!("it is offered in {named} as well{place}{chosen}");
        Unlooked {
            is_failure: choice.is_region_unchosen,
            ..missed(region, None, why)
        }
    });
    elsewhere.collect()
}

/// The regions in which a service has endpoints.
fn regions<'a>(service: &str, offers: &'a [Offer]) -> BTreeSet<Option<&'a str>> {
    let places = offers
        .iter()
        .filter(|it| it.service_type == service && it.interface.is_some());
    places.map(|it| it.region.as_deref()).collect()
}

fn holds_nothing(service: &str, offers: &[Offer]) -> bool {
    let row = HOLDS_NOTHING.iter().find(|(known, ..)| *known == service);
    row.is_some_and(|(_, beside, _)| {
        beside.is_none_or(|beside| {
            let has_it = offers.iter().any(|it| it.service_type == beside);
            has_it && regions(service, offers).is_subset(&regions(beside, offers))
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// `type interface region`, or a type alone: a service without endpoints.
    fn offers(rows: &[&str]) -> Vec<Offer> {
        let offer = |row: &&str| {
            let mut words = row.split(' ').map(str::to_owned);
            Offer {
                service_type: canonical(&words.next().unwrap()).to_owned(),
                name: String::new(),
                interface: words.next(),
                region: words.next(),
            }
        };
        rows.iter().map(offer).collect()
    }

    fn set(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// `type@region why`, with `!` in front for a failure and `-` for what goes by the operator's word.
    fn found(
        offered: &[&str],
        asked: &[&str],
        words: &[&str],
        here: &[(&str, &str)],
    ) -> Vec<String> {
        let (asked, words) = (set(asked), set(words));
        let choice = Choice {
            region: Some("A"),
            is_region_unchosen: false,
            interfaces: &[Interface::Public],
            asked: &asked,
            words: &words,
            for_project: true,
        };
        let here: BTreeMap<&str, &str> = here.iter().copied().collect();
        let reach = |service: &str| match here.get(service) {
            Some(&"") => Ok(None),
            Some(region) => Ok(Some((*region).to_owned())),
            None => Err("nowhere".to_owned()),
        };
        let found = unlooked(&offers(offered), choice, reach).unwrap();
        let shown = found.into_iter().map(|it| {
            let mark = match (it.is_failure, it.by_word) {
                (true, false) => "!",
                (false, true) => "-",
                (false, false) => "",
                (true, true) => "both",
            };
            let region = it.region.map_or_else(String::new, |it| format!("@{it}"));
            format!("{mark}{}{region} {}", it.service, it.why)
        });
        shown.collect()
    }

    const NO_RULE: &str = "no rule is loaded for it";

    /// Rally makes services to load Keystone with; a token for the system is not shown endpoints with a project in them.
    #[test]
    fn a_service_without_any_endpoint_holds_nothing_that_a_project_could_not_see() {
        let (asked, words) = (set(&["compute"]), set(&[]));
        let offers = offers(&["load-test"]);
        for (for_project, expected) in [(true, 0), (false, 1)] {
            let choice = Choice {
                region: Some("A"),
                is_region_unchosen: false,
                interfaces: &[Interface::Public],
                asked: &asked,
                words: &words,
                for_project,
            };
            let found = unlooked(&offers, choice, |_| Ok(None)).unwrap();
            assert_eq!(found.len(), expected, "{for_project}");
        }
    }

    #[test]
    #[expect(
        clippy::too_many_lines,
        clippy::type_complexity,
        reason = "a table and its columns"
    )]
    fn every_offer_is_looked_at_or_said() {
        let other = "B it is offered in B as well, and this run is in A";
        let cases: &[(&str, &[&str], &[&str], &[(&str, &str)], &[&str])] = &[
            (
                "reached",
                &["compute public A"],
                &["compute"],
                &[("compute", "A")],
                &[],
            ),
            (
                "two interfaces of one region",
                &["compute public A", "compute internal A", "compute else A"],
                &["compute"],
                &[("compute", "A")],
                &[],
            ),
            (
                "no rule",
                &["dns public A"],
                &["compute"],
                &[],
                &["dns no rule is loaded for it"],
            ),
            (
                "no rule, in several regions: said once",
                &["dns public A", "dns public B", "dns"],
                &[],
                &[],
                &["dns no rule is loaded for it"],
            ),
            (
                "asked for, and not here",
                &["compute internal A"],
                &["compute"],
                &[],
                &["!compute@A nowhere"],
            ),
            (
                "asked for, and without any endpoint",
                &["volumev3"],
                &["block-storage"],
                &[],
                &["!block-storage@A nowhere"],
            ),
            (
                "an alias is the same service",
                &["volumev3 public A", "volumev2 public A"],
                &["volume"],
                &[("block-storage", "A")],
                &[],
            ),
            (
                "another region, under any interface",
                &["compute public A", "compute admin B"],
                &["compute"],
                &[("compute", "A")],
                &[&format!("compute@{other}")],
            ),
            (
                "an override, where the catalog has other regions",
                &["compute public A", "compute public B"],
                &["compute"],
                &[("compute", "")],
                &[&format!("compute@{other}")],
            ),
            (
                "what holds nothing",
                &["identity public B", "placement public B", "metering"],
                &[],
                &[],
                &[],
            ),
            (
                "what holds nothing, beside its service",
                &[
                    "cloudformation public A",
                    "orchestration public A",
                    "ec2 public A",
                    "compute public A",
                ],
                &["compute", "orchestration"],
                &[("compute", "A"), ("orchestration", "A")],
                &[],
            ),
            (
                "another way to what is not offered there",
                &[
                    "cloudformation public A",
                    "ec2 public B",
                    "compute public A",
                ],
                &["compute"],
                &[("compute", "A")],
                &[
                    "cloudformation no rule is loaded for it",
                    "ec2 no rule is loaded for it",
                ],
            ),
            (
                "asked for, although it holds nothing of a project",
                &["placement internal A"],
                &["placement"],
                &[],
                &["!placement@A nowhere"],
            ),
            (
                "not asked for, although it could be reached",
                &["git public A"],
                &[],
                &[("git", "A")],
                &["git no rule is loaded for it"],
            ),
        ];
        for (case, offered, asked, here, expected) in cases {
            assert_eq!(&found(offered, asked, &[], here), expected, "{case}");
        }
    }

    #[test]
    fn a_word_takes_the_weight_off_but_stays_in_sight() {
        let offered = [
            "compute public A",
            "compute public B",
            "volumev3",
            "dns public A",
        ];
        let asked = ["compute", "block-storage"];
        let here = [("compute", "A")];
        let words = ["compute", "volumev3", "dns"];
        assert_eq!(
            found(&offered, &asked, &words, &here),
            [
                "-block-storage@A nowhere".to_owned(),
                "-compute@B it is offered in B as well, and this run is in A".to_owned(),
                format!("-dns {NO_RULE}"),
            ]
        );
    }

    #[test]
    fn a_word_that_fits_nothing_is_refused() {
        let offered = offers(&["compute public A", "image public A"]);
        for (words, wrong) in [
            (set(&["nova"]), "nova"),
            (set(&["compute", "block-store"]), "block-store"),
        ] {
            let choice = Choice {
                region: None,
                is_region_unchosen: false,
                interfaces: &[Interface::Public],
                asked: &BTreeSet::new(),
                words: &words,
                for_project: true,
            };
            let error = unlooked(&offered, choice, |_| Ok(None))
                .unwrap_err()
                .to_string();
            assert!(
                error.contains(&format!("`{wrong}`")) && error.contains("compute, image"),
                "{error}"
            );
        }
    }

    #[test]
    fn the_table_speaks_of_services_by_their_official_types() {
        let mut seen = BTreeSet::new();
        for (service, beside, why) in HOLDS_NOTHING {
            assert!(seen.insert(service) && !why.is_empty(), "{service}");
            assert_eq!(canonical(service), *service);
            assert!(beside.is_none_or(|it| canonical(it) == it), "{service}");
        }
    }
}
