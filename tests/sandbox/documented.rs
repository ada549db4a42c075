//! The tests that docs/security.md gives as proof are there.

use super::*;

/// The names of all tests, rows of a table among them.
fn tests(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests(&path, names);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let lines = text.lines().map(str::trim);
            let lines = lines.map(|line| line.strip_prefix("async ").unwrap_or(line));
            let named = lines.filter_map(|line| match line.strip_prefix("fn ") {
                Some(function) => function.split_once("()"),
                None => line.split_once(": \""),
            });
            names.extend(named.map(|(name, _)| name.to_owned()));
        }
    }
}

#[test]
fn each_proof_that_is_named_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names = BTreeSet::new();
    tests(&root.join("tests"), &mut names);
    tests(&root.join("runner/src"), &mut names);
    let text = std::fs::read_to_string(root.join("docs/security.md")).unwrap();
    let quoted = text.split('`').skip(1).step_by(2);
    let is_test = |word: &&str| {
        let plain = |c: char| c.is_ascii_lowercase() || matches!(c, '_' | '…');
        word.chars().all(plain) && word.contains('_') && !word.ends_with("_max")
    };
    let proofs: Vec<&str> = quoted.filter(is_test).collect();
    assert!(proofs.len() > 50, "{proofs:?}");
    for proof in proofs {
        let is_there = match (proof.strip_prefix('…'), proof.strip_suffix('…')) {
            (Some(end), _) => names.iter().any(|name| name.ends_with(end)),
            (_, Some(begin)) => names.iter().any(|name| name.starts_with(begin)),
            (None, None) => names.contains(proof),
        };
        assert!(is_there, "there is no test {proof}");
    }
}
