//! No settings file makes the reader panic, and no problem shows what a variable holds.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use plimsoll::config::{self, Lookup};

const SECRET: &str = "f7c1-put-in-from-outside";

/// Every variable and every file holds the secret.
struct Everything;

impl Lookup for Everything {
    fn variable(&self, _: &str) -> Result<String, String> {
        Ok(SECRET.to_owned())
    }

    fn file(&self, _: &Path) -> Result<String, String> {
        Ok(SECRET.to_owned())
    }
}

fuzz_target!(|text: &str| {
    if let Err(problems) = config::parse(text, "plimsoll.yaml", &Everything) {
        assert!(!problems.0.is_empty());
        let told = format!("{problems} {problems:?}");
        assert!(text.contains(SECRET) || !told.contains(SECRET), "{told}");
    }
});
