//! The settings as a whole: reads, checks and composes what each part says it can be configured with.
//! Every problem is told at once, with its place and what would be right; secrets are never shown.

mod build;
mod check;
mod difference;
mod expand;
mod keys;
mod kind;
mod mask;
mod notify;
mod origins;
mod problem;
mod read;
mod resolve;
mod rules;
mod schema;
mod source;
mod tree;
mod trials;
mod values;
mod words;

use std::path::Path;

pub use check::{CheckOptions, Checked, check_file, check_files};
pub use difference::{RuleChanges, keys_for_a_restart};
pub use expand::{Lookup, System};
pub(crate) use keys::nearest;
pub use origins::Origins;
pub use problem::{Place, Problem, Problems};
pub use resolve::{Given, resolve, resolve_with_origins};
pub use rules::Rules;
pub use schema::{rules_schema, schema};
pub use trials::{RuleTest, TestFile, load_tests, parse_tests};
pub use values::Severities;
pub(crate) use words::{grouping_words, kind_words, listed, matching_words, name_words};

use crate::api::HttpConfig;
use crate::kafka::ClusterConfig;
use crate::model::Millis;
use crate::notify::NotifyConfig;
use crate::state::StateConfig;
use crate::store::HistoryConfig;
use crate::telemetry::OtlpConfig;

use kind::FileKind;
use origins::Noting;
use read::Reader;
use source::Source;
use tree::Node;

/// All settings, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The clusters to watch: at least one, each with a name of its own.
    pub clusters: Vec<ClusterConfig>,
    /// Where metrics and the API are served.
    pub http: HttpConfig,
    /// Where traces are sent.
    pub otlp: OtlpConfig,
    /// How much history is kept.
    pub history: HistoryConfig,
    /// Where is kept what has to survive a restart.
    pub state: StateConfig,
    /// Upper bounds of the latency histogram, ascending; empty for the usual ones.
    pub latency_bounds: Vec<Millis>,
    /// The promises and thresholds; the shipped ones when the settings name none.
    pub rules: Rules,
    /// Who is told of what; the terminal of everything when the settings name nobody.
    pub notify: NotifyConfig,
    /// Further names of severities in rules files.
    pub severities: Severities,
}

/// Reads the settings file at `path`, with the process' own environment, and the rules files that it names.
///
/// # Errors
/// Every problem of the file, or of the rules files.
pub fn load(path: &Path) -> Result<Config, Problems> {
    load_noting(path, &Noting::default())
}

fn load_noting(path: &Path, lookup: &Noting) -> Result<Config, Problems> {
    lookup.file_is_read(path);
    let (text, file) = read(
        path,
        "the settings file",
        "give the path of a settings file, such as `--config plimsoll.yaml`",
    )?;
    parse(&text, &file, lookup)
}

/// Reads settings from `text`; paths of rules in it are relative to the folder of `file_name`.
///
/// # Errors
/// Every problem of the text; when there is none, every problem of the rules files that it names.
pub fn parse(text: &str, file_name: &str, lookup: &dyn Lookup) -> Result<Config, Problems> {
    let help = format!("begin with `clusters: {}`", values::example(&keys::Shape::Sections(&keys::CLUSTER)));
    let (source, root) = open(text, file_name, "the settings", &help)?;
    match FileKind::of(&root) {
        FileKind::Settings => {}
        other => return Err(other.misplaced(file_name, "where settings belong").into()),
    }
    let mut reader = Reader::new(source, lookup);
    let (mut config, files) = build::config(&mut reader, &root, rules::folder_of(file_name));
    let mut problems = reader.into_problems();
    match files.map_or_else(|| rules::shipped(lookup), |files| rules::all(&files, lookup, &config.severities))
    {
        Ok(rules) => config.rules = rules,
        Err(of_rules) => problems.extend(of_rules.0),
    }
    if problems.is_empty() { Ok(config) } else { Err(Problems(problems)) }
}

/// Reads rules from `text`; `file_name` is only for the problems.
///
/// # Errors
/// Every problem of the text.
pub fn parse_rules(text: &str, file_name: &str, lookup: &dyn Lookup) -> Result<Rules, Problems> {
    parse_rules_with(text, file_name, lookup, &Severities::default())
}

/// The same, with names of severities that settings add.
fn parse_rules_with(
    text: &str,
    file_name: &str,
    lookup: &dyn Lookup,
    severities: &Severities,
) -> Result<Rules, Problems> {
    rules::one(text, file_name, lookup, severities)
}

/// The text of the file at `path`, and its name; `whole` is what it should be.
fn read(path: &Path, whole: &str, help: &str) -> Result<(String, String), Problems> {
    let file = path.display().to_string();
    match expand::read_text(path, tree::MAX_BYTES) {
        Ok(text) => Ok((text, file)),
        Err(error) => Err(Problem::without_place(Some(&file), format!("{whole} {error}"), help).into()),
    }
}

/// The tree in `text`, which is `whole`; `empty` is the help when there is nothing in it.
fn open<'t>(
    text: &'t str,
    file_name: &'t str,
    whole: &str,
    empty: &str,
) -> Result<(Source<'t>, Node), Problems> {
    if text.len() > tree::MAX_BYTES {
        let are = if whole.ends_with('s') { "are" } else { "is" };
        let what = format!("{whole} {are} larger than {} KiB", tree::MAX_BYTES / 1024);
        return Err(Problem::without_place(Some(file_name), what, "is this the right file?").into());
    }
    let mut source = Source::new(file_name, text);
    let root = tree::parse(text)
        .map_err(|error| Problems::from(source.problem(error.at, error.what, error.help)))?;
    if matches!(root.kind, tree::Kind::Nothing) {
        let are = if whole.ends_with('s') { "are" } else { "is" };
        return Err(Problem::without_place(Some(file_name), format!("{whole} {are} empty"), empty).into());
    }
    source.hide_secrets(&root);
    Ok((source, root))
}
