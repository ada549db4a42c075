//! Which build this is, for `--version`: whoever reports what a sweep did says by it which one did it.

use std::sync::LazyLock;

use crate::guest::CONTRACT_VERSION;

/// The commit that a release was made of. `.ci/dist` tells the compiler; a build of one's own is of no commit that others could find.
const COMMIT: Option<&str> = option_env!("RUNNER_COMMIT");

/// The digest of the rules that a release was made with, as `.ci/dist` computes it.
const PACK: Option<&str> = option_env!("RUNNER_PACK");

/// Version, commit, contract and rule pack, a line each.
pub(super) fn long() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let version = env!("CARGO_PKG_VERSION");
        let commit = COMMIT.unwrap_or("none, this is no release");
        let pack = PACK.unwrap_or("none, this is no release");
        format!(
            "{version}\ncommit: {commit}\ncontract: cleanup:rules@{CONTRACT_VERSION}\nrule pack: {pack}"
        )
    });
    &TEXT
}
