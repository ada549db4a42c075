#![no_main]

libfuzzer_sys::fuzz_target!(|case: runner_fuzz::recorded::Case| runner_fuzz::recorded::holds(case));
