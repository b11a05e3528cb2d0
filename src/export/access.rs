//! Who may connect: what the file of `--web.config.file` says now.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio_rustls::TlsAcceptor;

use super::files::Files;
use super::passwords::Passwords;
use super::tls;
use super::web_config::WebConfigError;

/// TLS and the passwords, for all connections.
#[derive(Clone)]
pub(super) struct Access {
    tls: Arc<RwLock<Option<TlsAcceptor>>>,
    passwords: Arc<Passwords>,
}

impl Access {
    /// Starts with plain HTTP for everyone. The thread for passwords starts here, because a running server starts none.
    pub(super) fn start() -> io::Result<Self> {
        Ok(Self {
            tls: Arc::default(),
            passwords: Arc::new(Passwords::start()?),
        })
    }

    /// Returns what accepts connections with TLS; `None` for plain HTTP.
    pub(super) fn tls(&self) -> Option<TlsAcceptor> {
        self.tls
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// Applies what these files say to new connections and requests.
    pub(super) fn apply(&self, files: &Files) -> Result<(), WebConfigError> {
        let config = files.web_config()?;
        let tls = config.tls_server_config.as_ref();
        let tls = tls.map(|config| tls::acceptor(config, files)).transpose()?;
        *self.tls.write().unwrap_or_else(PoisonError::into_inner) = tls;
        self.passwords.replace(config.basic_auth_users);
        Ok(())
    }

    /// Does the same as [`Self::apply`], but takes away neither TLS nor passwords: a file that is written at this moment may
    /// be empty.
    fn apply_again(&self, files: &Files) -> Result<(), String> {
        let config = files.web_config().map_err(|error| error.to_string())?;
        let keeps = |had: bool, has: bool, what: &str| match had && !has {
            true => Err(format!(
                "--web.config.file has no {what} any more, which takes a restart"
            )),
            false => Ok(()),
        };
        let has_tls = config.tls_server_config.is_some();
        keeps(self.tls().is_some(), has_tls, "tls_server_config")?;
        let has_users = config.basic_auth_users.is_some();
        keeps(self.passwords.are_needed(), has_users, "basic_auth_users")?;
        self.apply(files).map_err(|error| error.to_string())
    }

    /// Applies what the reader sends, as long as it does.
    pub(super) async fn follow(self, reader: UnixStream) {
        if let Err(error) = self.receive_all(reader).await {
            tracing::warn!("changes of --web.config.file have no effect any more: {error}");
        }
    }

    async fn receive_all(&self, mut reader: UnixStream) -> io::Result<()> {
        loop {
            let length = reader.read_u32_le().await?;
            let mut message = vec![0; length as usize];
            reader.read_exact(&mut message).await?;
            let files = Files::received(&message).ok_or(io::ErrorKind::InvalidData)?;
            match self.apply_again(&files) {
                Ok(()) => tracing::debug!("--web.config.file was read again"),
                Err(error) => tracing::warn!("{error}: the settings from before stay"),
            }
        }
    }
}
