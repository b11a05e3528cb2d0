//! A client of HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long an answer may take, under emulation and beside busy guests.
const LIMIT: Duration = Duration::from_secs(60);

/// Opens a connection.
pub fn connect(port: u16) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(LIMIT))?;
    Ok(stream)
}

/// Gets a page; returns the head and the body of the answer, `None` if there is none.
pub fn get(port: u16, path: &str, headers: &str) -> Option<(String, String)> {
    get_over(connect(port).ok()?, path, headers)
}

/// Gets a page over a connection, which is used for nothing else.
pub fn get_over(
    mut stream: impl Read + Write,
    path: &str,
    headers: &str,
) -> Option<(String, String)> {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: dom0\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut text = Vec::new();
    // A server that closes TLS without a last word is an error after the answer.
    let _ = stream.read_to_end(&mut text);
    let text = String::from_utf8(text).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    Some((head.to_owned(), body.to_owned()))
}
