//! Which files and folders settings come from: noted while they are read, so that nothing that is read can be forgotten.
//! Never watches anything.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::expand::{Lookup, System};

/// Longer chains of links are taken for a circle.
const MOST_LINKS: usize = 40;

/// Everything that settings were read from, and that was looked for and not found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origins {
    /// The settings file, rules files and files of secrets.
    pub files: BTreeSet<PathBuf>,
    /// Folders that a glob looked into.
    pub folders: BTreeSet<PathBuf>,
}

impl Origins {
    /// Every folder in which a change may mean other settings: what is read can be replaced there, or be added, or a link
    /// on the way to it can be set to another place, as Kubernetes does with a mounted ConfigMap. Of folders that do not
    /// exist the nearest one above that does.
    #[must_use]
    pub fn watched_folders(&self) -> BTreeSet<PathBuf> {
        let mut folders = BTreeSet::new();
        // A pipe changes for nobody.
        let files = self.files.iter().filter(|file| std::fs::metadata(file).map_or(true, |it| it.is_file()));
        for file in files {
            note_links(file, &mut folders);
            folders.insert(existing(file.parent()));
        }
        for folder in &self.folders {
            note_links(folder, &mut folders);
            folders.insert(existing(Some(folder)));
        }
        folders
    }
}

/// Notes the folder of each link on the way to `path`, and the folder that it leads to in the end.
fn note_links(path: &Path, folders: &mut BTreeSet<PathBuf>) {
    let mut links = 0;
    let mut open: Vec<PathBuf> = vec![path.to_owned()];
    while let Some(path) = open.pop() {
        let mut walked = PathBuf::new();
        let mut parts = path.components();
        while let Some(part) = parts.next() {
            let folder = walked.clone();
            walked.push(part);
            let is_name = matches!(part, Component::Normal(_));
            let Some(target) = is_name.then(|| std::fs::read_link(&walked).ok()).flatten() else { continue };
            links += 1;
            if links > MOST_LINKS {
                return;
            }
            folders.insert(existing(Some(&folder)));
            let target = folder.join(target).join(parts.as_path());
            folders.insert(existing(target.parent()));
            open.push(target);
            break;
        }
    }
}

/// `folder`, or the nearest one above it that exists.
fn existing(folder: Option<&Path>) -> PathBuf {
    let mut above = folder.into_iter().flat_map(Path::ancestors);
    let found = above.find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    if found.as_os_str().is_empty() { PathBuf::from(".") } else { found.to_owned() }
}

/// Looks everything up in the system, and notes where.
#[derive(Debug, Default)]
pub(super) struct Noting {
    origins: RefCell<Origins>,
}

impl Noting {
    pub(super) fn file_is_read(&self, path: &Path) {
        self.origins.borrow_mut().files.insert(path.to_owned());
    }

    pub(super) fn into_origins(self) -> Origins {
        self.origins.into_inner()
    }
}

impl Lookup for Noting {
    fn variable(&self, name: &str) -> Result<String, String> {
        System.variable(name)
    }

    fn file(&self, path: &Path) -> Result<String, String> {
        self.file_is_read(path);
        System.file(path)
    }

    fn rules(&self, path: &Path) -> Result<String, String> {
        self.file_is_read(path);
        System.rules(path)
    }

    fn names(&self, folder: &Path) -> Result<Vec<String>, String> {
        self.origins.borrow_mut().folders.insert(folder.to_owned());
        System.names(folder)
    }

    fn is_file(&self, path: &Path) -> bool {
        System.is_file(path)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    /// The folders, relative to where all of it is; `.` for that one itself.
    fn check(at: &TempDir, files: &[&str], folders: &[&str], expected: &[&str]) {
        let at = at.path();
        let all = |names: &[&str]| names.iter().map(|name| at.join(name)).collect::<BTreeSet<_>>();
        let origins = Origins { files: all(files), folders: all(folders) };
        let expected: BTreeSet<_> =
            expected.iter().map(|name| if *name == "." { at.to_owned() } else { at.join(name) }).collect();
        assert_eq!(origins.watched_folders(), expected, "{files:?} {folders:?}");
    }

    #[test]
    fn folders_are_watched_and_the_links_on_the_way() {
        let at = TempDir::new().unwrap();
        let path = |name: &str| at.path().join(name);
        for folder in ["plain/rules", "mount/..2026", "elsewhere"] {
            std::fs::create_dir_all(path(folder)).unwrap();
        }
        for file in ["plain/a.yaml", "mount/..2026/a.yaml", "elsewhere/b.yaml"] {
            std::fs::write(path(file), "").unwrap();
        }
        // As Kubernetes mounts a ConfigMap.
        symlink("..2026", path("mount/..data")).unwrap();
        symlink("..data/a.yaml", path("mount/a.yaml")).unwrap();
        symlink(path("elsewhere/b.yaml"), path("plain/b.yaml")).unwrap();
        symlink("round", path("round")).unwrap();

        check(&at, &["plain/a.yaml"], &[], &["plain"]);
        check(&at, &[], &["plain/rules"], &["plain/rules"]);
        check(&at, &["mount/a.yaml"], &[], &["mount", "mount/..data", "mount/..2026"]);
        check(&at, &[], &["mount/..data"], &["mount", "mount/..data"]);
        check(&at, &["plain/b.yaml"], &[], &["plain", "elsewhere"]);
        check(&at, &["plain/gone/deep/c.yaml"], &["gone"], &["plain", "."]);
        check(&at, &["round/a.yaml"], &[], &["."]);
    }
}
