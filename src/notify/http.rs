//! One HTTP client for each receiver that is told over HTTP, and what its answers mean.
//! Never shows an address or a secret, and never follows anybody to another host.

use std::time::Duration;

use reqwest::redirect::{Attempt, Policy};
use reqwest::{Certificate, Client, RequestBuilder, StatusCode, Url};

use super::answer::{Secrets, retry_after};
use super::config::ReceiverConfig;
use super::message::Failure;
use super::unusable::Unusable;
use crate::model::Timestamp;

/// How much of an answer is read. Nobody needs more, and a server may send without end.
const MOST_READ: usize = 64 * 1024;

/// How often a server may send us from one of its addresses to another.
const MOST_REDIRECTS: usize = 5;

/// A client that knows what must not be seen.
pub(super) struct Http {
    client: Client,
    timeout: Duration,
    pub(super) secrets: Secrets,
}

/// A request was taken.
#[derive(Debug)]
pub(super) struct Taken {
    /// `202 Accepted`.
    pub(super) status: String,
    /// Its first 64 KB, with whatever it holds.
    pub(super) body: String,
}

impl Http {
    /// A client for `urls`, whose answers are shown without `secrets`.
    ///
    /// # Errors
    /// The file with certificate authorities cannot be used, or there are none on this system.
    pub(super) fn new(config: &ReceiverConfig, urls: &[Url], secrets: Secrets) -> Result<Self, Unusable> {
        // Only the first provider of a process is kept; another part may have brought the same one.
        rustls::crypto::ring::default_provider().install_default().ok();
        let mut client =
            Client::builder()
                .timeout(config.timeout)
                .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")))
                .redirect(Policy::custom(|attempt| {
                    if is_followed(&attempt) { attempt.follow() } else { attempt.stop() }
                }));
        let authorities = authorities(config)?;
        if urls.iter().all(|url| url.scheme() == "http") {
            // Needs no authorities, and a bare system has none.
            client = client.tls_certs_only([]);
        } else {
            for authority in &authorities {
                let certificate = Certificate::from_der(authority).map_err(|_| unusable_file(config))?;
                client = client.add_root_certificate(certificate);
            }
        }
        let client = client.build().map_err(|failed| {
            let why = secrets.clean(&cause(&failed.without_url()));
            Unusable::new(
                &config.name,
                format!("has no HTTP client ({why})"),
                "install the package ca-certificates, or name a file with certificate authorities in `ca_file`",
            )
        })?;
        Ok(Self { client, timeout: config.timeout, secrets })
    }

    /// A POST request, to be sent with [`Self::send`].
    pub(super) fn post(&self, url: &Url) -> RequestBuilder {
        self.client.post(url.clone())
    }

    /// A GET request, to be sent with [`Self::send`].
    pub(super) fn get(&self, url: &Url) -> RequestBuilder {
        self.client.get(url.clone())
    }

    /// Sends `request`; a receiver's wish to be left alone is counted from `now` unless it says what its clock shows.
    ///
    /// # Errors
    /// [`Failure::Later`] of the network, of 5xx, 408 and 429; [`Failure::Never`] of everything else but 2xx.
    pub(super) async fn send(&self, request: RequestBuilder, now: Timestamp) -> Result<Taken, Failure> {
        let mut response = request.send().await.map_err(|failed| self.failed(failed))?;
        let status = response.status();
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let after = header("retry-after").and_then(|value| retry_after(value, header("date"), now));
        let mut body = Vec::new();
        while body.len() < MOST_READ {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break,
                // It has taken it, whatever else it wanted to say.
                Err(_) if status.is_success() => break,
                Err(failed) => return Err(self.failed(failed)),
            }
        }
        body.truncate(MOST_READ);
        let body = String::from_utf8_lossy(&body).into_owned();
        let words = words(status);
        if status.is_success() {
            return Ok(Taken { status: words, body });
        }
        let answer = match (status.is_redirection(), body.trim()) {
            (true, _) => {
                format!("{words}: it sends us elsewhere, which is not followed; use the new address")
            }
            (false, "") => words,
            (false, said) => format!("{words}: {said}"),
        };
        let is_temporary = status.is_server_error()
            || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
        Err(if is_temporary { self.secrets.later(&answer, after) } else { self.secrets.never(&answer) })
    }

    fn failed(&self, failed: reqwest::Error) -> Failure {
        let failed = failed.without_url();
        if failed.is_timeout() {
            return self.secrets.later(&format!("no answer within {:?}", self.timeout), None);
        }
        if failed.is_builder() {
            return self.secrets.never(&format!("the request cannot be made: {}", cause(&failed)));
        }
        let what = if failed.is_connect() { "cannot connect" } else { "the connection broke off" };
        self.secrets.later(&format!("{what}: {}", cause(&failed)), None)
    }
}

/// An address for requests.
///
/// # Errors
/// It is none; the address itself is not told.
pub(super) fn url(config: &ReceiverConfig, key: &str, text: &str) -> Result<Url, Unusable> {
    let parsed =
        Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    parsed.ok_or_else(|| {
        Unusable::new(
            &config.name,
            format!("has a `{key}` that is no address"),
            "write it like https://host/path; a variable in it may be empty",
        )
    })
}

/// The certificate authorities of `ca_file`, in DER; none without one.
///
/// # Errors
/// It cannot be read or holds none.
pub(super) fn authorities(config: &ReceiverConfig) -> Result<Vec<Vec<u8>>, Unusable> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    let Some(file) = &config.ca_file else { return Ok(Vec::new()) };
    let pem = std::fs::read(file).map_err(|failed| {
        Unusable::new(
            &config.name,
            format!("has a `ca_file` that cannot be read, {} ({failed})", file.display()),
            "name a PEM file that the daemon may read",
        )
    })?;
    let mut roots = rustls::RootCertStore::empty();
    let mut authorities = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| unusable_file(config))?;
        authorities.push(certificate.to_vec());
        roots.add(certificate).map_err(|_| unusable_file(config))?;
    }
    if authorities.is_empty() { Err(unusable_file(config)) } else { Ok(authorities) }
}

pub(super) fn unusable_file(config: &ReceiverConfig) -> Unusable {
    let file = config.ca_file.as_deref().unwrap_or_else(|| std::path::Path::new(""));
    Unusable::new(
        &config.name,
        format!("has a `ca_file` without usable certificates, {}", file.display()),
        "name a PEM file with `-----BEGIN CERTIFICATE-----` in it",
    )
}

/// Only within the same host and scheme, and only where the request stays what it is: a POST that becomes a GET would
/// look like a success and tell nobody.
fn is_followed(attempt: &Attempt<'_>) -> bool {
    let Some(first) = attempt.previous().first() else { return false };
    let keeps = matches!(attempt.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
    keeps && attempt.previous().len() <= MOST_REDIRECTS && first.origin() == attempt.url().origin()
}

/// `202 Accepted`.
fn words(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

/// The innermost cause: those around it say the same in more general words.
pub(super) fn cause(failed: &dyn std::error::Error) -> String {
    let mut cause = failed;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
