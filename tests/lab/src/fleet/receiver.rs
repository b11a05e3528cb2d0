//! What alertmanager sends alerts to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// A listener for alerts.
pub(super) struct Receiver {
    port: u16,
    alerts: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    /// Starts a thread that takes what is sent to a port of loopback.
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen for alerts")?;
        let port = listener
            .local_addr()
            .context("a listener has no address")?
            .port();
        let alerts = Arc::<Mutex<Vec<Value>>>::default();
        let received = Arc::clone(&alerts);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // What is no message has no alerts.
                let message = receive(stream).unwrap_or_default();
                let alerts = message["alerts"].as_array().cloned().unwrap_or_default();
                received
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend(alerts);
            }
        });
        Ok(Self { port, alerts })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Waits until an alert that fires with these labels has arrived.
    pub(super) fn expect(
        &self,
        name: &str,
        labels: &[(&str, &str)],
        limit: Duration,
    ) -> Result<()> {
        let end = Instant::now() + limit;
        let is_it = |alert: &Value| {
            let mut wanted = labels.iter();
            alert["status"] == "firing"
                && alert["labels"]["alertname"] == name
                && wanted.all(|(label, value)| alert["labels"][label] == **value)
        };
        loop {
            let alerts = self.alerts.lock().unwrap_or_else(PoisonError::into_inner);
            if alerts.iter().any(is_it) {
                eprintln!("lab: {name} has arrived");
                return Ok(());
            }
            if Instant::now() > end {
                let others: Vec<String> = alerts
                    .iter()
                    .map(|alert| alert["labels"].to_string())
                    .collect();
                bail!("no alert {name} {labels:?}, only {}", others.join(", "));
            }
            drop(alerts);
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Reads a request, and answers it; returns its body.
fn receive(stream: TcpStream) -> Result<Value> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(bytes) = line.strip_prefix("content-length:") {
            length = bytes.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    reader.into_inner().write_all(answer.as_bytes())?;
    Ok(serde_json::from_slice(&body)?)
}
