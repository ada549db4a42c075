#![no_main]

libfuzzer_sys::fuzz_target!(|case: runner_fuzz::template::Case| runner_fuzz::template::holds(case));
