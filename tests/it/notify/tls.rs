//! Only servers whose authority is known are spoken to.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use plimsoll::notify::{Failure, ReceiverConfig, Sender};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::{TlsAcceptor, rustls};

use super::fixture::{fired, receiver, webhook};

/// A certificate of `localhost` that is its own authority, as files.
pub(super) struct Certificate {
    folder: tempfile::TempDir,
}

impl Certificate {
    pub(super) fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("chain.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        Self { folder }
    }

    pub(super) fn chain(&self) -> PathBuf {
        self.folder.path().join("chain.pem")
    }

    pub(super) fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    fn acceptor(&self) -> TlsAcceptor {
        use rustls::pki_types::pem::PemObject;
        use rustls::pki_types::{CertificateDer, PrivateKeyDer};
        let read = |path: &Path| std::fs::read(path).unwrap();
        let chain = vec![CertificateDer::from_pem_slice(&read(&self.chain())).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key())).unwrap();
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

/// Answers 200 to everybody who trusts it.
async fn server(certificate: &Certificate) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = certificate.acceptor();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = Vec::new();
            // The body is chunked into as many packets as it likes; its end is the last brace.
            while !request.ends_with(b"]}") && stream.read_buf(&mut request).await.is_ok_and(|read| read > 0)
            {
            }
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            stream.shutdown().await.ok();
        }
    });
    address
}

#[tokio::test]
async fn a_server_of_an_unknown_authority_is_told_nothing_until_its_authority_is_named() {
    let certificate = Certificate::new();
    let address = server(&certificate).await;
    let config = receiver(webhook(&format!("https://localhost:{}", address.port())));
    let failure = Sender::build(&config).unwrap().send(&fired()).await.unwrap_err();
    let Failure::Later { answer, .. } = &failure else { panic!("{failure:?}") };
    assert!(answer.contains("certificate"), "{answer}");

    let trusting = ReceiverConfig { ca_file: Some(certificate.chain()), ..config };
    assert_eq!(Sender::build(&trusting).unwrap().send(&fired()).await.unwrap().answer, "200 OK");
}
