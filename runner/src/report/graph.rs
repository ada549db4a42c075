//! A plan as a graph, for programs that draw: what goes before what, and what holds what.
//!
//! Pure. The same plan makes the same text. Names are whatever tenants chose: nothing in them ends a label or begins another word.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::plan::{Plan, PlanItem};
use crate::resource::ThingRef;
use crate::text::Visible;

/// Characters of a label's line that are shown.
const LABEL_CHARS_MAX: usize = 80;

/// A plan as Graphviz reads it.
pub fn dot(plan: &Plan) -> String {
    let graph = Graph::of(plan);
    let mut text = "digraph plan {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
    for (number, node) in graph.nodes.iter().enumerate() {
        let style = match node.look {
            Look::Goes => "",
            Look::Held => ", style=dashed",
            Look::Stays => ", style=filled, fillcolor=lightgrey",
        };
        let lines: Vec<String> = node.lines.iter().map(|line| dot_text(line)).collect();
        // Writing to a text does not fail.
        let _ = writeln!(
            text,
            "  n{number} [label=\"{}\"{style}];",
            lines.join("\\n")
        );
    }
    for edge in &graph.edges {
        let look = match edge.tie {
            Tie::Before => "",
            Tie::TakesAlong => " [style=dotted, label=\"takes along\"]",
            Tie::Holds => " [color=red, label=\"holds\"]",
        };
        let _ = writeln!(text, "  n{} -> n{}{look};", edge.from, edge.to);
    }
    text + "}\n"
}

/// A plan as Mermaid reads it.
pub fn mermaid(plan: &Plan) -> String {
    let graph = Graph::of(plan);
    let mut text = "flowchart LR\n".to_owned();
    for (number, node) in graph.nodes.iter().enumerate() {
        let class = match node.look {
            Look::Goes => "",
            Look::Held => ":::held",
            Look::Stays => ":::stays",
        };
        let lines: Vec<String> = node.lines.iter().map(|line| mermaid_text(line)).collect();
        let _ = writeln!(text, "  n{number}[\"{}\"]{class}", lines.join("<br/>"));
    }
    for edge in &graph.edges {
        let arrow = match edge.tie {
            Tie::Before => "-->",
            Tie::TakesAlong => "-. takes along .->",
            Tie::Holds => "== holds ==>",
        };
        let _ = writeln!(text, "  n{} {arrow} n{}", edge.from, edge.to);
    }
    text + "  classDef held stroke-dasharray: 5 5\n  classDef stays fill:#ddd\n"
}

/// How a thing ends, as far as the plan says it.
#[derive(Clone, Copy)]
enum Look {
    Goes,
    Held,
    Stays,
}

struct Node {
    /// What it is, and what it is called.
    lines: [String; 2],
    look: Look,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tie {
    /// The first is gone before the second is asked to go.
    Before,
    /// The second goes with the first.
    TakesAlong,
    /// The first stays, and so does the second.
    Holds,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    from: usize,
    to: usize,
    tie: Tie,
}

/// The things of a plan in their order, then what holds them and is not among them.
struct Graph {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    /// How many of the nodes are things of the plan.
    things: usize,
}

impl Graph {
    fn of(plan: &Plan) -> Self {
        let nodes = plan.items.iter().map(|item| Node {
            lines: lines(&item.thing, item.name.as_deref()),
            look: match item.blocked_by.is_empty() {
                true => Look::Goes,
                false => Look::Held,
            },
        });
        let places = plan.items.iter().map(|item| item.thing.clone()).zip(0..);
        let mut graph = Self {
            nodes: nodes.collect(),
            edges: Vec::new(),
            things: plan.items.len(),
        };
        let mut places: BTreeMap<ThingRef, usize> = places.collect();
        for (to, item) in plan.items.iter().enumerate() {
            graph.add_order(to, item);
            for blocker in item.blocked_by.iter().filter(|it| it.thing != item.thing) {
                let next = graph.nodes.len();
                let from = *places.entry(blocker.thing.clone()).or_insert(next);
                if from == next {
                    graph.nodes.push(Node {
                        lines: lines(&blocker.thing, blocker.name.as_deref()),
                        look: Look::Stays,
                    });
                }
                graph.edges.push(Edge {
                    from,
                    to,
                    tie: Tie::Holds,
                });
            }
        }
        graph.edges.sort_unstable();
        graph.edges.dedup();
        graph
    }

    fn add_order(&mut self, to: usize, item: &PlanItem) {
        for &first in &item.waits_for {
            if item.goes_with != Some(first) {
                self.add(first, to, Tie::Before);
            }
        }
        if let Some(owner) = item.goes_with {
            self.add(owner, to, Tie::TakesAlong);
        }
    }

    /// A file may name positions that are not there.
    fn add(&mut self, from: usize, to: usize, tie: Tie) {
        if from < self.things {
            self.edges.push(Edge { from, to, tie });
        }
    }
}

fn lines(thing: &ThingRef, name: Option<&str>) -> [String; 2] {
    let called = name.unwrap_or(&thing.id);
    let mut called: String = Visible(called).to_string();
    if let Some((end, _)) = called.char_indices().nth(LABEL_CHARS_MAX) {
        called.truncate(end);
        called.push('…');
    }
    [Visible(&thing.kind).to_string(), called]
}

/// A text within double quotes: there a backslash begins something in Graphviz's own words.
fn dot_text(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// A text within double quotes, where Mermaid knows HTML, Markdown and words of its own: all but letters, digits and what is plain is
/// given by its number.
fn mermaid_text(text: &str) -> String {
    let mut written = String::new();
    for sign in text.chars() {
        if sign.is_alphanumeric() || " _.:-".contains(sign) {
            written.push(sign);
        } else {
            let _ = write!(written, "#{};", u32::from(sign));
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plan() -> Plan {
        let reason = json!({"because": "name", "pattern": "s_…", "sure_bits": 32});
        let item = |thing: &str, name: &str, more: serde_json::Value| {
            let mut item = json!({"thing": thing, "name": name, "project": null, "reason": reason});
            item.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            item
        };
        let held = json!({"blocked_by": [{"thing": "b.y/9", "name": "shop", "why": "kept"}, {"thing": "a.x/3", "name": null, "why": "itself"}]});
        serde_json::from_value(json!({
            "version": 4,
            "scope": {
                "tasks": ["t"], "projects": null, "projectless": true, "created_from": null, "created_until": null,
                "protected_projects": [], "protected_tags": [],
            },
            "items": [
                item("a.x/1", "one", json!({})),
                item("a.x/2", "\"]; evil -> n0 //\\N<b>`#&end\u{202e}", json!({"waits_for": [0, 4, 7]})),
                item("b.y/1", "two\nlines", json!({"waits_for": [0], "goes_with": 0})),
                item("a.x/3", "three", held),
            ],
            "found": 5,
            "kept": {"other name": 1},
            "kind_order": {},
        }))
        .unwrap()
    }

    #[test]
    fn a_plan_is_drawn_with_what_goes_first_and_what_holds() {
        let expected = r#"digraph plan {
  rankdir=LR;
  node [shape=box];
  n0 [label="a.x\none"];
  n1 [label="a.x\n\"]; evil -> n0 //\\N<b>`#&end\\u{202e}"];
  n2 [label="b.y\ntwo\\nlines"];
  n3 [label="a.x\nthree", style=dashed];
  n4 [label="b.y\nshop", style=filled, fillcolor=lightgrey];
  n0 -> n1;
  n0 -> n2 [style=dotted, label="takes along"];
  n4 -> n3 [color=red, label="holds"];
}
"#;
        assert_eq!(dot(&plan()), expected);
    }

    #[test]
    fn no_name_leaves_its_label() {
        let text = mermaid(&plan());
        assert!(
            text.starts_with("flowchart LR\n  n0[\"a.x<br/>one\"]\n"),
            "{text}"
        );
        let line = text.lines().nth(2).unwrap();
        let name = line.strip_prefix("  n1[\"a.x<br/>").unwrap();
        let name = name.strip_suffix("\"]").unwrap();
        assert_eq!(
            name,
            "#34;#93;#59; evil -#62; n0 #47;#47;#92;N#60;b#62;#96;#35;#38;end#92;u#123;202e#125;"
        );
        let edges = "  n0 --> n1\n  n0 -. takes along .-> n2\n  n4 == holds ==> n3\n";
        assert!(text.contains(edges), "{text}");
        assert!(
            text.contains("n3[\"a.x<br/>three\"]:::held\n  n4[\"b.y<br/>shop\"]:::stays\n"),
            "{text}"
        );
    }

    #[test]
    fn a_long_name_is_cut() {
        let mut plan = plan();
        plan.items[0].name = Some("ä".repeat(500));
        let longest = dot(&plan)
            .lines()
            .map(|line| line.chars().count())
            .max()
            .unwrap();
        assert!(longest < 150, "{longest}");
    }
}
