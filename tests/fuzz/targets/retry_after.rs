#![no_main]

libfuzzer_sys::fuzz_target!(
    |case: runner_fuzz::retry_after::Case| runner_fuzz::retry_after::holds(case)
);
