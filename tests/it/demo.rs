//! `make demo` as a newcomer meets it, without a terminal: four groups in the table, and nothing left behind.

use std::path::Path;
use std::process::{Command, Stdio};

/// Runs the demo in a temporary folder of its own. Standard output, or everything it said when it failed.
fn demo(temporary: &Path) -> String {
    let output = Command::new("deploy/demo/run.sh")
        .args(["--seconds", "10"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("TMPDIR", temporary)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{said}\n{complained}", output.status);
    said.into_owned()
}

/// Command lines of living processes that name `temporary`, or have it in the environment they were started with:
/// everything the demo starts inherits its TMPDIR.
fn survivors(temporary: &Path) -> Vec<String> {
    let marked = format!("TMPDIR={}\0", temporary.display());
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| {
            // A process that ends while it is looked at has not survived.
            let process = entry.ok()?.path();
            let environment = std::fs::read(process.join("environ")).ok()?;
            let environment = String::from_utf8_lossy(&environment);
            if !environment.contains(&marked) {
                return None;
            }
            let command = std::fs::read(process.join("cmdline")).ok()?;
            Some(String::from_utf8_lossy(&command).replace('\0', " "))
        })
        .collect()
}

#[test]
fn demo_shows_its_four_groups_and_leaves_nothing_behind() {
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("demo-{}", std::process::id()));
    std::fs::create_dir_all(&temporary).unwrap();

    let said = demo(&temporary);

    let (steps, tables) =
        said.split_once("Ctrl-C ends it all").unwrap_or_else(|| panic!("no table:\n{said}"));
    for step in ["ok compiled", "ok Kafka started", "ok daemon ready"] {
        assert!(steps.contains(step), "no step {step:?}:\n{said}");
    }
    for group in ["billing", "fraud-check", "notifications", "orders-processor"] {
        assert!(tables.contains(group), "no group {group}:\n{said}");
    }
    assert!(tables.contains("Next:"), "nothing to type next:\n{said}");
    assert_eq!(survivors(&temporary), Vec::<String>::new(), "still running");
    let left: Vec<_> = std::fs::read_dir(&temporary).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, Vec::<std::path::PathBuf>::new(), "left behind");
    std::fs::remove_dir(&temporary).unwrap();
}
