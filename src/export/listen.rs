//! Where the server listens.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::str::FromStr;

/// An address to listen on: `ADDRESS:PORT`, or `:PORT` for all addresses of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenAddress(SocketAddr);

impl FromStr for ListenAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = text.strip_prefix(':').and_then(|port| {
            Some(SocketAddr::from((
                Ipv6Addr::UNSPECIFIED,
                port.parse().ok()?,
            )))
        });
        let address = all.or_else(|| text.parse().ok());
        let error = "use ADDRESS:PORT with an IP address, [ADDRESS]:PORT for IPv6, or :PORT";
        address.map(Self).ok_or(error)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ListenAddress {
    /// Listens on it.
    pub(super) fn listen(self) -> io::Result<TcpListener> {
        match TcpListener::bind(self.0) {
            // A host without IPv6 has only the addresses of IPv4.
            Err(_) if self.0.ip() == Ipv6Addr::UNSPECIFIED => {
                TcpListener::bind((Ipv4Addr::UNSPECIFIED, self.0.port()))
            }
            bound => bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_that_exporters_take() {
        for (text, expected) in [
            ("127.0.0.1:14170", Some("127.0.0.1:14170")),
            ("[::1]:80", Some("[::1]:80")),
            (":14170", Some("[::]:14170")),
            ("localhost:14170", None),
            ("127.0.0.1", None),
            (":", None),
            (":70000", None),
            ("", None),
        ] {
            let parsed = text.parse::<ListenAddress>().ok();
            assert_eq!(
                parsed.map(|at| at.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
    }
}
