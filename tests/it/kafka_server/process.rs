//! One broker's process: it never outlives the test process, however that one ends.

use std::fs::{File, read_to_string};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::wait::try_wait_for;

/// Runs the rest of its arguments, and says their process id. When the pipe that is its standard input is closed,
/// which the kernel does for a test process that was killed too, it kills them and removes the folder.
const KEEPER: &str = r#"
log=$1 folder=$2; shift 2
exec 3<&0
orphaned=
trap 'orphaned=yes' USR1
"$@" </dev/null >>"$log" 2>&1 3<&- &
broker=$!
echo "$broker"
exec >/dev/null
( read -r _ <&3; kill -USR1 $$ ) &
reader=$!
wait "$broker"
if [ -n "$orphaned" ]; then
  kill -KILL "$broker"; wait "$broker"; rm -rf "$folder"
else
  kill "$reader"
fi
"#;

#[derive(Debug)]
pub(crate) struct BrokerProcess {
    keeper: Child,
    broker_pid: u32,
    log: PathBuf,
}

impl BrokerProcess {
    /// Starts `words`; what they write is appended to `log`. `folder` is removed with the last of its processes.
    pub(crate) fn spawn(words: &[String], log: &Path, folder: &Path) -> BrokerProcess {
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, "sh"])
            .args([log, folder])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Ctrl-C is for the tests alone: this shell must live to clean up after them.
            .process_group(0)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut line).unwrap();
        BrokerProcess { keeper, broker_pid: line.trim().parse().unwrap(), log: log.to_owned() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.broker_pid
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.keeper.try_wait().unwrap().is_none()
    }

    /// `signal` as kill(1) spells it: TERM, KILL, STOP, CONT.
    pub(crate) fn signal(&self, signal: &str) {
        let sent =
            Command::new("kill").args([format!("-{signal}"), self.broker_pid.to_string()]).status().unwrap();
        assert!(sent.success(), "SIG{signal} to the broker's process {}", self.broker_pid);
    }

    /// Waits until the process has ended; panics with its log when it does not within `within`.
    pub(crate) fn wait_for_end(&mut self, within: Duration) {
        let ended = try_wait_for(within, || (!self.is_running()).then_some(()));
        assert!(ended.is_some(), "the broker did not end within {within:?}:\n{}", log_tail(&self.log));
    }
}

impl Drop for BrokerProcess {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // A failure here has nobody to tell, and the keeper goes on without us.
        self.keeper.wait().ok();
    }
}

/// The last lines of the log at `path`.
pub(crate) fn log_tail(path: &Path) -> String {
    let log = read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// An empty log at `path`, so that the end of an earlier start is not taken for that of the next.
pub(crate) fn start_new_log(path: &Path) {
    File::create(path).unwrap();
}
