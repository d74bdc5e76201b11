//! OTLP receivers that keep what they are sent: the official gRPC service, and `/v1/traces` over HTTP,
//! each with and without TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::{TlsAcceptor, rustls, server::TlsStream};
use tonic::transport::{Identity, Server, ServerTlsConfig, server::TcpIncoming};

pub(super) struct Receiver {
    /// What to set as the endpoint.
    pub(super) url: String,
    /// The authority to trust, with TLS.
    pub(super) ca_file: Option<String>,
    requests: mpsc::Receiver<ExportTraceServiceRequest>,
    runtime: Option<Runtime>,
    _folder: Option<TempDir>,
}

type Requests = mpsc::Sender<ExportTraceServiceRequest>;

impl Receiver {
    pub(super) fn grpc() -> Self {
        Self::start("http", None, |listener, requests| async move {
            let incoming = TcpIncoming::from(listener);
            Server::builder().add_service(service(requests)).serve_with_incoming(incoming).await.unwrap();
        })
    }

    pub(super) fn grpc_with_tls() -> Self {
        let certificate = Certificate::new();
        let identity = Identity::from_pem(&certificate.chain, &certificate.key);
        Self::start("https", Some(&certificate), |listener, requests| async move {
            let incoming = TcpIncoming::from(listener);
            let mut server = Server::builder().tls_config(ServerTlsConfig::new().identity(identity)).unwrap();
            server.add_service(service(requests)).serve_with_incoming(incoming).await.unwrap();
        })
    }

    pub(super) fn http() -> Self {
        Self::start("http", None, |listener, requests| async move {
            axum::serve(listener, router(requests)).await.unwrap();
        })
    }

    pub(super) fn https() -> Self {
        let certificate = Certificate::new();
        let acceptor = certificate.acceptor();
        Self::start("https", Some(&certificate), |listener, requests| async move {
            axum::serve(Tls { listener, acceptor }, router(requests)).await.unwrap();
        })
    }

    fn start<F>(
        scheme: &str,
        certificate: Option<&Certificate>,
        serve: impl FnOnce(TcpListener, Requests) -> F,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (sender, requests) = mpsc::channel();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("{scheme}://localhost:{}", listener.local_addr().unwrap().port());
        let entered = runtime.enter();
        runtime.spawn(serve(TcpListener::from_std(listener).unwrap(), sender));
        drop(entered);
        let folder = certificate.map(|certificate| {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("ca.pem"), &certificate.chain).unwrap();
            folder
        });
        let ca_file = folder.as_ref().map(|folder| folder.path().join("ca.pem").to_str().unwrap().to_owned());
        Self { url, ca_file, requests, runtime: Some(runtime), _folder: folder }
    }

    /// What has arrived. A sender that was flushed has had its answer, so nothing is still under way.
    pub(super) fn received(&self) -> Vec<ExportTraceServiceRequest> {
        self.requests.try_iter().collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

struct Service(Requests);

fn service(requests: Requests) -> TraceServiceServer<Service> {
    TraceServiceServer::new(Service(requests))
}

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        self.0.send(request.into_inner()).unwrap();
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

fn router(requests: Requests) -> Router {
    let take = async move |body: Bytes| match ExportTraceServiceRequest::decode(body) {
        Ok(request) => {
            requests.send(request).unwrap();
            (StatusCode::OK, ExportTraceServiceResponse::default().encode_to_vec())
        }
        Err(_) => (StatusCode::BAD_REQUEST, Vec::new()),
    };
    Router::new().route("/v1/traces", post(take))
}

/// A certificate of `localhost` that is its own authority.
struct Certificate {
    chain: String,
    key: String,
}

impl Certificate {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        Self { chain: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }

    fn acceptor(&self) -> TlsAcceptor {
        use rustls::pki_types::pem::PemObject;
        use rustls::pki_types::{CertificateDer, PrivateKeyDer};
        let chain = vec![CertificateDer::from_pem_slice(self.chain.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl axum::serve::Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
