//! TLS.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig, version};
use tokio_rustls::TlsAcceptor;

use super::files::Files;
use super::web_config::{ClientAuth, TlsConfig, TlsVersion, WebConfigError};

/// Returns what accepts connections with the certificates and the key that are in these files.
pub(super) fn acceptor(config: &TlsConfig, files: &Files) -> Result<TlsAcceptor, WebConfigError> {
    let provider = Arc::new(default_provider());
    let versions = match config.min_version {
        TlsVersion::TLS12 => &[&version::TLS13, &version::TLS12][..],
        TlsVersion::TLS13 => &[&version::TLS13],
    };
    let chain = certificates(&config.cert_file, files)?;
    let key = PrivateKeyDer::from_pem_slice(files.contents(&config.key_file));
    let key = key.map_err(|error| wrong(&config.key_file, error))?;
    let builder = ServerConfig::builder_with_provider(provider.clone());
    let builder = builder
        .with_protocol_versions(versions)
        .map_err(|error| wrong(&config.cert_file, error))?;
    let builder = match &config.client_ca_file {
        Some(file) => {
            let optional = config.client_auth_type == ClientAuth::VerifyClientCertIfGiven;
            builder.with_client_cert_verifier(verifier(file, files, optional, provider)?)
        }
        None => builder.with_no_client_auth(),
    };
    let mut server = builder
        .with_single_cert(chain, key)
        .map_err(|error| wrong(&config.cert_file, error))?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(server)))
}

/// Returns what verifies the certificates of clients, by those in a file.
fn verifier(
    file: &Path,
    files: &Files,
    optional: bool,
    provider: Arc<rustls::crypto::CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, WebConfigError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file, files)? {
        roots.add(certificate).map_err(|error| wrong(file, error))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = match optional {
        true => builder.allow_unauthenticated(),
        false => builder,
    };
    builder.build().map_err(|error| wrong(file, error))
}

fn certificates(
    file: &Path,
    files: &Files,
) -> Result<Vec<CertificateDer<'static>>, WebConfigError> {
    let pem = files.contents(file);
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match all {
        Ok(all) if all.is_empty() => Err(wrong(file, "there is no certificate in it")),
        all => all.map_err(|error| wrong(file, error)),
    }
}

fn wrong(path: &Path, why: impl ToString) -> WebConfigError {
    WebConfigError::Wrong {
        path: path.to_owned(),
        why: why.to_string(),
    }
}
