#![no_main]

libfuzzer_sys::fuzz_target!(|case: runner_fuzz::names::Case| runner_fuzz::names::holds(case));
