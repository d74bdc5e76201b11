//! The settings as a whole: reads, checks and composes what each part says it can be configured with.
//! Every problem is told at once, with its place and what would be right; secrets are never shown.

mod build;
mod check;
mod expand;
mod keys;
mod mask;
mod problem;
mod read;
mod resolve;
mod schema;
mod source;
mod tree;
mod values;

use std::path::Path;

pub use check::check_files;
pub use expand::{Lookup, System};
pub use problem::{Place, Problem, Problems};
pub use resolve::{Given, resolve};
pub use schema::schema;

use crate::api::HttpConfig;
use crate::kafka::ClusterConfig;
use crate::store::HistoryConfig;
use crate::telemetry::OtlpConfig;

use read::Reader;
use source::Source;

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
}

/// Reads the settings file at `path`, with the process' own environment.
///
/// # Errors
/// Every problem of the file.
pub fn load(path: &Path) -> Result<Config, Problems> {
    let file = path.display().to_string();
    match expand::read_text(path, tree::MAX_BYTES) {
        Ok(text) => parse(&text, &file, &System),
        Err(error) => {
            let help = "give the path of a settings file, such as `--config plimsoll.yaml`";
            Err(Problem::without_place(Some(&file), format!("the settings file {error}"), help).into())
        }
    }
}

/// Reads settings from `text`; `file_name` is only for the problems.
///
/// # Errors
/// Every problem of the text.
pub fn parse(text: &str, file_name: &str, lookup: &dyn Lookup) -> Result<Config, Problems> {
    if text.len() > tree::MAX_BYTES {
        let what = format!("the settings are larger than {} KiB", tree::MAX_BYTES / 1024);
        return Err(Problem::without_place(Some(file_name), what, "is this the right file?").into());
    }
    let mut source = Source::new(file_name, text);
    let root = tree::parse(text).map_err(|error| source.problem(error.at, error.what, error.help))?;
    if matches!(root.kind, tree::Kind::Nothing) {
        let help =
            format!("begin with `clusters: {}`", values::example(&keys::Shape::Sections(&keys::CLUSTER)));
        return Err(Problem::without_place(Some(file_name), "the settings are empty", help).into());
    }
    source.hide_secrets(&root);
    let mut reader = Reader::new(source, lookup);
    let config = build::config(&mut reader, &root);
    let problems = reader.into_problems();
    if problems.is_empty() { Ok(config) } else { Err(Problems(problems)) }
}
