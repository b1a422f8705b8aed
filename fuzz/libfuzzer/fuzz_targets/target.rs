//! The target that the variable `TARGET` names.

#![no_main]

use std::sync::LazyLock;

static TARGET: LazyLock<edgeapp_fuzz::Target> = LazyLock::new(|| {
    let name = std::env::var("TARGET").expect("TARGET names one of the folders in fuzz/corpus");
    edgeapp_fuzz::target(&name)
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (TARGET.run)(bytes));
