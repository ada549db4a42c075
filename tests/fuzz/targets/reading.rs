#![no_main]

libfuzzer_sys::fuzz_target!(|case: runner_fuzz::reading::Case| runner_fuzz::reading::holds(case));
