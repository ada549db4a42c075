#![no_main]

libfuzzer_sys::fuzz_target!(|case: runner_fuzz::path::Case| runner_fuzz::path::holds(case));
