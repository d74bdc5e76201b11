//! Where traces go, decided from the settings and the `OTEL_*` variables. Never opens a connection.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use reqwest::Url;

use super::{OtlpConfig, OtlpProtocol};

/// A collector, checked as far as it can be without asking it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    /// Complete: where `http/protobuf` posts to, or where gRPC connects to.
    pub(super) url: String,
    pub(super) protocol: OtlpProtocol,
    /// The share of cycles, when the settings give one; else the library's `OTEL_TRACES_SAMPLER` decides.
    pub(super) sample_ratio: Option<f64>,
    /// PEM file of the authorities to trust besides those of the system.
    pub(super) ca_file: Option<String>,
    /// How long the collector may take for one batch.
    pub(super) timeout: Duration,
}

/// What OpenTelemetry's specification prescribes.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Decides the destination; `None` when nothing names one, or the environment switches the export off.
pub(super) fn resolve(
    config: &OtlpConfig,
    environment: &dyn Fn(&str) -> Option<String>,
) -> anyhow::Result<Option<Target>> {
    // An empty variable counts as unset, as OpenTelemetry demands.
    let read = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
    // The variable for traces alone wins over the one for every signal.
    let read_either = |name: &str| {
        let for_traces = format!("OTEL_EXPORTER_OTLP_TRACES_{name}");
        let for_all = format!("OTEL_EXPORTER_OTLP_{name}");
        read(&for_traces)
            .map(|value| (for_traces, value))
            .or_else(|| read(&for_all).map(|value| (for_all, value)))
    };
    if read("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
        || read("OTEL_TRACES_EXPORTER").is_some_and(|value| value == "none")
    {
        return Ok(None);
    }
    let from_settings = config.endpoint.clone().map(|endpoint| ("otlp.endpoint".to_owned(), endpoint));
    let Some((origin, endpoint)) = from_settings.or_else(|| read_either("ENDPOINT")) else {
        return Ok(None);
    };
    let mut url = parse(&endpoint).with_context(|| format!("{origin}: {endpoint:?} cannot be used"))?;

    let protocol = match (config.protocol, read_either("PROTOCOL")) {
        (Some(protocol), _) => protocol,
        (None, Some((name, value))) => match value.as_str() {
            "grpc" => OtlpProtocol::Grpc,
            "http/protobuf" => OtlpProtocol::HttpProtobuf,
            _ => bail!("{name}: {value:?} is not supported, use grpc or http/protobuf"),
        },
        (None, None) if url.port() == Some(4317) => OtlpProtocol::Grpc,
        (None, None) => OtlpProtocol::HttpProtobuf,
    };
    if let Some(ratio) = config.sample_ratio {
        ensure!((0.0..=1.0).contains(&ratio), "otlp.sample_ratio: {ratio} is not between 0 and 1");
    }
    let timeout = match read_either("TIMEOUT") {
        None => DEFAULT_TIMEOUT,
        Some((name, value)) => Duration::from_millis(
            value
                .trim()
                .parse()
                .with_context(|| format!("{name}: {value:?} is not a number of milliseconds"))?,
        ),
    };
    if protocol == OtlpProtocol::HttpProtobuf {
        let path = url.path().trim_end_matches('/');
        match origin.as_str() {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" => {}
            "OTEL_EXPORTER_OTLP_ENDPOINT" => url.set_path(&format!("{path}/v1/traces")),
            _ if path.is_empty() => url.set_path("/v1/traces"),
            _ => {}
        }
    }
    Ok(Some(Target {
        url: url.into(),
        protocol,
        sample_ratio: config.sample_ratio,
        ca_file: read_either("CERTIFICATE").map(|(_, path)| path),
        timeout,
    }))
}

fn parse(endpoint: &str) -> anyhow::Result<Url> {
    let expected = "expected something like http://collector:4317";
    let url = Url::parse(endpoint).context(expected)?;
    ensure!(matches!(url.scheme(), "http" | "https"), "{expected}");
    ensure!(url.has_host(), "{expected}");
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(endpoint: &str, protocol: Option<OtlpProtocol>, variables: &[(&str, &str)]) -> Option<Target> {
        let endpoint = (!endpoint.is_empty()).then(|| endpoint.to_owned());
        let config = OtlpConfig { endpoint, protocol, sample_ratio: None };
        let environment =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        resolve(&config, &environment).unwrap()
    }

    #[test]
    fn the_settings_win_and_the_environment_fills_what_they_leave_open() {
        let check = |endpoint: &str, protocol, variables: &[(&str, &str)], url: &str, expected| {
            let target = of(endpoint, protocol, variables).unwrap();
            assert_eq!((target.url.as_str(), target.protocol), (url, expected), "{endpoint} {variables:?}");
        };
        let (grpc, http) = (OtlpProtocol::Grpc, OtlpProtocol::HttpProtobuf);
        let generic = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:4318/otel");
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:4318/as-is");

        check("http://c:4317", None, &[], "http://c:4317/", grpc);
        check("http://c:4318", None, &[], "http://c:4318/v1/traces", http);
        check("https://c/", None, &[], "https://c/v1/traces", http);
        check("http://c:4318/mine", None, &[], "http://c:4318/mine", http);
        check("http://c:4317", Some(http), &[], "http://c:4317/v1/traces", http);
        check("http://c:9", None, &[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], "http://c:9/", grpc);
        check("http://c:4317", Some(grpc), &[generic, traces], "http://c:4317/", grpc);
        check("", None, &[generic], "http://env:4318/otel/v1/traces", http);
        check("", None, &[generic, traces], "http://traces:4318/as-is", http);
        let protocols =
            [("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "x")];
        check("http://c:9", None, &protocols, "http://c:9/", grpc);
    }

    #[test]
    fn a_batch_may_take_as_long_as_the_environment_says() {
        let check = |variables: &[(&str, &str)], milliseconds| {
            let target = of("http://c", None, variables).unwrap();
            assert_eq!(target.timeout, Duration::from_millis(milliseconds));
        };
        check(&[], 10_000);
        check(&[("OTEL_EXPORTER_OTLP_TIMEOUT", "2500")], 2500);
    }

    #[test]
    fn nothing_is_exported_unless_somebody_asks() {
        assert_eq!(of("", None, &[]), None);
        assert_eq!(of("", None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]), None);
        assert_eq!(of("http://c:4317", None, &[("OTEL_SDK_DISABLED", "true")]), None);
        assert_eq!(of("http://c:4317", None, &[("OTEL_TRACES_EXPORTER", "none")]), None);
    }

    #[test]
    fn a_wrong_destination_is_told_with_what_would_be_right() {
        let check = |endpoint: &str, ratio: f64, protocol: &str, expected: &str| {
            let config =
                OtlpConfig { endpoint: Some(endpoint.to_owned()), protocol: None, sample_ratio: Some(ratio) };
            let environment =
                |name: &str| (name == "OTEL_EXPORTER_OTLP_PROTOCOL").then(|| protocol.to_owned());
            let error = resolve(&config, &environment).unwrap_err();
            assert!(format!("{error:#}").contains(expected), "{error:#}");
        };
        check("collector:4317", 1.0, "grpc", "expected something like http://collector:4317");
        check("collector", 1.0, "grpc", "otlp.endpoint: \"collector\" cannot be used");
        check("http://c", 1.5, "grpc", "otlp.sample_ratio: 1.5 is not between 0 and 1");
        check("http://c", f64::NAN, "grpc", "not between 0 and 1");
        check("http://c", 1.0, "http/json", "use grpc or http/protobuf");
    }
}
