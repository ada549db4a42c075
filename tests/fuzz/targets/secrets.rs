#![no_main]

libfuzzer_sys::fuzz_target!(|case: runner_fuzz::secrets::Case| runner_fuzz::secrets::holds(case));
