//! The server: where it listens, and how it serves a connection.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime;
use tokio::time::{sleep, timeout};

use super::access::Access;
use super::confine;
use super::connections::{Activity, Connections};
use super::files::Files;
use super::listen::ListenAddress;
use super::relay::{Relay, SamplerFailure};
use super::site::Site;
use super::web_config::WebConfigError;

/// How long a client has for TLS, and then for the header of a request, and how long a connection may be
/// idle.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection is used.
const LIFE: Duration = Duration::from_secs(600);

/// How long the last answers have, after the sampler has failed.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// The most bytes of a request's header, and of its header fields.
const HEADER_BYTES: usize = 16 << 10;
const HEADER_FIELDS: usize = 64;

/// How the server is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens, if it was not given sockets.
    pub addresses: Vec<ListenAddress>,
    /// The path of the metrics: a slash, then letters, digits, and `/-_.`.
    pub telemetry_path: String,
    /// The file with the settings of TLS and the passwords.
    pub config_file: Option<PathBuf>,
    /// The shortest time between two samples.
    pub min_interval: Duration,
}

/// Why the server does not start, or has ended.
#[derive(Debug, Error)]
pub enum ServerError {
    /// It could do more than it needs.
    #[error("the server has privileges: 'xenscope export' has to start it")]
    Privileged,
    /// The configuration is wrong.
    #[error(transparent)]
    WebConfig(#[from] WebConfigError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: ListenAddress,
        /// Why.
        source: io::Error,
    },
    /// The system refuses something else.
    #[error("cannot {what}: {source}")]
    System {
        /// What it refuses.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The sampler has failed.
    #[error(transparent)]
    Sampler(#[from] SamplerFailure),
}

pub(super) fn system(what: &'static str) -> impl FnOnce(io::Error) -> ServerError {
    move |source| ServerError::System { what, source }
}

/// Serves until the sampler fails. `given` are sockets to listen on instead of the addresses. `reader` is a socket of
/// [`follow_files`](super::follow_files).
///
/// # Errors
/// Always: why it has ended.
pub fn serve(
    options: &Options,
    given: Vec<TcpListener>,
    sampler: UnixStream,
    reader: Option<UnixStream>,
) -> Result<(), ServerError> {
    if confine::is_privileged().map_err(system("read /proc/self/status"))? {
        return Err(ServerError::Privileged);
    }
    let files = options
        .config_file
        .as_deref()
        .map(Files::read)
        .transpose()?;
    let listeners = listen(options, given)?;
    confine::give_up_files().map_err(system("give up files"))?;
    let access = Access::start().map_err(system("start a thread"))?;
    files.map(|files| access.apply(&files)).transpose()?;
    let server = Server::start(options, access, sampler, reader)?;
    confine::give_up_system_calls().map_err(system("give up system calls"))?;
    Err(server.run(listeners)?.into())
}

/// Returns the sockets that it was given, else those of the addresses.
fn listen(options: &Options, given: Vec<TcpListener>) -> Result<Vec<TcpListener>, ServerError> {
    let mut listeners = given;
    if listeners.is_empty() {
        for &address in &options.addresses {
            let listener = address.listen();
            listeners.push(listener.map_err(|source| ServerError::Listen { address, source })?);
        }
    }
    for listener in &listeners {
        let prepared = listener.set_nonblocking(true);
        prepared.map_err(system("listen"))?;
        if let Ok(address) = listener.local_addr() {
            tracing::debug!("listening on {address}");
        }
    }
    Ok(listeners)
}

/// A server that is ready to run.
pub(super) struct Server {
    runtime: runtime::Runtime,
    relay: Relay,
    site: Arc<Site>,
}

impl Server {
    /// Starts what needs system calls that a running server does not make.
    pub(super) fn start(
        options: &Options,
        access: Access,
        sampler: UnixStream,
        reader: Option<UnixStream>,
    ) -> Result<Self, ServerError> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build();
        let runtime = runtime.map_err(system("wait for events"))?;
        let entered = runtime.enter();
        let waiting = |socket: UnixStream| {
            socket.set_nonblocking(true)?;
            tokio::net::UnixStream::from_std(socket)
        };
        let sampler = waiting(sampler).map_err(system("wait for the sampler"))?;
        if let Some(reader) = reader {
            let reader = waiting(reader).map_err(system("wait for changes"))?;
            tokio::spawn(access.clone().follow(reader));
        }
        drop(entered);
        let (relay, samples) = Relay::new(sampler, options.min_interval);
        let site = Site {
            samples,
            telemetry_path: options.telemetry_path.clone(),
            access,
        };
        Ok(Self {
            runtime,
            relay,
            site: Arc::new(site),
        })
    }

    /// Serves from the first sample on, until the sampler fails.
    pub(super) fn run(
        mut self,
        listeners: Vec<TcpListener>,
    ) -> Result<SamplerFailure, ServerError> {
        let connections = Connections::default();
        self.runtime.block_on(async {
            if let Err(failure) = self.relay.start().await {
                return Ok(failure);
            }
            for listener in listeners {
                let listener = tokio::net::TcpListener::from_std(listener);
                let door = Door {
                    listener: listener.map_err(system("listen"))?,
                    connections: connections.clone(),
                    site: self.site.clone(),
                };
                tokio::spawn(door.accept_all());
            }
            let failure = self.relay.run().await;
            // Those who ask now are told that there is no sample.
            sleep(LAST_ANSWERS).await;
            Ok(failure)
        })
    }
}

/// A socket that is listened on, and what its connections need.
struct Door {
    listener: tokio::net::TcpListener,
    connections: Connections,
    site: Arc<Site>,
}

impl Door {
    async fn accept_all(self) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let site = self.site.clone();
                    self.connections.add(|activity| {
                        tokio::spawn(connection(stream, site, activity)).abort_handle()
                    });
                }
                Err(error) => {
                    tracing::debug!("a connection was not accepted: {error}");
                    // If there are too many open files, the next one fails as well.
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

/// Serves one connection until it is closed.
async fn connection(stream: tokio::net::TcpStream, site: Arc<Site>, activity: Activity) {
    // An answer is written at once.
    let _ = stream.set_nodelay(true);
    match site.access.tls() {
        None => requests(stream, &site, &activity).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = timeout(PATIENCE, tls.accept(stream)).await {
                requests(stream, &site, &activity).await;
            }
        }
    }
}

/// Answers the requests of a connection.
async fn requests(stream: impl AsyncRead + AsyncWrite + Unpin, site: &Site, activity: &Activity) {
    let service = service_fn(move |request: Request<Incoming>| async move {
        activity.set_busy(true);
        let answer = site.answer(&request).await;
        activity.set_busy(false);
        Ok::<_, Infallible>(answer)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(HEADER_BYTES)
        .max_headers(HEADER_FIELDS)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    if timeout(LIFE, connection.as_mut()).await.is_err() {
        connection.as_mut().graceful_shutdown();
        let _ = timeout(PATIENCE, connection).await;
    }
}
