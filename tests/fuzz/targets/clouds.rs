#![no_main]

libfuzzer_sys::fuzz_target!(|case: runner_fuzz::clouds::Case| runner_fuzz::clouds::holds(case));
