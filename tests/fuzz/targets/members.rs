#![no_main]

libfuzzer_sys::fuzz_target!(|case: runner_fuzz::members::Case| runner_fuzz::members::holds(case));
