//! Where traces are sent. What is not set here is left to the `OTEL_*` variables by who starts the tracing.

/// The `otlp` settings; nothing is set by default, and then nothing is sent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OtlpConfig {
    /// The collector's URL, `http://…` or `https://…`.
    pub endpoint: Option<String>,
    /// How to speak to it; gRPC when nothing says otherwise.
    pub protocol: Option<OtlpProtocol>,
    /// The share of cycles that are traced, 0 to 1; 1 when nothing says otherwise.
    pub sample_ratio: Option<f64>,
}

/// The two ways a collector listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OtlpProtocol {
    /// gRPC, written `grpc`; port 4317 as a rule.
    #[default]
    Grpc,
    /// Protobuf over HTTP, written `http/protobuf`; port 4318 as a rule.
    HttpProtobuf,
}

impl OtlpProtocol {
    /// Every spelling, as in `OTEL_EXPORTER_OTLP_PROTOCOL`.
    pub const NAMES: &[&str] = &["grpc", "http/protobuf"];

    /// The protocol spelled `name`, one of [`OtlpProtocol::NAMES`].
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "grpc" => Some(Self::Grpc),
            "http/protobuf" => Some(Self::HttpProtobuf),
            _ => None,
        }
    }
}
