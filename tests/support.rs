//! What tests share: a fake cloud at the wire, components built on first use, and the real binary in a place of its own.

#[expect(
    dead_code,
    reason = "a fake has more knobs than any one test binary turns"
)]
pub(crate) mod fake_cloud;
#[expect(dead_code, reason = "the demonstration builds fewer rules")]
pub(crate) mod guests;
pub(crate) mod registry;
pub(crate) mod run;
pub(crate) mod scripted_rule;
