#![no_main]

libfuzzer_sys::fuzz_target!(|case: runner_fuzz::catalog::Case| runner_fuzz::catalog::holds(case));
