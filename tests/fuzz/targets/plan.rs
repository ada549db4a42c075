#![no_main]

libfuzzer_sys::fuzz_target!(|case: runner_fuzz::plan::Case| runner_fuzz::plan::holds(case));
