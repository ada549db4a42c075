#![no_main]

libfuzzer_sys::fuzz_target!(|case: runner_fuzz::lock::Case| runner_fuzz::lock::holds(case));
