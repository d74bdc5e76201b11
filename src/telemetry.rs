//! Structured logs on standard error, and traces over OTLP when a collector is named.
//! Never on the path of a measurement: a collector that is slow, wrong or down costs spans and nothing else.

mod config;
mod exporter;
mod line;
mod log;
mod target;

use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{EnvFilter, FilterExt, Targets, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};

pub use config::{OtlpConfig, OtlpProtocol};

/// What is logged when nobody says otherwise: Plimsoll's own lines, and the warnings of everything else.
pub const DEFAULT_LOG_FILTER: &str = "plimsoll=info,warn";

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Where and how lines are logged.
#[expect(missing_debug_implementations, reason = "a writer cannot be shown")]
pub struct Log<'a> {
    /// For people or for machines.
    pub format: LogFormat,
    /// Directives such as `plimsoll=info,warn`.
    pub filter: &'a str,
    /// Colour in the text format.
    pub color: bool,
    /// Gets each line in one write.
    pub output: Box<dyn Write + Send>,
}

/// The running trace export, if there is one. Dropping it abandons what was not sent yet.
#[derive(Debug)]
pub struct Telemetry {
    traces: Option<Traces>,
}

#[derive(Debug)]
struct Traces {
    provider: SdkTracerProvider,
    /// Carries the gRPC connection. Its own, so that it works where there is no other, and while the other is stuck.
    runtime: Option<tokio::runtime::Runtime>,
    url: String,
}

/// Sends this process's logs to standard error and its traces to the collector, from now on.
///
/// `environment` reads `OTEL_*` variables that decide where traces go; the remaining ones (headers, timeout,
/// sampler, resource attributes, queue sizes) are read from the process by OpenTelemetry's own library.
///
/// # Errors
/// When the filter or the destination of the traces is malformed, or a subscriber is installed already.
pub fn install(
    log_format: LogFormat,
    log_filter: &str,
    color: bool,
    otlp: &OtlpConfig,
    environment: &dyn Fn(&str) -> Option<String>,
) -> anyhow::Result<Telemetry> {
    let log = Log { format: log_format, filter: log_filter, color, output: Box::new(std::io::stderr()) };
    let (subscriber, telemetry) = subscriber(log, otlp, environment)?;
    tracing::subscriber::set_global_default(subscriber).context("logging is installed already")?;
    Ok(telemetry)
}

/// What `install` installs, without installing it.
///
/// # Errors
/// When the filter or the destination of the traces is malformed.
pub fn subscriber(
    log: Log<'_>,
    otlp: &OtlpConfig,
    environment: &dyn Fn(&str) -> Option<String>,
) -> anyhow::Result<(impl Subscriber + Send + Sync + use<>, Telemetry)> {
    let wanted = EnvFilter::try_new(log.filter).with_context(|| {
        format!("log filter {:?}: expected something like {DEFAULT_LOG_FILTER:?}", log.filter)
    })?;
    // The cycle's span names its lines, so it must be seen even where no line of its level is wanted.
    let own_spans = filter_fn(|it| it.is_span() && it.target().starts_with("plimsoll"))
        .with_max_level_hint(LevelFilter::INFO);
    let lines = log::LogLayer::new(log.format, log.color, log.output).with_filter(wanted.or(own_spans));

    let traces = target::resolve(otlp, environment)?.map(exporter::start).transpose()?;
    // Only Plimsoll's own spans: those of the client that carries them would be exported without end.
    let spans = traces.as_ref().map(|traces| {
        tracing_opentelemetry::layer()
            .with_tracer(traces.provider.tracer("plimsoll"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target("plimsoll", LevelFilter::INFO))
    });
    let subscriber = tracing_subscriber::registry().with(spans).with(lines);
    Ok((subscriber, Telemetry { traces }))
}

impl Telemetry {
    /// Sends the spans that are still queued. Blocks, never for longer than `within`.
    pub fn shutdown(mut self, within: Duration) {
        let Some(traces) = self.traces.as_ref() else { return };
        if let Err(error) = traces.provider.shutdown_with_timeout(within) {
            tracing::warn!(url = traces.url, %error, "could not send the last traces");
        }
        self.abandon();
    }

    fn abandon(&mut self) {
        if let Some(runtime) = self.traces.take().and_then(|traces| traces.runtime) {
            // An ordinary drop would wait for the connection, and may not happen inside another runtime.
            runtime.shutdown_background();
        }
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.abandon();
    }
}
