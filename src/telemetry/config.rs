//! The `otlp` settings. Never reads the environment.

/// Where traces go. What is not set here is filled by the `OTEL_*` variables; without an endpoint in either,
/// nothing is exported.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OtlpConfig {
    /// The collector's URL, `http://…` or `https://…`. With `http/protobuf`, `/v1/traces` is appended when it
    /// has no path.
    pub endpoint: Option<String>,
    /// Not set: gRPC on port 4317, otherwise `http/protobuf`.
    pub protocol: Option<OtlpProtocol>,
    /// The share of cycles that are traced, from 0 to 1. Not set: all.
    pub sample_ratio: Option<f64>,
}

/// How spans are carried to the collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtlpProtocol {
    Grpc,
    HttpProtobuf,
}
