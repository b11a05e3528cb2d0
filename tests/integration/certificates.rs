//! Certificates of an authority, a server and a client, and a client that uses them.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// The files `ca.crt`, `dom0.crt`, `dom0.key`, `client.crt` and `client.key` of a folder.
pub struct Certificates(PathBuf);

impl Certificates {
    /// Makes them.
    pub fn make(folder: &Path) -> Self {
        let write = |name: &str, text: String| fs::write(folder.join(name), text).unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        write("ca.crt", authority.self_signed(&key).unwrap().pem());
        let issuer = Issuer::new(authority, key);
        for name in ["dom0", "client"] {
            let key = KeyPair::generate().unwrap();
            let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap();
            let certificate = certificate.signed_by(&key, &issuer).unwrap();
            write(&format!("{name}.crt"), certificate.pem());
            write(&format!("{name}.key"), key.serialize_pem());
        }
        Self(folder.to_owned())
    }

    /// Turns a connection into one of TLS, with the client's certificate or without.
    pub fn connect(
        &self,
        stream: TcpStream,
        certificate: bool,
    ) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.pem("ca.crt")).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match certificate {
            true => builder
                .with_client_auth_cert(vec![self.pem("client.crt")], self.pem("client.key"))
                .unwrap(),
            false => builder.with_no_client_auth(),
        };
        let name = ServerName::try_from("dom0").unwrap();
        let client = ClientConnection::new(Arc::new(config), name).unwrap();
        StreamOwned::new(client, stream)
    }

    fn pem<T: PemObject>(&self, name: &str) -> T {
        let pem = fs::read(self.0.join(name)).unwrap();
        T::from_pem_slice(&pem).unwrap_or_else(|_| panic!("{name}"))
    }
}
