//! "Did you mean": the name that a misspelt one was probably meant to be.

/// The one of `names` that `wrong` was meant to be, when it is close enough to guess.
pub(crate) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Longer than any key, and the cost is quadratic.
    if wrong.len() > 64 {
        return None;
    }
    let plain = |name: &str| name.to_ascii_lowercase().replace('-', "_");
    let wrong = plain(wrong);
    let scored = names.filter_map(|name| {
        let distance = strsim::levenshtein(&wrong, name);
        let related = name.starts_with(&wrong) && wrong.len() > 2 || wrong.starts_with(name);
        (distance <= 1 + name.len() / 4 || related).then_some((distance, name))
    });
    scored.min().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::CLUSTER;

    #[test]
    fn a_misspelt_key_finds_the_one_that_was_meant() {
        let check = |wrong: &str, expected: Option<&str>| {
            let names = CLUSTER.keys.iter().map(|key| key.name);
            assert_eq!(nearest(wrong, names), expected, "{wrong}");
        };
        check("bootstrap_server", Some("bootstrap_servers"));
        check("bootstrap-servers", Some("bootstrap_servers"));
        check("bootstrap", Some("bootstrap_servers"));
        check("Name", Some("name"));
        check("poll_intervall", Some("poll_interval"));
        check("topic", Some("topics"));
        check("colour", None);
        check("", None);
    }
}
