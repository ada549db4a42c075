//! The log's promises: on disk before the call returns, nothing after a failure, readable after any crash.

use std::fs;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::join_all;
use proptest::prelude::*;

use super::*;

/// What breaks the chain, and what does not.
mod chain;

/// A writer whose content the test can look at meanwhile.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk whose syncs are counted, and wait for the test's leave.
struct Gated {
    syncs: Arc<AtomicUsize>,
    leave: mpsc::Receiver<()>,
}

impl Sink for Gated {
    fn append(&mut self, _: &[&[u8]]) -> io::Result<()> {
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::SeqCst);
        self.leave.recv().map_err(io::Error::other)
    }
}

/// A disk that is full for one append, and then has room again.
struct Filling {
    good_appends: usize,
    appends: usize,
    content: Shared,
}

impl Filling {
    fn after(good_appends: usize, content: &Shared) -> Self {
        Self {
            good_appends,
            appends: 0,
            content: content.clone(),
        }
    }
}

impl Sink for Filling {
    fn append(&mut self, lines: &[&[u8]]) -> io::Result<()> {
        self.appends += 1;
        if self.appends == self.good_appends + 1 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.content.write_all(&lines.concat())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn epoch() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

fn header() -> RunHeader {
    RunHeader {
        tool: "runner 0.1.0".to_owned(),
        cloud: "lab".to_owned(),
        user: "admin".to_owned(),
        scope: "system all".to_owned(),
        tasks: vec!["0a1b2c3d".to_owned()],
        rules: vec![RuleDigest {
            name: "network".to_owned(),
            sha256: "00ff".to_owned(),
        }],
    }
}

fn deed(id: &str) -> Intention {
    Intention {
        rule: "network".to_owned(),
        kind: "network.port".to_owned(),
        id: id.to_owned(),
        name: Some("s_rally_\n\"é".to_owned()),
        project: None,
        method: "DELETE".to_owned(),
        service: "network".to_owned(),
        path: format!("/v2.0/ports/{id}"),
        body: None,
    }
}

fn answered(status: u16) -> RequestOutcome {
    RequestOutcome {
        answer: Answer::Status(status),
        request_id: Some("req-1".to_owned()),
        ms: 17,
    }
}

fn entries(bytes: &[u8]) -> Result<Vec<Entry>, AuditError> {
    Reader::new(bytes, Path::new("log")).collect()
}

/// A whole run, written to `path`.
async fn write_run(path: &Path) {
    let audit = Audit::open(path, &header()).unwrap();
    let id = audit.intention(&deed("p1")).await.unwrap();
    audit.outcome(id, answered(204)).await.unwrap();
    audit.finish(Summary::default()).await.unwrap();
}

#[tokio::test]
async fn every_record_is_a_line_of_json() {
    let content = Shared::default();
    let audit = Audit::to_writer(content.clone(), epoch, &header()).unwrap();
    let id = audit.intention(&deed("p1")).await.unwrap();
    audit.outcome(id, answered(204)).await.unwrap();
    let failed = RequestOutcome {
        answer: Answer::Error("connection reset".to_owned()),
        request_id: None,
        ms: 5,
    };
    audit.outcome(id, failed).await.unwrap();
    audit
        .refusal("network", "DELETE /v2.0/networks/n1: no template")
        .await
        .unwrap();
    let summary = Summary {
        exit_code: 3,
        planned: 4,
        gone: 2,
        failed: 1,
        left: 1,
    };
    audit.finish(summary.clone()).await.unwrap();

    let start = format!(
        r#"{{"at":"1970-01-01T00:00:00Z","run":"{}","record":"#,
        audit.run().as_str()
    );
    let records = [
        r#""run","log":"runner-audit/2","tool":"runner 0.1.0","cloud":"lab","user":"admin","scope":"system all","tasks":["0a1b2c3d"],"rules":[{"name":"network","sha256":"00ff"}]}"#,
        r#""intention","intention":1,"rule":"network","kind":"network.port","id":"p1","name":"s_rally_\n\"é","method":"DELETE","service":"network","path":"/v2.0/ports/p1"}"#,
        r#""outcome","intention":1,"status":204,"request_id":"req-1","ms":17}"#,
        r#""outcome","intention":1,"error":"connection reset","ms":5}"#,
        r#""refusal","rule":"network","deed":"DELETE /v2.0/networks/n1: no template"}"#,
        r#""summary","exit_code":3,"planned":4,"gone":2,"failed":1,"left":1}"#,
    ];
    let mut before = "0".repeat(64);
    let mut expected = String::new();
    for record in records {
        let line = format!("{start}{record}");
        let line = format!("{},\"prev\":\"{before}\"}}", line.trim_end_matches('}'));
        before = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&line));
        expected.push_str(&(line + "\n"));
    }
    assert_eq!(content.text(), expected);

    let read = entries(content.text().as_bytes()).unwrap();
    assert_eq!(read.len(), 6);
    assert!(
        read.iter()
            .all(|entry| entry.run == *audit.run() && entry.at == epoch())
    );
    assert_eq!(
        read[1].record,
        Record::Intention {
            intention: id,
            deed: deed("p1")
        }
    );
    assert_eq!(read[5].record, Record::Summary(summary));
}

#[tokio::test]
async fn a_hundred_intentions_share_two_syncs_and_none_returns_early() {
    let syncs = Arc::new(AtomicUsize::new(0));
    let (give_leave, leave) = mpsc::channel();
    let disk = Gated {
        syncs: Arc::clone(&syncs),
        leave,
    };
    give_leave.send(()).unwrap();
    let audit = Audit::start(disk, Path::new("gated"), epoch, &header()).unwrap();

    let deeds: Vec<Intention> = (0..100).map(|n| deed(&format!("p{n}"))).collect();
    let returned = AtomicUsize::new(0);
    // Unconstrained, for else the runtime would queue but a part of them at the first poll.
    let mut all = tokio::task::unconstrained(join_all(deeds.iter().map(async |deed| {
        let id = audit.intention(deed).await;
        returned.fetch_add(1, Ordering::SeqCst);
        id
    })));
    // The first poll queues all. The thread may take the first few and sync them; the rest is one group.
    assert!((&mut all).now_or_never().is_none());
    let deadline = Instant::now() + Duration::from_secs(60);
    while syncs.load(Ordering::SeqCst) < 2 {
        assert!(Instant::now() < deadline, "no sync for the intentions");
        std::thread::yield_now();
    }
    assert!((&mut all).now_or_never().is_none());
    assert_eq!(returned.load(Ordering::SeqCst), 0, "before the sync did");
    give_leave.send(()).unwrap();
    give_leave.send(()).unwrap();
    drop(give_leave);
    let mut ids: Vec<IntentionId> = all.await.into_iter().map(Result::unwrap).collect();
    assert!(
        syncs.load(Ordering::SeqCst) <= 3,
        "the header's and two more"
    );
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn callers_on_many_threads_do_not_garble_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let one = Audit::open(&path, &header()).unwrap();
    let other = Audit::open(&path, &header()).unwrap();
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..100 {
        let audit = if n % 2 == 0 {
            one.clone()
        } else {
            other.clone()
        };
        callers.spawn(async move {
            let id = audit.intention(&deed(&format!("p{n}"))).await.unwrap();
            audit.outcome(id, answered(204)).await.unwrap();
        });
    }
    callers.join_all().await;
    drop((one, other));
    let read: Vec<Entry> = read(&path).unwrap().map(Result::unwrap).collect();
    assert_eq!(read.len(), 202);
    for (at, entry) in read.iter().enumerate() {
        if let Record::Outcome { intention, .. } = &entry.record {
            let announced = read[..at].iter().any(|earlier| {
                earlier.run == entry.run
                    && matches!(&earlier.record, Record::Intention { intention: id, .. } if id == intention)
            });
            assert!(announced, "an outcome before its intention: {entry:?}");
        }
    }
}

#[tokio::test]
async fn after_a_failure_nothing_more_is_accepted() {
    let content = Shared::default();
    let disk = Filling::after(2, &content);
    let audit = Audit::start(disk, Path::new("full.jsonl"), epoch, &header()).unwrap();
    audit.intention(&deed("p1")).await.unwrap();
    let before = content.text();
    let failed = audit.intention(&deed("p2")).await.unwrap_err();
    assert!(
        matches!(&failed, AuditError::Write { source, .. } if source.kind() == io::ErrorKind::StorageFull),
        "{failed:?}"
    );
    assert!(failed.to_string().contains("full.jsonl"), "{failed}");
    assert!(audit.intention(&deed("p3")).await.is_err());
    assert!(audit.refusal("network", "anything").await.is_err());
    assert!(audit.finish(Summary::default()).await.is_err());
    assert_eq!(content.text(), before);
}

#[test]
fn a_header_that_cannot_be_written_opens_nothing() {
    let disk = Filling::after(0, &Shared::default());
    let refused = Audit::start(disk, Path::new("full.jsonl"), epoch, &header());
    assert!(matches!(refused, Err(AuditError::Write { .. })));
}

#[tokio::test]
async fn dropping_the_log_writes_what_is_queued() {
    let content = Shared::default();
    let audit = Audit::to_writer(content.clone(), epoch, &header()).unwrap();
    for _ in 0..500 {
        audit.refusal("network", "something").await.unwrap();
    }
    drop(audit);
    assert_eq!(content.text().lines().count(), 501);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_or_cut() {
    let content = Shared::default();
    let audit = Audit::to_writer(content.clone(), epoch, &header()).unwrap();
    let mut huge = deed("p1");
    huge.body = Some("x".repeat(RECORD_BYTES_MAX));
    let refused = audit.intention(&huge).await;
    assert!(matches!(refused, Err(AuditError::TooLong { .. })));
    audit
        .refusal("network", &"é".repeat(RECORD_BYTES_MAX))
        .await
        .unwrap();
    audit.finish(Summary::default()).await.unwrap();

    let read = entries(content.text().as_bytes()).unwrap();
    assert_eq!(read.len(), 3, "{read:?}");
    let Record::Refusal(refusal) = &read[1].record else {
        panic!("no refusal but {:?}", read[1]);
    };
    assert_eq!(refusal.deed, format!("{}…", "é".repeat(TEXT_BYTES_MAX / 2)));
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_log_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    write_run(&path).await;
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_second_run_is_appended() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    write_run(&path).await;
    let first = fs::read_to_string(&path).unwrap();
    write_run(&path).await;
    let both = fs::read_to_string(&path).unwrap();
    assert!(both.starts_with(&first));
    let read = entries(both.as_bytes()).unwrap();
    assert_eq!(read.len(), 8);
    assert_ne!(read[0].run, read[4].run);
}

#[test]
fn other_files_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notes.txt");
    let foreign = [
        "my notes\n",
        "no newline",
        "\n",
        "{}\n",
        r#"{"at":"1970-01-01T00:00:00Z","run":"r","record":"refusal","rule":"a","deed":"b"}"#,
    ];
    for content in foreign {
        fs::write(&path, content).unwrap();
        let refused = Audit::open(&path, &header()).unwrap_err();
        assert!(matches!(refused, AuditError::Foreign { .. }), "{content:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
    let other_form = format!(
        "{}\n",
        first_line_of_a_log().replace(LOG_FORMAT, "runner-audit/3")
    );
    fs::write(&path, other_form).unwrap();
    assert!(matches!(
        Audit::open(&path, &header()),
        Err(AuditError::Foreign { .. })
    ));

    let absent = directory.path().join("absent").join("audit.jsonl");
    assert!(matches!(
        Audit::open(&absent, &header()),
        Err(AuditError::Open { .. })
    ));
    assert!(matches!(
        Audit::open(directory.path(), &header()),
        Err(AuditError::Open { .. })
    ));
    assert!(matches!(
        Audit::open(Path::new("/dev/null"), &header()),
        Err(AuditError::NotAFile { .. })
    ));

    let empty = directory.path().join("empty");
    fs::write(&empty, "").unwrap();
    assert!(Audit::open(&empty, &header()).is_ok());
}

fn first_line_of_a_log() -> String {
    let content = Shared::default();
    drop(Audit::to_writer(content.clone(), epoch, &header()).unwrap());
    content.text().trim_end().to_owned()
}

#[tokio::test]
async fn a_torn_line_is_ended_and_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    write_run(&path).await;
    let whole = fs::read(&path).unwrap();
    let torn = &whole[..whole.len() - 10];
    fs::write(&path, torn).unwrap();
    assert_eq!(read(&path).unwrap().map(Result::unwrap).count(), 3);

    write_run(&path).await;
    assert!(
        fs::read(&path)
            .unwrap()
            .starts_with(&[torn, b"\n"].concat())
    );
    let read: Vec<Entry> = read(&path).unwrap().map(Result::unwrap).collect();
    assert_eq!(read.len(), 7);
    assert!(matches!(&read[3].record, Record::Run { .. }));
}

/// A second crash came while the next run's header was written.
#[test]
fn a_torn_header_after_a_torn_line_is_passed_over() {
    let header = first_line_of_a_log();
    for cut in 1..header.len() {
        let torn = format!("{header}\n{{\"at\n{}", &header[..cut]);
        for (log, whole) in [(torn.clone(), 1), (format!("{torn}\n{header}\n"), 2)] {
            let reader = Reader::new(log.as_bytes(), Path::new("log"));
            assert_eq!(reader.map(Result::unwrap).count(), whole, "{log}");
        }
    }
}

#[test]
fn a_line_that_no_crash_explains_is_an_error() {
    let header = first_line_of_a_log();
    let refusal =
        r#"{"at":"1970-01-01T00:00:00Z","run":"r","record":"refusal","rule":"a","deed":"b"}"#;
    let cases = [
        (
            "in the middle",
            format!("{header}\ngarbage\n{refusal}\n"),
            1,
        ),
        (
            "ended, at the end",
            format!("{header}\n{refusal}\ngarbage\n"),
            2,
        ),
        (
            "twice, and the second is no header",
            format!("{header}\ngarbage\n{}\n{header}\n", &refusal[..60]),
            1,
        ),
        (
            "twice",
            format!("{header}\ngarbage\ngarbage\n{header}\n"),
            1,
        ),
    ];
    for (case, log, good) in cases {
        let mut reader = Reader::new(log.as_bytes(), Path::new("log"));
        let read: Vec<_> = reader.by_ref().take(good).map(Result::unwrap).collect();
        assert_eq!(read.len(), good, "{case}");
        let line = u64::try_from(good).unwrap() + 1;
        let error = reader.next().unwrap().unwrap_err();
        assert!(
            matches!(error, AuditError::Garbled { line: found, .. } if found == line),
            "{case}: {error:?}"
        );
        assert!(reader.next().is_none(), "{case}");
    }
}

#[test]
fn a_line_without_end_does_not_fill_the_memory() {
    let endless = io::BufReader::new(io::repeat(b'x'));
    let mut reader = Reader::new(endless, Path::new("log"));
    assert!(matches!(reader.next(), Some(Err(AuditError::Read { .. }))));
    assert!(reader.next().is_none());
}

#[test]
fn a_log_of_a_later_version_with_more_fields_is_read() {
    let line = r#"{"at":"1970-01-01T00:00:00Z","run":"r","record":"refusal","rule":"a","deed":"b","new":1}"#;
    assert_eq!(entries(line.as_bytes()).unwrap().len(), 1);
}

proptest! {
    #[test]
    fn a_log_cut_off_anywhere_reads_as_its_whole_lines(lines in 1_usize..6, cut in any::<prop::sample::Index>()) {
        let line = format!("{}\n", first_line_of_a_log());
        let log = line.repeat(lines);
        let cut = cut.index(log.len() + 1);
        let read = entries(&log.as_bytes()[..cut]).unwrap();
        // A line that lacks its newline alone says all that it had to say.
        prop_assert_eq!(read.len(), (cut + 1) / line.len());
    }

    #[test]
    fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let last = bytes.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        // A crash leaves at most a torn line, and a header that is torn in its turn.
        let may_be_torn = last.len() == bytes.len() || b"{\"at\":\"".starts_with(last) && !last.is_empty();
        prop_assert!(entries(&bytes).map_or(true, |read| may_be_torn && read.is_empty()));
    }
}

#[test]
fn white_space_is_no_torn_header() {
    for log in ["\n\x0c", "x\n \n{", "\n\t"] {
        assert!(entries(log.as_bytes()).is_err(), "{log:?}");
    }
    assert_eq!(entries(b"x\n{").unwrap(), []);
}
