//! The file of `--web.config.file`, in the format of Prometheus' exporter-toolkit.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use crate::text::safe;

/// Why the file cannot be used.
#[derive(Debug, Error)]
pub enum WebConfigError {
    /// A file cannot be read.
    #[error("cannot read '{}': {source}", safe(&path.to_string_lossy()))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not right.
    #[error("'{}': {why}", safe(&path.to_string_lossy()))]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// Who may connect, and how.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WebConfig {
    /// `None` for plain HTTP.
    pub(super) tls_server_config: Option<TlsConfig>,
    /// Users with the bcrypt hashes of their passwords; `None` if everyone may read.
    pub(super) basic_auth_users: Option<BTreeMap<String, String>>,
}

/// The settings of TLS.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsConfig {
    /// The certificate, and those between it and the root, in PEM.
    pub(super) cert_file: PathBuf,
    /// Its private key, in PEM.
    pub(super) key_file: PathBuf,
    #[serde(default)]
    pub(super) client_auth_type: ClientAuth,
    /// The certificates that clients' certificates are verified by, in PEM.
    pub(super) client_ca_file: Option<PathBuf>,
    #[serde(default)]
    pub(super) min_version: TlsVersion,
}

/// Whether clients need a certificate. The names are those of Go's crypto/tls.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub(super) enum ClientAuth {
    #[default]
    NoClientCert,
    VerifyClientCertIfGiven,
    RequireAndVerifyClientCert,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub(super) enum TlsVersion {
    #[default]
    TLS12,
    TLS13,
}

impl WebConfig {
    /// Returns what the text of this file says. Paths in it are relative to the file's folder.
    pub(super) fn of(path: &Path, text: &[u8]) -> Result<Self, WebConfigError> {
        let wrong = |why: String| WebConfigError::Wrong {
            path: path.to_owned(),
            why,
        };
        let text = str::from_utf8(text).map_err(|error| wrong(error.to_string()))?;
        let mut config = Self::parse(text).map_err(wrong)?;
        if let Some(tls) = &mut config.tls_server_config {
            let folder = path.parent().unwrap_or(Path::new(""));
            let files = [&mut tls.cert_file, &mut tls.key_file];
            for file in files.into_iter().chain(&mut tls.client_ca_file) {
                *file = folder.join(&*file);
            }
        }
        Ok(config)
    }

    /// Returns the files that it names.
    pub(super) fn files(&self) -> impl Iterator<Item = PathBuf> {
        let tls = self.tls_server_config.iter();
        tls.flat_map(|tls| {
            let own = [&tls.cert_file, &tls.key_file];
            own.into_iter().chain(&tls.client_ca_file).cloned()
        })
    }

    /// Returns what the text says, or what is wrong with it in one line.
    fn parse(text: &str) -> Result<Self, String> {
        let parsed: Result<Option<Self>, _> = serde_saphyr::from_str(text);
        let config = parsed.map_err(|error| {
            let error = error.without_snippet().to_string();
            error.split_whitespace().collect::<Vec<_>>().join(" ")
        })?;
        let config = config.unwrap_or_default();
        if let Some(tls) = &config.tls_server_config {
            match (tls.client_auth_type, &tls.client_ca_file) {
                (ClientAuth::NoClientCert, Some(_)) => {
                    return Err("client_ca_file needs a client_auth_type that verifies".into());
                }
                (ClientAuth::NoClientCert, None) | (_, Some(_)) => {}
                (_, None) => return Err("client_auth_type needs a client_ca_file".into()),
            }
        }
        for (user, hash) in config.basic_auth_users.iter().flatten() {
            if hash.parse::<bcrypt::HashParts>().is_err() {
                return Err(format!(
                    "the password of '{}' is no bcrypt hash",
                    safe(user)
                ));
            }
        }
        Ok(config)
    }
}

/// Reads a file that the configuration names.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, WebConfigError> {
    fs::read(path).map_err(|source| WebConfigError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const FULL: &str = "
# As exporters have it.
tls_server_config:
  cert_file: node.crt
  key_file: /etc/keys/node.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  min_version: TLS13
basic_auth_users:
  alice: $2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze
";

    #[test]
    fn files_of_other_exporters_are_read() {
        let folder = Path::new("/etc/xenscope");
        let config = WebConfig::of(&folder.join("web.yml"), FULL.as_bytes()).unwrap();
        assert_eq!(config.files().count(), 3);
        let tls = config.tls_server_config.unwrap();
        assert_eq!(tls.cert_file, folder.join("node.crt"));
        assert_eq!(tls.key_file, Path::new("/etc/keys/node.key"));
        assert_eq!(tls.client_ca_file, Some(folder.join("ca.crt")));
        assert_eq!(tls.client_auth_type, ClientAuth::RequireAndVerifyClientCert);
        assert_eq!(tls.min_version, TlsVersion::TLS13);
        assert!(config.basic_auth_users.unwrap().contains_key("alice"));
        for empty in ["", "# nothing\n", "basic_auth_users:\n"] {
            let config = WebConfig::parse(empty).unwrap();
            assert!(config.tls_server_config.is_none() && config.basic_auth_users.is_none());
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        let cut = |from: &str, to: &str| FULL.replacen(from, to, 1);
        for (text, word) in [
            ("tls_server_confg: {}".to_owned(), "tls_server_confg"),
            (cut("  min_version", "  max_version"), "max_version"),
            (cut("TLS13", "TLS10"), "TLS10"),
            (
                cut("RequireAndVerify", "RequireAny"),
                "RequireAnyClientCert",
            ),
            (cut("  cert_file: node.crt\n", ""), "cert_file"),
            (cut("  client_ca_file: ca.crt\n", ""), "client_ca_file"),
            (
                cut("  client_auth_type: RequireAndVerifyClientCert\n", ""),
                "client_auth_type",
            ),
            (cut("$2y$10$mDwo", "hunter2"), "no bcrypt hash"),
            (cut("tls_server_config:", "tls_server_config: ["), "line"),
        ] {
            let error = WebConfig::parse(&text).unwrap_err();
            assert!(
                error.contains(word) && !error.contains('\n'),
                "{word}: {error}"
            );
        }
    }
}
