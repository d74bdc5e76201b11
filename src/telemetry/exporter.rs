//! The connection to the collector: gRPC or `http/protobuf`, with TLS by rustls, behind a bounded queue.
//! Never blocks the thread that ends a span, and never fails because of the collector.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Context;
use opentelemetry_otlp::tonic_types::transport::{Certificate, ClientTlsConfig};
use opentelemetry_otlp::{WithExportConfig, WithHttpConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter};

use super::target::Target;
use super::{OtlpProtocol, Traces};

/// How often a collector that does not take spans is complained about.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// Starts the queue and its thread. The connection itself is made, and made again, when there is something to send.
pub(super) fn start(target: Target) -> anyhow::Result<Traces> {
    let context = || format!("cannot export traces to {}", target.url);
    let (exporter, runtime) = match target.protocol {
        OtlpProtocol::Grpc => {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .thread_name("otlp")
                .enable_all()
                .build()
                .with_context(context)?;
            let entered = runtime.enter();
            let exporter = grpc(&target).with_context(context)?;
            drop(entered);
            (exporter, Some(runtime))
        }
        OtlpProtocol::HttpProtobuf => (http(&target).with_context(context)?, None),
    };
    let exporter = Complaining { exporter, url: target.url.clone(), trouble: Mutex::default() };
    let mut provider = SdkTracerProvider::builder().with_resource(resource()).with_batch_exporter(exporter);
    if let Some(ratio) = target.sample_ratio {
        provider = provider.with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio))));
    }
    Ok(Traces { provider: provider.build(), runtime, url: target.url })
}

fn grpc(target: &Target) -> anyhow::Result<opentelemetry_otlp::SpanExporter> {
    let mut exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(&target.url)
        .with_timeout(target.timeout);
    if target.url.starts_with("https:") {
        let mut tls = ClientTlsConfig::new().with_enabled_roots();
        if let Some(pem) = authorities(target)? {
            tls = tls.ca_certificate(Certificate::from_pem(pem));
        }
        exporter = exporter.with_tls_config(tls);
    }
    Ok(exporter.build()?)
}

fn http(target: &Target) -> anyhow::Result<opentelemetry_otlp::SpanExporter> {
    // Only the first provider of a process is kept; another part may have brought the same one.
    rustls::crypto::ring::default_provider().install_default().ok();
    let authorities = authorities(target)?;
    // The blocking client starts a runtime of its own, which a thread that serves another one may not do.
    let timeout = target.timeout;
    let build = move || -> anyhow::Result<reqwest::blocking::Client> {
        let mut client = reqwest::blocking::Client::builder().timeout(timeout);
        if let Some(pem) = authorities {
            for certificate in reqwest::Certificate::from_pem_bundle(&pem)? {
                client = client.add_root_certificate(certificate);
            }
        }
        Ok(client.build()?)
    };
    let client = std::thread::scope(|scope| scope.spawn(build).join())
        .map_err(|_| anyhow::anyhow!("the HTTP client panicked while it was made"))??;
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_endpoint(&target.url)
        .with_timeout(target.timeout);
    Ok(exporter.build()?)
}

fn authorities(target: &Target) -> anyhow::Result<Option<Vec<u8>>> {
    let read = |path: &String| {
        std::fs::read(path).with_context(|| format!("OTEL_EXPORTER_OTLP_CERTIFICATE: cannot read {path}"))
    };
    target.ca_file.as_ref().map(read).transpose()
}

/// Who sends the spans: `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` over our own name and version.
fn resource() -> Resource {
    let given = Resource::builder().build();
    let mut resource = Resource::builder();
    let is_named =
        given.get(&"service.name".into()).is_some_and(|name| !name.as_str().starts_with("unknown_service"));
    if !is_named {
        resource = resource.with_service_name("plimsoll");
    }
    if given.get(&"service.version".into()).is_none() {
        let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        resource = resource.with_attribute(version);
    }
    resource.build()
}

/// An exporter that says when spans are lost, at most once a minute, and when they arrive again.
#[derive(Debug)]
struct Complaining<E> {
    exporter: E,
    url: String,
    trouble: Mutex<Trouble>,
}

#[derive(Debug, Default)]
struct Trouble {
    /// When it was last complained about; `None` while all is well.
    complained: Option<Instant>,
    /// Spans lost since then.
    lost: usize,
}

impl<E: SpanExporter> Complaining<E> {
    fn note(&self, spans: usize, result: &OTelSdkResult, now: Instant) {
        let Ok(mut trouble) = self.trouble.lock() else { return };
        match result {
            Ok(()) => {
                if trouble.complained.take().is_some() {
                    tracing::info!(url = self.url, "the collector takes traces again");
                    trouble.lost = 0;
                }
            }
            Err(error) => {
                trouble.lost += spans;
                let is_due = trouble.complained.is_none_or(|last| now.duration_since(last) >= COMPLAIN_EVERY);
                if is_due {
                    complain(&self.url, trouble.lost, error);
                    *trouble = Trouble { complained: Some(now), lost: 0 };
                }
            }
        }
    }
}

fn complain(url: &str, lost_spans: usize, error: &OTelSdkError) {
    tracing::warn!(
        url,
        lost_spans,
        %error,
        "the collector does not take traces, check that it listens there and speaks that protocol"
    );
}

impl<E: SpanExporter> SpanExporter for Complaining<E> {
    #[expect(clippy::disallowed_methods, reason = "paces a log line; nothing is measured with it")]
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let result = self.exporter.export(batch).await;
        self.note(spans, &result, Instant::now());
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::Arc;

    use crate::telemetry::{Log, LogFormat, OtlpConfig, subscriber};

    #[derive(Debug)]
    struct Nowhere;

    impl SpanExporter for Nowhere {
        async fn export(&self, _batch: Vec<SpanData>) -> OTelSdkResult {
            Ok(())
        }
    }

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "an Instant cannot be made otherwise")]
    fn a_collector_that_is_down_is_told_once_a_minute_and_once_when_it_is_back() {
        let url = "http://c:4317".to_owned();
        let exporter = Complaining { exporter: Nowhere, url, trouble: Mutex::default() };
        let buffer = Buffer::default();
        let log =
            Log { format: LogFormat::Text, filter: "info", color: false, output: Box::new(buffer.clone()) };
        let (subscriber, _telemetry) = subscriber(log, &OtlpConfig::default(), &|_| None).unwrap();
        let start = Instant::now();
        tracing::subscriber::with_default(subscriber, || {
            let refused = Err(OTelSdkError::InternalFailure("refused".to_owned()));
            for second in [0, 5, 30, 59, 60, 65] {
                exporter.note(10, &refused, start + Duration::from_secs(second));
            }
            for second in [70, 75] {
                exporter.note(10, &Ok(()), start + Duration::from_secs(second));
            }
        });
        let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[0].contains("WARN") && lines[0].contains("lost_spans=10"), "{text}");
        assert!(lines[1].contains("lost_spans=40"), "{text}");
        assert!(lines[2].contains("takes traces again"), "{text}");
    }
}
