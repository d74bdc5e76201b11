//! Logs and traces, against real OTLP receivers.

mod daemon;
mod receiver;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use plimsoll::telemetry::{Log, LogFormat, OtlpConfig, OtlpProtocol, subscriber};
use receiver::Receiver;
use tracing::field::Empty;
use tracing::{info, info_span, warn};

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

/// Runs one cycle, flushes, and gives the lines it logged.
fn one_cycle(format: LogFormat, filter: &str, otlp: &OtlpConfig, variables: &[(&str, String)]) -> String {
    let environment =
        |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
    let buffer = Buffer::default();
    let log = Log { format, filter, color: false, output: Box::new(buffer.clone()) };
    let (subscriber, telemetry) = subscriber(log, otlp, &environment).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        let cycle = info_span!(target: "plimsoll::app", "cycle", cluster = %"prod", tick = 7_u64);
        cycle.in_scope(|| {
            let request =
                info_span!(target: "plimsoll::kafka", "kafka.list_offsets", partitions = 250, errors = Empty);
            request.in_scope(|| warn!(target: "plimsoll::kafka", topic = "orders", "no leader"));
            request.record("errors", 1);
            drop(request);
            info_span!(target: "plimsoll::app", "measure")
                .in_scope(|| info!(target: "plimsoll::app", "measured"));
            info_span!(target: "h2::client", "frame").in_scope(|| info!(target: "h2::client", "sent"));
        });
        drop(cycle);
        telemetry.shutdown(Duration::from_secs(20));
    });
    String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap()
}

fn json_lines(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn attributes(of: &[KeyValue]) -> BTreeMap<&str, String> {
    let shown = |attribute: &KeyValue| match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    of.iter().map(|attribute| (attribute.key.as_str(), shown(attribute))).collect()
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One cycle arrives as one trace, and its log lines carry that trace's id.
fn check_arrives(receiver: &Receiver, protocol: OtlpProtocol) {
    let otlp = OtlpConfig {
        endpoint: Some(receiver.url.clone()),
        protocol: Some(protocol),
        sample_ratio: Some(1.0),
    };
    let variables: Vec<_> =
        receiver.ca_file.iter().map(|file| ("OTEL_EXPORTER_OTLP_CERTIFICATE", file.clone())).collect();
    let text = one_cycle(LogFormat::Json, "plimsoll=info,warn", &otlp, &variables);

    let requests = receiver.received();
    assert_eq!(requests.len(), 1, "{text}");
    let resource_spans = &requests[0].resource_spans[0];
    let resource = attributes(&resource_spans.resource.as_ref().unwrap().attributes);
    assert_eq!(resource["service.name"], "plimsoll");
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));

    let spans: BTreeMap<&str, &Span> =
        resource_spans.scope_spans[0].spans.iter().map(|span| (span.name.as_str(), span)).collect();
    assert_eq!(spans.keys().copied().collect::<Vec<_>>(), ["cycle", "kafka.list_offsets", "measure"]);
    let cycle = spans["cycle"];
    assert!(cycle.parent_span_id.is_empty());
    assert_eq!(
        (&*attributes(&cycle.attributes)["cluster"], &*attributes(&cycle.attributes)["tick"]),
        ("prod", "7")
    );
    for child in [spans["kafka.list_offsets"], spans["measure"]] {
        assert_eq!(
            (&child.trace_id, &child.parent_span_id),
            (&cycle.trace_id, &cycle.span_id),
            "{}",
            child.name
        );
    }
    let request = attributes(&spans["kafka.list_offsets"].attributes);
    assert_eq!((&*request["partitions"], &*request["errors"]), ("250", "1"));

    let lines = json_lines(&text);
    assert_eq!(lines.len(), 2, "{text}");
    for line in lines {
        assert_eq!(line["trace_id"], hex(&cycle.trace_id), "{line}");
        assert_eq!((&line["cluster"], &line["tick"]), (&"prod".into(), &7.into()), "{line}");
    }
}

#[test]
fn a_cycle_arrives_as_one_trace_over_grpc() {
    check_arrives(&Receiver::grpc(), OtlpProtocol::Grpc);
}

#[test]
fn a_cycle_arrives_as_one_trace_over_grpc_with_tls() {
    check_arrives(&Receiver::grpc_with_tls(), OtlpProtocol::Grpc);
}

#[test]
fn a_cycle_arrives_as_one_trace_over_http() {
    check_arrives(&Receiver::http(), OtlpProtocol::HttpProtobuf);
}

#[test]
fn a_cycle_arrives_as_one_trace_over_https() {
    check_arrives(&Receiver::https(), OtlpProtocol::HttpProtobuf);
}

#[test]
fn a_cycle_that_is_not_sampled_is_not_exported_and_names_no_trace() {
    let receiver = Receiver::grpc();
    let otlp = OtlpConfig { endpoint: Some(receiver.url.clone()), protocol: None, sample_ratio: Some(0.0) };
    let grpc = [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc".to_owned())];
    let text = one_cycle(LogFormat::Json, "plimsoll=info,warn", &otlp, &grpc);
    assert_eq!(receiver.received().len(), 0);
    for line in json_lines(&text) {
        assert_eq!((line.get("trace_id"), &line["tick"]), (None, &7.into()), "{line}");
    }
}

/// An unbounded shutdown would wait for this collector for an hour.
#[test]
fn a_collector_that_hangs_delays_the_end_by_no_more_than_allowed() {
    for protocol in [OtlpProtocol::Grpc, OtlpProtocol::HttpProtobuf] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let otlp = OtlpConfig { endpoint: Some(url), protocol: Some(protocol), sample_ratio: None };
        let environment = |name: &str| (name == "OTEL_EXPORTER_OTLP_TIMEOUT").then(|| "3600000".to_owned());
        let buffer = Buffer::default();
        let log =
            Log { format: LogFormat::Text, filter: "warn", color: false, output: Box::new(buffer.clone()) };
        let (subscriber, telemetry) = subscriber(log, &otlp, &environment).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            drop(info_span!(target: "plimsoll::app", "cycle", cluster = "prod", tick = 1_u64).entered());
            telemetry.shutdown(Duration::from_millis(200));
        });
        let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("WARN telemetry: could not send the last traces"), "{text}");
    }
}

/// The export must also work, and end, where it is called from a runtime's own thread.
#[test]
fn traces_are_sent_from_inside_a_runtime_too() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (grpc, http) = (Receiver::grpc(), Receiver::http());
    runtime.block_on(async {
        check_arrives(&grpc, OtlpProtocol::Grpc);
        check_arrives(&http, OtlpProtocol::HttpProtobuf);
    });
}

#[test]
fn without_a_collector_lines_still_name_their_cycle() {
    let check = |filter: &str, expected: &[&str]| {
        let text = one_cycle(LogFormat::Text, filter, &OtlpConfig::default(), &[]);
        // Without the time, which every line begins with.
        let lines: Vec<&str> = text.lines().map(|line| line.split_once(' ').unwrap().1).collect();
        assert_eq!(lines, expected, "{filter}");
    };
    let no_leader = " WARN kafka: no leader topic=orders cluster=prod tick=7";
    let measured = " INFO app: measured cluster=prod tick=7";
    let sent = " INFO h2::client: sent cluster=prod tick=7";
    check(plimsoll::telemetry::DEFAULT_LOG_FILTER, &[no_leader, measured]);
    check("warn", &[no_leader]);
    check("plimsoll::app=info", &[measured]);
    check("trace", &[no_leader, measured, sent]);
    check("off", &[]);
}

#[test]
fn a_wrong_filter_is_told() {
    let log =
        Log { format: LogFormat::Text, filter: "plimsoll=loud", color: false, output: Box::new(Vec::new()) };
    let error = subscriber(log, &OtlpConfig::default(), &|_| None).err().unwrap();
    assert!(error.to_string().contains("plimsoll=loud"), "{error:#}");
}
