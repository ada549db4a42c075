//! What a component costs: its start, its memory, and its calls.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::resource::{Kind, ListScope, Seen, Template};
use crate::rule::Cause;

use super::bindings::model;
use super::capability::Call;
use super::gate::Gate;
use super::sandbox::Instance;
use super::{Component, Guest};

/// How long one function is called again and again. Long against a clock's tick, short against a person's patience.
const ENOUGH: Duration = Duration::from_millis(300);

/// What starting an instance costs.
#[derive(Clone, Copy, Debug)]
pub struct StartCost {
    /// From nothing to the answer of `kinds`, on average.
    pub time: Duration,
    /// Linear memory of the instance then, in bytes.
    pub memory_bytes: usize,
}

/// Cost of one call on average. `None`: the component does not have the function, or there was nothing to ask it about.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallCost {
    /// `list`: one page, without what the runner does with it.
    pub list: Option<Duration>,
    /// `name`
    pub name: Option<Duration>,
    /// `owners`
    pub owners: Option<Duration>,
    /// `order`
    pub order: Option<Duration>,
    /// `delete`, with the gate and the record of the change, which the others do not have.
    pub delete: Option<Duration>,
    /// What the runner does for one thing because it does not believe the rule: it reads the object itself, and compares name,
    /// owners and a deletion with it.
    pub checks: Option<Duration>,
}

impl Component {
    /// Starts instance after instance.
    ///
    /// # Errors
    /// If one does not start.
    pub async fn time_start(&self) -> Result<StartCost, Cause> {
        let begin = Instant::now();
        let (mut rounds, mut memory_bytes) = (0_u32, 0);
        while begin.elapsed() < ENOUGH {
            let mut instance = self.pool.fresh().await?;
            let asked = instance.linked.rule.call_kinds(&mut instance.store).await;
            asked.map_err(|error| Cause::Crashed(error.root_cause().to_string()))?;
            memory_bytes = instance.memory_bytes();
            rounds += 1;
        }
        Ok(StartCost {
            time: begin.elapsed() / rounds.max(1),
            memory_bytes,
        })
    }
}

impl Guest {
    /// Asks for the first page of a listing again and again; `rewind` is called before each time. Then asks about these things,
    /// and deletes the doomed ones.
    ///
    /// # Errors
    /// If a call fails.
    pub async fn time_calls(
        &self,
        kind: &Arc<Kind>,
        scope: &ListScope,
        things: &[Seen],
        doomed: &[&Seen],
        rewind: impl Fn(),
    ) -> Result<CallCost, Cause> {
        let mut cost = CallCost {
            list: Some(self.time_list(kind, scope, &rewind).await?),
            delete: self.time_delete(kind, doomed, &rewind).await?,
            checks: time_checks(kind, things),
            ..CallCost::default()
        };
        let view = kind.view();
        let items = things.iter();
        let items: Vec<model::Item> = items
            .map(|seen| model::Item::of(&seen.thing, &view))
            .collect();
        if items.is_empty() {
            return Ok(cost);
        }
        let call = Call::closed();
        let pool = &self.component.pool;
        let timed = pool.run(call, async |Instance { store, linked }| {
            let rule = &linked.rule;
            let asked = time(&items, async |item| {
                rule.call_name(&mut *store, &kind.name, item)
                    .await
                    .map(drop)
            });
            cost.name = Some(asked.await?);
            if let Some(exported) = &linked.owners {
                let asked = time(&items, async |item| {
                    exported
                        .call_owners(&mut *store, &kind.name, item)
                        .await
                        .map(drop)
                });
                cost.owners = Some(asked.await?);
            }
            if let Some(exported) = &linked.order {
                let asked = time(&items, async |item| {
                    exported
                        .call_order(&mut *store, &kind.name, item)
                        .await
                        .map(drop)
                });
                cost.order = Some(asked.await?);
            }
            Ok(())
        });
        timed.await.map_err(|(cause, _)| cause)?;
        Ok(cost)
    }

    async fn time_delete(
        &self,
        kind: &Arc<Kind>,
        doomed: &[&Seen],
        rewind: impl Fn(),
    ) -> Result<Option<Duration>, Cause> {
        if doomed.is_empty() {
            return Ok(None);
        }
        let (mut spent, mut calls) = (Duration::ZERO, 0_u32);
        while spent < ENOUGH {
            rewind();
            let begin = Instant::now();
            for seen in doomed {
                self.delete_thing(kind, &seen.thing, false, Arc::default())
                    .await?;
                calls += 1;
            }
            spent += begin.elapsed();
        }
        Ok(Some(spent / calls.max(1)))
    }

    async fn time_list(
        &self,
        kind: &Arc<Kind>,
        scope: &ListScope,
        rewind: impl Fn(),
    ) -> Result<Duration, Cause> {
        let scope = model::Scope::from(scope);
        let (mut spent, mut rounds) = (Duration::ZERO, 0_u32);
        while spent < ENOUGH {
            rewind();
            let gate = Gate::Reading(kind.clone(), None);
            let listed = self.call(gate, self.session.clone(), async |instance| {
                let begin = Instant::now();
                let rule = &instance.linked.rule;
                let page = rule.call_list(&mut instance.store, &kind.name, &scope, None);
                let page = page.await?.map_err(Cause::from);
                Ok(page.map(|_| begin.elapsed()))
            });
            spent += listed.await?;
            rounds += 1;
        }
        Ok(spent / rounds.max(1))
    }
}

fn time_checks(kind: &Kind, things: &[Seen]) -> Option<Duration> {
    let collection = kind.requests.iter().find_map(Template::acts_in)?;
    let begin = Instant::now();
    let mut checked = 0_u32;
    for Seen { thing, owners, .. } in things.iter().cycle() {
        let object = serde_json::from_str(&thing.object).ok()?;
        let read = kind.read(&thing.object, &object, thing.parent.as_ref(), &collection);
        black_box(read.is_ok());
        let name = thing.name.as_deref();
        black_box(name.map(|name| kind.check_name(&thing.at, &object, name)));
        black_box(kind.check_owners(thing, &object, owners).is_ok());
        let path = format!("{collection}/{}", thing.at.id);
        for template in &kind.requests {
            black_box(template.matches(thing, &object, "DELETE", &path, None));
        }
        checked += 1;
        if begin.elapsed() >= ENOUGH {
            break;
        }
    }
    (checked > 0).then(|| begin.elapsed() / checked)
}

/// Average time of a call about one of these.
async fn time<T>(
    items: &[T],
    mut call: impl AsyncFnMut(&T) -> wasmtime::Result<()>,
) -> wasmtime::Result<Duration> {
    let begin = Instant::now();
    let mut calls = 0_u32;
    for item in items.iter().cycle() {
        call(item).await?;
        calls += 1;
        if begin.elapsed() >= ENOUGH {
            break;
        }
    }
    Ok(begin.elapsed() / calls.max(1))
}
