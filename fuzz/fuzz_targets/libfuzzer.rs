//! Coverage-guided run of the target that ROOST_FUZZ_TARGET names: `cargo fuzz run libfuzzer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let name = std::env::var("ROOST_FUZZ_TARGET").unwrap_or_else(|_| "sql_parse".to_string());
    if let Some(target) = roost_fuzz::target(&name) {
        (target.run)(data);
    }
});
