//! Where the state is kept. Never reads the environment itself: a look-up is handed in.

use std::path::PathBuf;

use super::StateError;

/// The settings of the state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StateConfig {
    /// The folder; `None` for the one that [`StateConfig::folder`] finds.
    pub path: Option<PathBuf>,
}

impl StateConfig {
    /// The folder that is set, else `$STATE_DIRECTORY` (systemd sets it), else `plimsoll` in the user's state folder
    /// (XDG Base Directory Specification): `$XDG_STATE_HOME`, else `~/.local/state`.
    ///
    /// # Errors
    /// [`StateError::NoFolder`] when none of these is given.
    pub fn folder(&self, environment: &dyn Fn(&str) -> Option<String>) -> Result<PathBuf, StateError> {
        if let Some(path) = &self.path {
            return Ok(path.clone());
        }
        let read = |name: &str| environment(name).filter(|value| !value.is_empty());
        // systemd separates several folders by colons; the first is the one that its unit names first.
        let given = read("STATE_DIRECTORY").and_then(|paths| paths.split(':').next().map(PathBuf::from));
        if let Some(path) = given.filter(|path| path.is_absolute()) {
            return Ok(path);
        }
        // The specification has relative paths ignored.
        let absolute = |name: &str| read(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let of_user =
            absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
        of_user.map(|path| path.join("plimsoll")).ok_or(StateError::NoFolder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_the_first_that_is_named() {
        let check = |path: Option<&str>, environment: &[(&str, &str)], expected: Option<&str>| {
            let config = StateConfig { path: path.map(PathBuf::from) };
            let look_up = |name: &str| {
                environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(config.folder(&look_up).ok(), expected.map(PathBuf::from), "{path:?} {environment:?}");
        };
        let systemd = ("STATE_DIRECTORY", "/var/lib/plimsoll");
        let xdg = ("XDG_STATE_HOME", "/home/ann/.state");
        let home = ("HOME", "/home/ann");
        check(Some("kept/here"), &[systemd, xdg, home], Some("kept/here"));
        check(None, &[systemd, xdg, home], Some("/var/lib/plimsoll"));
        check(None, &[("STATE_DIRECTORY", "/var/lib/a:/var/lib/b"), home], Some("/var/lib/a"));
        check(None, &[xdg, home], Some("/home/ann/.state/plimsoll"));
        check(None, &[("XDG_STATE_HOME", "state"), home], Some("/home/ann/.local/state/plimsoll"));
        check(None, &[("STATE_DIRECTORY", ""), home], Some("/home/ann/.local/state/plimsoll"));
        check(None, &[], None);
    }
}
