#![no_main]

libfuzzer_sys::fuzz_target!(|case: runner_fuzz::config::Case| runner_fuzz::config::holds(case));
