#![no_main]

libfuzzer_sys::fuzz_target!(|case: runner_fuzz::link::Case| runner_fuzz::link::holds(case));
