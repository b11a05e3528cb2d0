//! `xenscope export`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use xenscope::export::ListenAddress;
use xenscope::interval;
use xenscope::view::openmetrics::Series;

/// Where `xenscope export` listens unless it is told otherwise.
const LISTEN_ADDRESS: &str = "127.0.0.1:14170";

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Write the metrics to a file instead ('-' for stdout)
    ///
    /// For node_exporter's textfile collector, in the classic format. Give the file a name that ends
    /// in .prom.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["Web", "serve"])]
    pub(crate) textfile: Option<PathBuf>,

    /// Seconds after which the file is written again
    ///
    /// May be fractional. The file is removed when the command ends. [default: write it once]
    #[arg(long, value_name = "SECONDS", requires = "textfile", value_parser = interval::parse)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) interval: Option<Duration>,

    #[command(flatten)]
    pub(crate) web: Web,

    #[command(flatten)]
    pub(crate) series: Series,

    /// Audit each sample, and export the verdict of each check
    #[arg(long)]
    pub(crate) audit: bool,

    /// Be the server, whose stdin is a socket of the sampler
    #[arg(long, hide = true)]
    pub(crate) serve: bool,

    /// Read --web.config.file for the server
    #[arg(long, hide = true, requires_all = ["serve", "config_file"])]
    pub(crate) follow_files: bool,
}

/// How metrics are served.
#[derive(Debug, Args)]
#[group(id = "Web", multiple = true)]
pub(crate) struct Web {
    /// Address to listen on; ':PORT' is all (may be repeated)
    #[arg(long = "web.listen-address", value_name = "ADDRESS:PORT", default_value = LISTEN_ADDRESS)]
    pub(crate) listen_addresses: Vec<ListenAddress>,

    /// Path of the metrics
    #[arg(long = "web.telemetry-path", value_name = "PATH", default_value = "/metrics", value_parser = telemetry_path)]
    pub(crate) telemetry_path: String,

    /// File with settings of TLS and basic authentication
    #[arg(long = "web.config.file", value_name = "FILE")]
    pub(crate) config_file: Option<PathBuf>,

    /// Listen on the sockets that systemd passes (LISTEN_FDS)
    #[arg(long = "web.systemd-socket", conflicts_with = "listen_addresses")]
    pub(crate) systemd_socket: bool,

    /// User of the server process [default: xenscope or nobody]
    #[arg(long, value_name = "USER")]
    pub(crate) user: Option<String>,

    /// Shortest time between two samples, in seconds
    ///
    /// May be fractional. Whoever asks earlier gets the newest sample.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = interval::parse)]
    #[arg(allow_negative_numbers = true)]
    pub(crate) min_interval: Duration,
}

/// The path of the metrics. It appears in HTML.
fn telemetry_path(text: &str) -> Result<String, &'static str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
    match text.strip_prefix('/') {
        Some("" | "healthz") => Err("that is another page's path"),
        Some(_) if text.chars().all(is_plain) => Ok(text.to_owned()),
        _ => Err("use a slash, then letters, digits, and /-_."),
    }
}
