//! The image of `deploy/docker/Dockerfile`, laid out and run as a container engine would, from the program under test:
//! nothing but its own files, nothing writable but its state, nobody who is root.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{ask, child_of, is_root, repository, unshare};
use crate::kafka_server::wait::{try_wait_for, wait_for, wait_until};
use crate::kafka_server::{KafkaCluster, KafkaSpec, KafkaVersion, PATIENCE, Security, free_port};
use crate::program::{CLUSTER, Killed};

/// What the last stage of the Dockerfile says.
fn dockerfile() -> Value {
    let text = fs::read_to_string(repository("deploy/docker/Dockerfile")).unwrap();
    let read = ask("dockerfile", &[], &text).unwrap_or_else(|complaint| panic!("{complaint}"));
    serde_json::from_str(&read).unwrap()
}

fn words(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

/// A container: the root of the image, and the folders that are mounted into it.
struct Container {
    image: Value,
    folder: TempDir,
}

impl Container {
    fn create() -> Container {
        let image = dockerfile();
        assert_eq!(image["base"], "scratch", "then its files are not the ones that are laid out here");
        // Readable for whoever the program runs as.
        let folder = TempDir::new().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        // What its folder for the state is like in the image, is for the rest of this to be true.
        let (user, state) =
            (image["user"].as_str().unwrap(), image["environment"]["STATE_DIRECTORY"].as_str().unwrap());
        let owned = format!("COPY --from=build --chown={user} /state/ {state}/");
        assert!(words(&image["copies"]).contains(&&*owned), "{image}");
        assert_eq!((words(&image["volumes"]), words(&image["ports"])), (vec![state], vec!["1876"]));
        let container = Container { image, folder };
        let laid_out = Command::new(repository("deploy/docker/rootfs.sh"))
            .arg(env!("CARGO_BIN_EXE_plimsoll"))
            .arg(container.root())
            .output()
            .unwrap();
        assert!(laid_out.status.success(), "{}", String::from_utf8_lossy(&laid_out.stderr));
        fs::create_dir(container.root().join("var/lib/plimsoll")).expect("that only the Dockerfile makes it");
        for mounted in [container.settings(), container.state()] {
            fs::create_dir(&mounted).unwrap();
        }
        if is_root() {
            let (user, group) = container.user().split_once(':').unwrap();
            chown(container.state(), user.parse().ok(), group.parse().ok()).unwrap();
        }
        container
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn settings(&self) -> PathBuf {
        self.folder.path().join("settings")
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn user(&self) -> &str {
        self.image["user"].as_str().unwrap()
    }

    fn authorities(&self) -> PathBuf {
        self.root().join(self.image["environment"]["SSL_CERT_FILE"].as_str().unwrap().trim_start_matches('/'))
    }

    /// `program` in the container, with the environment of the image alone. Not run by root it is whoever runs it, who
    /// is no root outside either.
    fn command(&self, program: &[&str]) -> Command {
        let script = r#"
            set -e
            mount --bind "$1" "$1"
            mount --bind "$2" "$1/etc/plimsoll"
            [ ! -e "$3" ] || mount --bind "$3" "$1/var/lib/plimsoll"
            mount -t proc proc "$1/proc"
            for file in /etc/hosts /etc/resolv.conf; do
              : >>"$1$file"
              mount --bind "$file" "$1$file"
            done
            mount -o remount,ro,bind "$1"
            root=$1 user=$4
            shift 4
            exec chroot ${user:+--userspec="$user"} "$root" "$@"
        "#;
        let mut command = unshare(&["--mount", "--pid", "--kill-child"], script);
        command.args([self.root(), self.settings(), self.state()]);
        command.arg(if is_root() { self.user() } else { "" }).args(program);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        for (name, value) in self.image["environment"].as_object().unwrap() {
            command.env(name, value.as_str().unwrap());
        }
        command.stdin(Stdio::null());
        command
    }

    /// What the image runs by itself.
    fn start(&self, settings: &Value) -> Running {
        fs::write(self.settings().join("plimsoll.yaml"), settings.to_string()).unwrap();
        let program = [words(&self.image["entrypoint"]), words(&self.image["command"])].concat();
        self.run(self.command(&program))
    }

    fn run(&self, mut command: Command) -> Running {
        let log = fs::File::create(self.log()).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        Running(Killed(command.spawn().unwrap()))
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// How `command` ends, and all that it says.
    fn ended(&self, command: Command) -> (Option<i32>, String) {
        let code = self.run(command).code();
        (code, fs::read_to_string(self.log()).unwrap())
    }

    /// What the image's health check says, with `further` arguments.
    fn health(&self, port: u16, further: &[&str]) -> (Option<i32>, String) {
        let check = words(&self.image["health"]);
        assert_eq!(check[0], "CMD", "there is no shell for anything else");
        let mut command = self.command(&[&check[1..], further].concat());
        command.env("PLIMSOLL_URL", format!("http://127.0.0.1:{port}"));
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap()).concat();
        (output.status.code(), said)
    }

    fn wait_until_ready(&self, port: u16) {
        let ready = (Some(0), "healthy and ready\n".to_owned());
        let is_ready = try_wait_for(PATIENCE, || (self.health(port, &["--ready"]) == ready).then_some(()));
        let why = || format!("{:?}\n{}", self.health(port, &[]), fs::read_to_string(self.log()).unwrap());
        assert!(is_ready.is_some(), "{}", why());
    }
}

/// `unshare`, whose child is the program.
struct Running(Killed);

impl Running {
    /// Its folder in /proc as seen from outside, once it is started.
    fn program(&self) -> PathBuf {
        let is_it = |folder: &PathBuf| {
            fs::read_to_string(folder.join("comm")).is_ok_and(|name| name.trim() == "plimsoll")
        };
        wait_for("the program is started", PATIENCE, || {
            Some(Path::new("/proc").join(child_of(self.0.0.id())?)).filter(is_it)
        })
    }

    fn stop(self) -> Option<i32> {
        let pid = self.program().file_name().unwrap().to_owned();
        assert!(Command::new("kill").arg("-TERM").arg(pid).status().unwrap().success());
        self.code()
    }

    /// How it ends.
    fn code(mut self) -> Option<i32> {
        wait_for("its end", PATIENCE, || self.0.0.try_wait().unwrap()).code()
    }
}

impl Drop for Running {
    /// Whoever becomes another user is not bound to the life of its parent any more.
    fn drop(&mut self) {
        if let Some(child) = child_of(self.0.0.id()) {
            Command::new("kill").args(["-KILL", &child]).status().ok();
        }
    }
}

fn settings(servers: &str, port: u16, properties: &Value) -> Value {
    let cluster = json!({ "name": CLUSTER, "bootstrap_servers": [servers], "properties": properties });
    json!({ "clusters": [cluster], "http": { "listen": format!("127.0.0.1:{port}") } })
}

#[test]
fn the_image_measures_with_nothing_but_its_own_files() {
    let cluster = KafkaCluster::shared(KafkaVersion::V4_1);
    let container = Container::create();
    let port = free_port();
    // By a name, as clusters are found everywhere but in tests.
    let servers = cluster.bootstrap_server().replace("127.0.0.1", "localhost");
    let running = container.start(&settings(&servers, port, &json!({})));
    container.wait_until_ready(port);

    let program = running.program();
    let status = fs::read_to_string(program.join("status")).unwrap();
    let ids = status.lines().filter(|line| line.starts_with("Uid:") || line.starts_with("Gid:"));
    let ids: Vec<&str> = ids.flat_map(|line| line.split_whitespace().skip(1)).collect();
    assert!(ids.len() == 8 && ids.iter().all(|id| *id != "0"), "{ids:?}");
    assert!(!is_root() || ids.iter().all(|id| *id == "65532"), "{ids:?}");
    let mounts = fs::read_to_string(program.join("mountinfo")).unwrap();
    let root = mounts.lines().rfind(|line| line.split(' ').nth(4) == Some("/")).unwrap();
    assert!(root.split(' ').nth(5).unwrap().split(',').any(|option| option == "ro"), "{mounts}");
    // Its state is where the volume is, and survives the container.
    assert!(fs::read_dir(container.state()).unwrap().count() > 0);
    assert_eq!(running.stop(), Some(0));
    let again = container.start(&settings(&servers, port, &json!({})));
    container.wait_until_ready(port);
    assert_eq!(again.stop(), Some(0));
}

#[test]
fn the_image_knows_the_authorities_that_it_brings() {
    let spec = KafkaSpec::new(KafkaVersion::V4_1).security(Security::ScramOverTls);
    let cluster = KafkaCluster::start(&spec.user("watch", "secret"));
    let container = Container::create();
    let port = free_port();
    let all = cluster.client_properties("watch", "secret");
    let (authority, others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|(name, _)| name == "ssl.ca.location");
    let properties: serde_json::Map<_, _> =
        others.into_iter().map(|(name, value)| (name, json!(value))).collect();
    let settings = settings(&cluster.bootstrap_server(), port, &properties.into());
    let running = container.start(&settings);
    let away = || container.health(port, &["--ready"]).1.contains("ssl.ca.location");
    wait_until("an authority that the image does not know is refused", PATIENCE, away);
    assert_eq!(running.stop(), Some(0));

    let mut known = fs::read_to_string(container.authorities()).unwrap();
    known.push_str(&fs::read_to_string(&authority[0].1).unwrap());
    fs::write(container.authorities(), known).unwrap();
    let running = container.start(&settings);
    container.wait_until_ready(port);
    assert_eq!(running.stop(), Some(0));
}

/// What every build of this project needs stands in `.ci/deps`, above what only tests need.
#[test]
fn the_image_is_built_with_what_a_build_needs() {
    let dockerfile = fs::read_to_string(repository("deploy/docker/Dockerfile")).unwrap();
    let installed = dockerfile.split_once("--no-install-recommends").unwrap().1.split_once("&&").unwrap().0;
    let installed: Vec<&str> = installed.split_whitespace().collect();
    let needs = fs::read_to_string(repository(".ci/deps")).unwrap();
    let needs = needs.split_once("java_version").unwrap().0;
    let named = needs.lines().filter_map(|line| line.split_once("|| need \"")?.1.split_once("\" "));
    let packages: Vec<&str> = named.flat_map(|(_, packages)| packages.trim_matches('"').split(' ')).collect();
    assert!(packages.len() >= 8, "{packages:?}");
    for package in packages {
        assert!(installed.contains(&package), "{package} is not installed: {installed:?}");
    }
}

#[test]
fn the_image_holds_one_program_and_what_it_is_linked_to() {
    let container = Container::create();
    let mut programs = Vec::new();
    let mut others = Vec::new();
    let mut folders = vec![container.root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let shown = path.strip_prefix(container.root()).unwrap().to_str().unwrap().to_owned();
            assert!(metadata.permissions().mode() & 0o7022 == 0, "{shown} is more than it should be");
            match () {
                () if metadata.is_dir() => folders.push(path),
                () if shown.contains(".so") => {}
                () if metadata.permissions().mode() & 0o111 != 0 => programs.push(shown),
                () => others.push(shown),
            }
        }
    }
    assert_eq!(programs, ["usr/bin/plimsoll"]);
    for needed in ["etc/passwd", "etc/ssl/certs/ca-certificates.crt", "usr/share/doc/plimsoll/copyright"] {
        assert!(others.iter().any(|other| other == needed), "no {needed}: {others:?}");
    }
    let lag = [&words(&container.image["entrypoint"])[..], &["lag", "-b", "127.0.0.1:1"]].concat();
    let (code, said) = container.ended(container.command(&lag));
    assert!(code == Some(1) && said.contains("no broker answers"), "{code:?} {said}");
}

#[test]
fn without_a_volume_it_says_that_it_cannot_keep_its_state() {
    let container = Container::create();
    fs::remove_dir(container.state()).unwrap();
    let running = container.start(&settings("127.0.0.1:1", free_port(), &json!({})));
    let code = running.code();
    let said = fs::read_to_string(container.log()).unwrap();
    assert!(code == Some(1) && said.contains("/var/lib/plimsoll"), "{code:?} {said}");
}
