//! Which files are meant by paths and globs. `*` and `?` stand for characters of one name, never for a `/`.

use std::path::{Path, PathBuf};

use crate::config::expand::Lookup;
use crate::config::read::{Entries, Reader};
use crate::config::tree::Kind;
use crate::config::values::{self, Wrong};
use crate::model::Selector;

/// More are a mistake: a glob that reaches too far.
const MOST_FILES: usize = 1000;

/// A rules file that was found.
#[derive(Debug)]
pub(in crate::config) struct RulesFile {
    /// As problems name it.
    pub name: String,
    pub text: String,
}

/// The files that `name` lists, each once, in the order of the list and of their names. `None` when there is no such
/// key. What cannot be found or read is a problem.
pub(in crate::config) fn named(
    reader: &mut Reader<'_>,
    entries: &Entries<'_>,
    name: &str,
    folder: &Path,
) -> Option<Vec<RulesFile>> {
    let node = entries.get(name)?;
    let path = entries.path(name);
    let one = std::slice::from_ref(node);
    let (items, is_list) = match &node.kind {
        Kind::List(items) => (items.as_slice(), true),
        Kind::Scalar(_) => (one, false),
        Kind::Nothing | Kind::Mapping(_) => {
            let help = "write paths or globs, such as `[rules/*.yaml]`, or `[]` for no rules at all";
            reader.problem(node.at, format!("{path} is {} where a list belongs", node.kind.name()), help);
            return None;
        }
    };
    let lookup = reader.lookup;
    let mut found: Vec<(PathBuf, RulesFile)> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = if is_list { format!("{path}[{index}]") } else { path.clone() };
        let files = reader.value(item, &path, |text| {
            let paths = matching(&folder.join(values::path(text)?), lookup)?;
            if paths.len() + found.len() > MOST_FILES {
                return wrong("names too many files", format!("name at most {MOST_FILES}"));
            }
            paths.iter().map(|path| open(path, lookup)).collect::<Result<Vec<_>, _>>()
        });
        for (path, file) in files.unwrap_or_default() {
            if !found.iter().any(|(earlier, _)| *earlier == path) {
                found.push((path, file));
            }
        }
    }
    Some(found.into_iter().map(|(_, file)| file).collect())
}

fn wrong<T>(what: impl Into<String>, help: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { what: what.into(), help: help.into() })
}

fn open(path: &Path, lookup: &dyn Lookup) -> Result<(PathBuf, RulesFile), Wrong> {
    match lookup.rules(path) {
        Ok(text) => Ok((path.to_owned(), RulesFile { name: path.display().to_string(), text })),
        Err(why) => wrong(why, "name a rules file; paths are relative to the folder of this file"),
    }
}

/// Every file that `pattern` matches, by name; a path without `*` and `?` is itself, whether it exists or not.
fn matching(pattern: &Path, lookup: &dyn Lookup) -> Result<Vec<PathBuf>, Wrong> {
    let mut found = vec![PathBuf::new()];
    let is_glob = |part: &str| Selector::new(part).exact().is_none();
    let mut seen_glob = false;
    for part in pattern.components() {
        let text = part.as_os_str().to_str().unwrap_or_default();
        if !is_glob(text) {
            found.iter_mut().for_each(|path| path.push(part));
            continue;
        }
        seen_glob = true;
        let selector = Selector::new(text);
        let mut deeper = Vec::new();
        for folder in &found {
            // A folder that does not exist, or may not be read, holds nothing that matches.
            let mut names = lookup.names(folder).unwrap_or_default();
            // As shells do it; also what Kubernetes keeps behind a mounted ConfigMap begins with a dot.
            names.retain(|name| selector.matches(name) && !name.starts_with('.'));
            names.sort();
            deeper.extend(names.into_iter().take(MOST_FILES + 1).map(|name| folder.join(name)));
        }
        found = deeper;
    }
    if seen_glob {
        found.retain(|path| lookup.is_file(path));
    }
    if found.is_empty() {
        return wrong(
            "matches no file",
            "paths are relative to the folder of this file; `[]` is for no rules",
        );
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names with a `/` at the end are folders.
    struct Disk;

    const FILES: [&str; 5] = [
        "/etc/rules/b.yaml",
        "/etc/rules/a.yaml",
        "/etc/rules/.c.yaml",
        "/etc/rules/a.yaml.d/x",
        "/etc/top.yaml",
    ];

    impl Lookup for Disk {
        fn variable(&self, _: &str) -> Result<String, String> {
            Err("is not set".to_owned())
        }

        fn file(&self, _: &Path) -> Result<String, String> {
            Err("does not exist".to_owned())
        }

        fn names(&self, folder: &Path) -> Result<Vec<String>, String> {
            let below = FILES.iter().filter_map(|file| Path::new(file).strip_prefix(folder).ok());
            let mut names: Vec<_> = below
                .filter_map(|path| path.components().next())
                .map(|part| part.as_os_str().to_str().unwrap_or_default().to_owned())
                .collect();
            names.dedup();
            Ok(names)
        }

        fn is_file(&self, path: &Path) -> bool {
            FILES.iter().any(|file| Path::new(file) == path)
        }
    }

    #[test]
    fn globs_match_files_by_name() {
        let check = |pattern: &str, expected: &[&str]| {
            let found = matching(Path::new(pattern), &Disk).unwrap_or_default();
            assert_eq!(found, expected.iter().map(PathBuf::from).collect::<Vec<_>>(), "{pattern}");
        };
        check("/etc/rules/*.yaml", &["/etc/rules/a.yaml", "/etc/rules/b.yaml"]);
        check("/etc/rules/*", &["/etc/rules/a.yaml", "/etc/rules/b.yaml"]);
        check("/etc/r*/?.yaml", &["/etc/rules/a.yaml", "/etc/rules/b.yaml"]);
        check("/etc/*.yaml", &["/etc/top.yaml"]);
        check("/etc/*/*/*", &["/etc/rules/a.yaml.d/x"]);
        check("/etc/gone.yaml", &["/etc/gone.yaml"]);
        check("/etc/*.yml", &[]);
        check("/gone/*", &[]);
    }
}
