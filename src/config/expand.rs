//! `${NAME}` and `${file:/path}` in values. Works on parsed values, so that what is put in can never be YAML.
//! What is put in is not looked at again.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::tree::MAX_BYTES;

/// Where variables and files come from; tests bring their own. An error is a clause: "is not set".
pub trait Lookup {
    /// The value of an environment variable.
    ///
    /// # Errors
    /// When it is not set, or is not UTF-8.
    fn variable(&self, name: &str) -> Result<String, String>;

    /// The text of a file, as it is.
    ///
    /// # Errors
    /// When it cannot be read, is larger than a secret could be, or is not UTF-8.
    fn file(&self, path: &Path) -> Result<String, String>;

    /// The text of a rules file; there are none unless this says otherwise.
    ///
    /// # Errors
    /// When it cannot be read, is larger than any rules file, or is not UTF-8.
    fn rules(&self, _path: &Path) -> Result<String, String> {
        Err("does not exist".to_owned())
    }

    /// The names of what is in a folder, in any order.
    ///
    /// # Errors
    /// When it cannot be read.
    fn names(&self, _folder: &Path) -> Result<Vec<String>, String> {
        Err("does not exist".to_owned())
    }

    /// Whether there is a file at `path`, and no folder.
    fn is_file(&self, _path: &Path) -> bool {
        false
    }
}

/// The process' own environment and file system.
#[derive(Debug, Clone, Copy)]
pub struct System;

impl Lookup for System {
    #[expect(clippy::disallowed_methods, reason = "the settings are where the environment comes in")]
    fn variable(&self, name: &str) -> Result<String, String> {
        std::env::var(name).map_err(|error| match error {
            std::env::VarError::NotPresent => "is not set".to_owned(),
            std::env::VarError::NotUnicode(_) => "is not UTF-8".to_owned(),
        })
    }

    fn file(&self, path: &Path) -> Result<String, String> {
        read_text(path, 64 * 1024)
    }

    fn rules(&self, path: &Path) -> Result<String, String> {
        read_text(path, MAX_BYTES)
    }

    fn names(&self, folder: &Path) -> Result<Vec<String>, String> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let entries = std::fs::read_dir(folder).map_err(|error| format!("cannot be read: {error}"))?;
        Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
    }

    fn is_file(&self, path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|about| !about.is_dir())
    }
}

/// The text of the file at `path`, at most `max_bytes` long; an error is a clause.
pub(super) fn read_text(path: &Path, max_bytes: usize) -> Result<String, String> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "does not exist".to_owned(),
        std::io::ErrorKind::PermissionDenied => "may not be read by this user".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    let kind = std::fs::metadata(path).map_err(failed)?;
    if kind.is_dir() {
        return Err("is a folder, not a file".to_owned());
    }
    let mut bytes = Vec::new();
    // Not only regular files: `<(…)` and /dev/stdin are pipes. The limit is for devices that never end.
    let most = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() > max_bytes {
        return Err(format!("is larger than {} KiB", max_bytes / 1024));
    }
    String::from_utf8(bytes).map_err(|error| {
        let line =
            error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count();
        format!("is not UTF-8 text (line {})", line + 1)
    })
}

/// A reference that could not be expanded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unexpanded {
    /// Which `${` of the value it was, from 0, counting `$${` too.
    pub index: usize,
    /// What is wrong. Quotes only what can be the name of a variable or a file.
    pub what: String,
    /// What would be right.
    pub help: String,
}

/// `value` with its references replaced; `None` when it has none.
pub(super) fn expand(value: &str, lookup: &dyn Lookup) -> Option<Result<String, Vec<Unexpanded>>> {
    let mut expanded = String::with_capacity(value.len());
    let mut problems = Vec::new();
    let mut rest = value;
    let mut index = 0;
    while let Some(at) = rest.find("${") {
        let before = &rest[..at];
        rest = &rest[at + 2..];
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
        } else {
            expanded.push_str(before);
            let (reference, after) = match rest.split_once('}') {
                Some((reference, after)) => (Some(reference), after),
                None => (None, ""),
            };
            rest = after;
            match resolve(reference, lookup) {
                Ok(text) => expanded.push_str(&text),
                Err((what, help)) => problems.push(Unexpanded { index, what, help }),
            }
        }
        index += 1;
    }
    expanded.push_str(rest);
    (index > 0).then_some(if problems.is_empty() { Ok(expanded) } else { Err(problems) })
}

fn resolve(reference: Option<&str>, lookup: &dyn Lookup) -> Result<String, (String, String)> {
    let Some(reference) = reference else {
        return Err((
            "a `${` that is never closed".to_owned(),
            "close it with `}`, or write `$${` for `${`".to_owned(),
        ));
    };
    if let Some(path) = reference.strip_prefix("file:") {
        if !path.starts_with('/') {
            return Err((
                "`${file:…}` needs an absolute path".to_owned(),
                "write it from the root, such as `${file:/run/secrets/kafka}`".to_owned(),
            ));
        }
        let mut text = lookup.file(Path::new(path)).map_err(|error| {
            (format!("the file `{path}` {error}"), "name a file with the value in it".to_owned())
        })?;
        // Editors and `echo` end a file with a line break that is not part of the secret.
        let line = text.trim_end_matches('\n').trim_end_matches('\r').len();
        text.truncate(line);
        return Ok(text);
    }
    let is_name = !reference.is_empty()
        && !reference.starts_with(|c: char| c.is_ascii_digit())
        && reference.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_name {
        return Err((
            "a `${…}` that names no environment variable".to_owned(),
            "write `${NAME}` or `${file:/path}`, or `$${` for `${`".to_owned(),
        ));
    }
    lookup.variable(reference).map_err(|error| {
        (
            format!("the environment variable `{reference}` {error}"),
            "set it before starting plimsoll".to_owned(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;

    impl Lookup for Fixed {
        fn variable(&self, name: &str) -> Result<String, String> {
            match name {
                "A" => Ok("one".to_owned()),
                "NESTED" => Ok("${A}: [x]".to_owned()),
                _ => Err("is not set".to_owned()),
            }
        }

        fn file(&self, path: &Path) -> Result<String, String> {
            if path == Path::new("/f") { Ok("two\n".to_owned()) } else { Err("does not exist".to_owned()) }
        }
    }

    #[test]
    fn references_are_replaced_once() {
        let check = |value: &str, expected: &str| {
            assert_eq!(expand(value, &Fixed), Some(Ok(expected.to_owned())), "{value}");
        };
        check("${A}", "one");
        check("<${A}-${file:/f}>", "<one-two>");
        check("$${A}", "${A}");
        check("${NESTED}", "${A}: [x]");
        check("$A ${A}", "$A one");
        assert_eq!(expand("$A {A}", &Fixed), None);
    }

    #[test]
    fn each_reference_that_fails_is_told() {
        let check = |value: &str, expected: &[(usize, &str)]| {
            let problems = expand(value, &Fixed).unwrap().unwrap_err();
            let told: Vec<_> = problems.iter().map(|one| (one.index, one.what.as_str())).collect();
            assert_eq!(told, expected, "{value}");
        };
        check(
            "$${x} ${B} ${A} ${",
            &[(1, "the environment variable `B` is not set"), (3, "a `${` that is never closed")],
        );
        check("${a-b}", &[(0, "a `${…}` that names no environment variable")]);
        check("${}", &[(0, "a `${…}` that names no environment variable")]);
        check("${file:/g}", &[(0, "the file `/g` does not exist")]);
        check("${file:g}", &[(0, "`${file:…}` needs an absolute path")]);
    }
}
