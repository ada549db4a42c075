//! The tests that need no root and no network but loopback. An index: something new goes where its sentence fits.

/// The runner's formats against Rally's own answers.
mod names;
/// The fake cloud, the components, and what else tests share.
mod support;
