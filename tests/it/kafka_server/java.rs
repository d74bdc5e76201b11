//! Finds Java and the jars of one Kafka version, and runs Kafka's own command line tools.

use std::fs::rename;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::KafkaVersion;

/// Kafka 4 ships no logging backend of the API that its broker calls; that of 3.9 fits both.
const LOGGING_BACKEND: [&str; 2] = ["slf4j-reload4j-1.7.36.jar", "reload4j-1.2.25.jar"];

/// What makes a JVM start quickly on few cores; nothing here runs long enough to repay more.
const QUICK_START: [&str; 3] = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xlog:disable"];

/// Java with the classes of one Kafka version.
#[derive(Clone, Debug)]
pub(crate) struct Java {
    program: PathBuf,
    classpath: String,
    /// Kafka's classes as the JVM holds them in memory; with it a broker starts in half the time.
    archive: PathBuf,
}

impl Java {
    /// Fetches the jars where they are missing.
    pub(crate) fn with_kafka(version: KafkaVersion) -> Java {
        let program = match std::env::var_os("JAVA_HOME") {
            Some(home) => Path::new(&home).join("bin/java"),
            None => PathBuf::from("java"),
        };
        // The first backend on the class path wins over the silent one among the jars.
        let backend_folder = jars(KafkaVersion::V3_9);
        let mut classpath: Vec<String> =
            LOGGING_BACKEND.iter().map(|jar| backend_folder.join(jar).display().to_string()).collect();
        classpath.push(format!("{}/*", jars(version).display()));
        let archive = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kafka-{}.jsa", version.as_str()));
        Java { program, classpath: classpath.join(":"), archive }
    }

    /// Calls `run_broker` with the JVM option that makes the class archive when its broker ends, unless there is an
    /// archive already. The JVM ignores one that does not fit it; then all is only slower.
    pub(crate) fn make_class_archive(&self, run_broker: impl FnOnce(String)) {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.archive.exists() {
            let unfinished = self.archive.with_extension(format!("{}", std::process::id()));
            run_broker(format!("-XX:ArchiveClassesAtExit={}", unfinished.display()));
            rename(unfinished, &self.archive).unwrap();
        }
    }

    /// The words of the command that runs `class` with a heap of at most `heap_mib`.
    pub(crate) fn command(&self, heap_mib: u32, options: &[String], class: &str) -> Vec<String> {
        let mut words = vec![self.program.display().to_string(), format!("-Xmx{heap_mib}m")];
        words.extend(QUICK_START.iter().map(|&flag| flag.to_owned()));
        if self.archive.exists() {
            words.push(format!("-XX:SharedArchiveFile={}", self.archive.display()));
        }
        words.extend_from_slice(options);
        words.extend(["-cp".to_owned(), self.classpath.clone(), class.to_owned()]);
        words
    }

    /// What `class` wrote to standard output; panics with everything it wrote when it failed.
    pub(crate) fn run(&self, class: &str, arguments: &[&str]) -> String {
        let words = self.command(256, &["-Dlog4j.rootLogger=OFF".to_owned()], class);
        let output =
            Command::new(&words[0]).args(&words[1..]).args(arguments).output().unwrap_or_else(|error| {
                panic!("{} cannot be started (JAVA_HOME or PATH): {error}", words[0])
            });
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{class} {arguments:?} failed:\n{said}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        said
    }
}

fn jars(version: KafkaVersion) -> PathBuf {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kafka/fetch.sh");
    let output = Command::new(script).arg(version.as_str()).output().unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}
