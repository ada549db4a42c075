//! What tests share: a fake cloud at the wire, and components built on first use.

#[expect(
    dead_code,
    reason = "a fake has more knobs than any one test binary turns"
)]
pub(crate) mod fake_cloud;
pub(crate) mod guests;
