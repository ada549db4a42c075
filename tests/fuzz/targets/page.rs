#![no_main]

libfuzzer_sys::fuzz_target!(|case: runner_fuzz::page::Case| runner_fuzz::page::holds(case));
