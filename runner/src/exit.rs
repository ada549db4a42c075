//! Exit codes: what a command's end means to whoever called it, as one table.
//!
//! Every command ends with an [`Exit`]; a sweep's is decided by `run::Outcome::exit`, and nowhere else.
//!
//! The invariant: the variants stand in the order of precedence, the weakest first, so that of several that fit the greatest is
//! the one to end with. [`Exit::of_all`] does that.

/// How a command ended. The greater of two is the one that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exit {
    /// 0: looked again, nothing is left; or the dry run is done.
    Clean,
    /// 10: `--dry-run --detailed-exitcode`, and there is something to delete.
    WorkToDo,
    /// 3: something that should be gone is left.
    Left,
    /// 4: something was not looked at, so nobody can say that it is clean.
    Unlisted,
    /// 6: a guard refused: confirmation, limit, lock file, a plan that does not fit.
    Guarded,
    /// 5: authentication or scope refused.
    Refused,
    /// 2: usage or configuration.
    Usage,
    /// 1: unexpected error.
    Unexpected,
    /// 130: interrupted; what was in flight is in the audit log.
    Interrupted,
}

impl Exit {
    /// All of them, in the order of precedence, the weakest first.
    pub const ALL: [Self; 9] = [
        Self::Clean,
        Self::WorkToDo,
        Self::Left,
        Self::Unlisted,
        Self::Guarded,
        Self::Refused,
        Self::Usage,
        Self::Unexpected,
        Self::Interrupted,
    ];

    /// The number that the process ends with.
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Unexpected => 1,
            Self::Usage => 2,
            Self::Left => 3,
            Self::Unlisted => 4,
            Self::Refused => 5,
            Self::Guarded => 6,
            Self::WorkToDo => 10,
            Self::Interrupted => 130,
        }
    }

    /// Of several that fit, the one that counts. Of none: clean.
    pub fn of_all(fitting: impl IntoIterator<Item = Self>) -> Self {
        fitting.into_iter().max().unwrap_or(Self::Clean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_the_strongest_counts() {
        let cases: &[(&[Exit], u8)] = &[
            (&[], 0),
            (&[Exit::Clean, Exit::WorkToDo], 10),
            (&[Exit::Left, Exit::WorkToDo], 3),
            (&[Exit::Left, Exit::Unlisted], 4),
            (&[Exit::Unlisted, Exit::Interrupted, Exit::Left], 130),
            (&[Exit::Guarded, Exit::Interrupted], 130),
        ];
        for (fitting, code) in cases {
            assert_eq!(Exit::of_all(fitting.iter().copied()).code(), *code);
        }
    }

    #[test]
    fn all_are_listed_in_their_order_and_no_two_share_a_number() {
        assert!(Exit::ALL.is_sorted());
        let codes: std::collections::BTreeSet<u8> = Exit::ALL.map(Exit::code).into();
        assert_eq!(codes.len(), Exit::ALL.len());
    }
}
