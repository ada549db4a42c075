//! Laws: sentences that hold for every input. Each is a plain function in a file of its own, with the inputs that it is about.
//!
//! Here they are tried with random inputs; `tests/fuzz` looks for those that lead into every corner. What it has found stands in
//! the unit tests of what was mended.

#![expect(
    unreachable_pub,
    reason = "the fuzz targets take the same files for their own"
)]

/// A log after any crash; nothing is passed over.
mod audit;
/// An endpoint is the one that was asked for, or none.
mod catalog;
/// Which of two places counts; what an error may show.
mod clouds;
/// What is not known is refused, and what is not granted is not had.
mod config;
/// Where the inputs come from.
mod draw;
/// A link leads to where it says, at the endpoint.
mod link;
/// A lock is what it was, and nothing else passes for it.
mod lock;
/// What is declared is shown to the letter, and nothing else.
mod members;
/// What a format makes it accepts, and no more.
mod names;
/// A page holds the objects to which it points; words are one line.
mod page;
/// A path stays below the endpoint.
mod path;
/// A saved plan is never exceeded.
mod plan;
/// What is read stands in the object.
mod reading;
/// What was recorded plays as it was.
mod recorded;
/// A pause is the one that was asked for.
mod retry_after;
/// Secrets are nowhere, and all else is where it was.
mod secrets;
/// A request goes to the thing that it is for.
mod template;

use std::fmt::Debug;

use arbitrary::{Arbitrary, Unstructured};
use proptest::collection::vec;
use proptest::prelude::*;

/// Bytes that one input is drawn from. Longer ones come out of their mutation by a fuzzer, not by chance.
const BYTES_MAX: usize = 600;

const CASES: u32 = 1_000;

fn try_out<C: for<'a> Arbitrary<'a> + Debug>(law: fn(C)) {
    let cases = vec(any::<u8>(), 0..BYTES_MAX).prop_filter_map("too few bytes", |bytes| {
        C::arbitrary_take_rest(Unstructured::new(&bytes)).ok()
    });
    proptest!(ProptestConfig::with_cases(CASES), |(case in cases)| law(case));
}

macro_rules! laws {
    ($($law:ident)+) => {
        mod laws {
            $(#[test]
            fn $law() {
                super::try_out(super::$law::holds);
            })+
        }
    };
}

laws! {
    audit catalog clouds config link lock members names page path plan reading recorded retry_after secrets template
}
