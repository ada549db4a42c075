//! What breaks the chain, and what does not.

use super::*;

fn verdict(log: &[u8]) -> Verdict {
    crate::audit::verify::examine(log, Path::new("log"), None).unwrap()
}

fn broken_at(log: &[u8]) -> Option<u64> {
    verdict(log).broken.map(|broken| broken.line)
}

/// A log of two runs.
async fn two_runs() -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    write_run(&path).await;
    write_run(&path).await;
    let log = fs::read(&path).unwrap();
    (directory, path, log)
}

fn lines(log: &[u8]) -> Vec<Vec<u8>> {
    log.split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect()
}

#[tokio::test]
async fn a_log_is_whole_over_several_runs_and_looking_changes_nothing() {
    let (_directory, path, log) = two_runs().await;
    let seen = verify(&path, None).unwrap();
    assert_eq!(
        (seen.lines, seen.runs, seen.untied, seen.torn),
        (8, 2, 0, 0)
    );
    assert_eq!((seen.broken, seen.torn_at_end), (None, false));
    assert_eq!(fs::read(&path).unwrap(), log);
}

#[tokio::test]
async fn a_line_that_is_changed_taken_out_put_in_or_moved_breaks_the_chain() {
    let (_directory, _, log) = two_runs().await;
    let lines = lines(&log);
    for at in 0..lines.len() {
        let mut out = lines.clone();
        out.remove(at);
        let is_last = at + 1 == lines.len();
        let expected = (!is_last).then(|| u64::try_from(at).unwrap() + 1);
        assert_eq!(broken_at(&out.concat()), expected, "line {at} taken out");
        let mut twice = lines.clone();
        twice.insert(at, lines[at].clone());
        assert!(broken_at(&twice.concat()).is_some(), "line {at} twice");
        if !is_last {
            let mut swapped = lines.clone();
            swapped.swap(at, at + 1);
            assert!(broken_at(&swapped.concat()).is_some(), "line {at} moved");
        }
    }
    let text = String::from_utf8(log.clone()).unwrap();
    let changed = text.replacen("network.port", "network.trunk", 1);
    assert_eq!(broken_at(changed.as_bytes()), Some(3), "the line behind it");
    // Whoever takes the links away has changed the lines.
    let link = regex::Regex::new(r#","prev":"[0-9a-f]{64}""#).unwrap();
    let first_untied = link.replacen(&text, 1, "");
    assert_eq!(broken_at(first_untied.as_bytes()), Some(2));
    let garbled = [log.as_slice(), b"garbage\n"].concat();
    assert_eq!(broken_at(&garbled), Some(9));
}

#[tokio::test]
async fn each_byte_before_the_last_line_counts() {
    let (_directory, _, log) = two_runs().await;
    let last = lines(&log).last().unwrap().len();
    for at in 0..log.len() - last {
        let mut changed = log.clone();
        changed[at] ^= 1;
        assert!(broken_at(&changed).is_some(), "byte {at}");
    }
}

#[tokio::test]
async fn what_is_cut_off_at_the_end_is_missed_by_who_has_kept_its_hash() {
    let (_directory, path, log) = two_runs().await;
    let head = verify(&path, None).unwrap().head.unwrap();
    let head = LineHash::parse(&head).unwrap();
    let examine = |log: &[u8]| crate::audit::verify::examine(log, &path, Some(head)).unwrap();
    assert_eq!(examine(&log).broken, None);
    let shorter = lines(&log)[..6].concat();
    assert_eq!(
        verdict(&shorter).broken,
        None,
        "the chain alone does not tell"
    );
    assert_eq!(examine(&shorter).broken.map(|it| it.line), Some(6));
    write_run(&path).await;
    assert_eq!(
        verify(&path, Some(head)).unwrap().broken,
        None,
        "a log may grow"
    );
}

#[tokio::test]
async fn a_torn_line_is_said_and_is_a_link_once_the_log_goes_on() {
    let (_directory, path, log) = two_runs().await;
    fs::write(&path, &log[..log.len() - 10]).unwrap();
    let torn = verify(&path, None).unwrap();
    assert!(torn.torn_at_end && torn.broken.is_none(), "{torn:?}");
    write_run(&path).await;
    let seen = verify(&path, None).unwrap();
    assert_eq!((seen.torn, seen.torn_at_end, seen.broken), (1, false, None));
    let text = fs::read_to_string(&path).unwrap();
    let torn = text.lines().nth(7).unwrap();
    let changed = text.replacen(torn, &torn.replace("failed", "fouled"), 1);
    assert_eq!(broken_at(changed.as_bytes()), Some(9));
}

#[tokio::test]
async fn a_log_of_the_first_form_goes_on_and_is_tied_from_there() {
    let (_directory, path, log) = two_runs().await;
    let link = regex::Regex::new(r#","prev":"[0-9a-f]{64}""#).unwrap();
    let text = String::from_utf8(log).unwrap();
    let old = link
        .replace_all(&text, "")
        .replace(LOG_FORMAT, UNTIED_FORMAT);
    fs::write(&path, &old).unwrap();
    assert_eq!(verify(&path, None).unwrap().untied, 8);
    write_run(&path).await;
    let seen = verify(&path, None).unwrap();
    assert_eq!((seen.lines, seen.untied, seen.runs), (12, 8, 3));
    assert_eq!(seen.broken, None);
    assert_eq!(read(&path).unwrap().map(Result::unwrap).count(), 12);
    let whole = fs::read_to_string(&path).unwrap();
    let changed = whole.replace("\"gone\":0", "\"gone\":1");
    assert!(
        broken_at(changed.as_bytes()).is_some(),
        "its end is tied to"
    );
}

/// A run was killed in mid-line while another one goes on writing.
#[tokio::test]
async fn a_line_torn_beside_another_run_is_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let audit = Audit::open(&path, &header()).unwrap();
    let mut other = OpenOptions::new().append(true).open(&path).unwrap();
    other
        .write_all(b"{\"at\":\"1970-01-01T00:00:00Z\",\"ru")
        .unwrap();
    audit.intention(&deed("p1")).await.unwrap();
    audit.finish(Summary::default()).await.unwrap();
    let seen = verify(&path, None).unwrap();
    assert_eq!((seen.lines, seen.torn, seen.broken), (4, 1, None));
    let read: Result<Vec<Entry>, _> = read(&path).unwrap().collect();
    assert_eq!(read.unwrap().len(), 3);
}
