//! What `deploy/` holds, checked with the programs of those who read it: no container engine and no cluster is needed.

mod autoscaling;
mod compose;
mod image;
mod kubernetes;
mod schemas;
mod systemd;

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// A file or folder of this repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The folder of the programs and schemas that the files are checked with.
fn checkers() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let fetched = Command::new(repository("tests/manifests/fetch.sh")).output().unwrap();
        assert!(fetched.status.success(), "{}", String::from_utf8_lossy(&fetched.stderr));
        PathBuf::from(String::from_utf8(fetched.stdout).unwrap().trim())
    })
}

/// What a checker says to `input`: its standard output when it finds nothing wrong, else all that it says.
pub(crate) fn ask(checker: &str, arguments: &[&str], input: &str) -> Result<String, String> {
    let mut command = Command::new(checkers().join("bin").join(checker));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    let (mut stdin, input) = (running.stdin.take().unwrap(), input.to_owned());
    // Whoever has seen enough does not read to the end.
    let writing = std::thread::spawn(move || stdin.write_all(input.as_bytes()).ok());
    let output = running.wait_with_output().unwrap();
    writing.join().unwrap();
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(said.into_owned()) } else { Err(format!("{said}{complained}")) }
}

/// Whether the tests run as root: then programs can be run as somebody else.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|of_this_process| of_this_process.uid() == 0)
}

/// `bash -c script` as the first process of new `namespaces` (options of unshare); who is not root seems to be in them.
fn unshare(namespaces: &[&str], script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(namespaces).arg("--fork");
    if !is_root() {
        command.arg("--map-root-user");
    }
    command.args(["bash", "-c", script, "unshare"]);
    command
}

/// The one child of a process.
fn child_of(process: u32) -> Option<String> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).ok()?;
    Some(children.trim().to_owned()).filter(|child| !child.is_empty())
}
