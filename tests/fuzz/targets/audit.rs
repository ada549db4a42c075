#![no_main]

libfuzzer_sys::fuzz_target!(|case: runner_fuzz::audit::Case| runner_fuzz::audit::holds(case));
