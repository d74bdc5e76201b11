//! The layer that turns events into log lines, each with the cycle it belongs to. Never fails: a line that cannot
//! be written is lost.

use std::io::Write;
use std::sync::{Mutex, OnceLock};
use std::time::SystemTime;

use opentelemetry::trace::TraceContextExt;
use tracing::dispatcher::WeakDispatch;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::LogFormat;
use super::line::{Cycle, Fields, Line};

pub(super) struct LogLayer {
    format: LogFormat,
    color: bool,
    output: Mutex<Box<dyn Write + Send>>,
    /// The subscriber this layer is part of, which knows the trace of a span.
    whole: OnceLock<WeakDispatch>,
}

impl LogLayer {
    pub(super) fn new(format: LogFormat, color: bool, output: Box<dyn Write + Send>) -> Self {
        Self { format, color, output: Mutex::new(output), whole: OnceLock::new() }
    }

    /// The id under which the span's trace is exported; `None` when it is not.
    fn trace_id(&self, span: &Id) -> Option<String> {
        let dispatch = self.whole.get()?.upgrade()?;
        let context = tracing_opentelemetry::get_otel_context(span, &dispatch)?;
        let span = context.span();
        let span = span.span_context();
        (span.is_valid() && span.is_sampled()).then(|| span.trace_id().to_string())
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LogLayer {
    fn on_register_dispatch(&self, whole: &Dispatch) {
        self.whole.set(whole.downgrade()).ok();
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut cycle = Cycle::default();
        attributes.record(&mut cycle);
        if let Some(span) = context.span(id)
            && cycle != Cycle::default()
        {
            span.extensions_mut().insert(cycle);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut cycle = Cycle::default();
        let mut trace_id = None;
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(found) = span.extensions().get::<Cycle>() {
                cycle.fill_from(found);
            }
            trace_id = trace_id.or_else(|| self.trace_id(&span.id()));
        }
        let metadata = event.metadata();
        let line =
            Line { at: now(), level: *metadata.level(), target: metadata.target(), fields, cycle, trace_id };
        let text = match self.format {
            LogFormat::Text => line.text(self.color),
            LogFormat::Json => line.json(),
        };
        if let Ok(mut output) = self.output.lock() {
            // Nobody is left to be told.
            output.write_all(text.as_bytes()).ok();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a line carries the time it was written")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::try_from(SystemTime::now()).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

impl Visit for Cycle {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "cluster" {
            self.cluster = Some(format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "cluster" {
            self.cluster = Some(value.to_owned());
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "tick" {
            self.tick = Some(value);
        }
    }
}
