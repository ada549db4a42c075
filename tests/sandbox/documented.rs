//! The tests that docs/security.md and docs/answers.md give as proof are there.

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

#[test]
fn each_test_that_the_answers_name_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/answers.md")).unwrap();
    let quoted = text.split('`').skip(1).step_by(2);
    let named: BTreeSet<_> = quoted.filter_map(|word| word.split_once("::")).collect();
    assert!(named.len() > 100, "{named:?}");
    for (file, test) in named {
        let path = match (file.strip_prefix("src/"), file.strip_prefix("kit/")) {
            (Some(file), _) => root.join("runner/src").join(file),
            (_, Some(file)) => root.join("wit/rust/src").join(file),
            (None, None) => root.join("tests").join(file),
        };
        let code = std::fs::read_to_string(&path).unwrap();
        let is_there = |word: &str| code.contains(&format!("{word} {test}("));
        assert!(
            is_there("fn") || is_there("def"),
            "{file} has no test {test}"
        );
    }
}
