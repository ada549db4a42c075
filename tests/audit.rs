//! The audit log after the worst end of a run: SIGKILL in the middle of a purge. Nothing reached the cloud that the log does not
//! announce, and the same command finishes the job.

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use runner::audit::{self, Entry, Record};

use crate::support::fake_cloud::fault::{Effect, Fault};
use crate::support::fake_cloud::seed::{bulk_volumes, seed_task};
use crate::support::fake_cloud::{FakeCloud, Options};
use crate::support::guests::rule_pack;
use crate::support::run::Place;

const TASK: &str = "0a1b2c3d-1111-4222-8333-444455556666";
const SIGKILL: i32 = 9;

fn entries(place: &Place) -> Vec<Entry> {
    let log = audit::read(&place.path("audit.jsonl")).expect("there is a log");
    log.collect::<Result<_, _>>().expect("the log is readable")
}

/// Runs a sweep and kills it when the cloud has got so many requests that change something.
async fn kill_after(place: &Place, cloud: &FakeCloud, requests: usize) {
    let mut child = place
        .command(["--task", TASK, "--audit-log", "audit.jsonl"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary runs");
    let deadline = Instant::now() + Duration::from_secs(60);
    while cloud.mutations().len() < requests {
        let ended = child.try_wait().expect("the child can be asked");
        assert!(ended.is_none(), "it ended before it could be killed");
        assert!(Instant::now() < deadline, "it deletes nothing");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    child.kill().expect("it can be killed");
    let status = child.wait().expect("it ends");
    assert_eq!(status.signal(), Some(SIGKILL));
}

/// Every request that could have changed something is announced by an intention of its own.
fn expect_announced(cloud: &FakeCloud, entries: &[Entry]) {
    let mut announced: Vec<(&str, &str)> = entries
        .iter()
        .filter_map(|entry| match &entry.record {
            Record::Intention { deed, .. } => Some((deed.method.as_str(), deed.path.as_str())),
            _ => None,
        })
        .collect();
    for request in cloud.mutations() {
        let path = |path: &str| {
            let path = path.split('?').next().unwrap_or_default();
            request.path.ends_with(path)
        };
        let found = announced
            .iter()
            .position(|(method, at)| *method == request.method && path(at));
        let found =
            found.unwrap_or_else(|| panic!("{} {} is not announced", request.method, request.path));
        announced.swap_remove(found);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_has_announced_all_it_did_and_can_be_finished() {
    for requests in [1, 10, 25] {
        let cloud = FakeCloud::start(Options::default()).await;
        let demo = cloud.project("demo");
        let seeded = seed_task(&cloud, TASK, &demo, 1);
        let name = |n: usize| format!("s_rally_0a1b2c3d_{n:08}");
        let volumes = bulk_volumes(&cloud, &demo, 50, name);
        let slow = Effect::Delay(Duration::from_millis(200));
        cloud.inject(Fault::on("DELETE", "*", slow));
        let place = Place::new(&cloud);
        place.add_rules(rule_pack());

        kill_after(&place, &cloud, requests).await;
        let log = entries(&place);
        expect_announced(&cloud, &log);
        let count = |is: fn(&Record) -> bool| log.iter().filter(|it| is(&it.record)).count();
        let intentions = count(|it| matches!(it, Record::Intention { .. }));
        let outcomes = count(|it| matches!(it, Record::Outcome { .. }));
        assert!(outcomes < intentions, "no answer was outstanding");
        assert_eq!(count(|it| matches!(it, Record::Summary(_))), 0);

        cloud.clear_faults();
        let again = place.run(["--task", TASK, "--audit-log", "audit.jsonl"]);
        again.expect_code(0);
        let gone = |kind: &str, id: &str| assert!(!cloud.exists(kind, id), "{kind}/{id}");
        seeded.iter().for_each(|item| gone(&item.kind, &item.id));
        volumes
            .iter()
            .for_each(|id| gone("block_storage.volume", id));
        let log = entries(&place);
        expect_announced(&cloud, &log);
        let last = log.last().map(|entry| &entry.record);
        assert!(
            matches!(last, Some(Record::Summary(summary)) if summary.exit_code == 0),
            "{last:?}"
        );
        let runs = log
            .iter()
            .filter(|it| matches!(it.record, Record::Run { .. }));
        assert_eq!(runs.count(), 2);
    }
}
