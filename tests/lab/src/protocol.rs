//! The messages between the lab and dom0's agent, each with its length before it.
//!
//! The channel is a plain stream of bytes (a virtio port in dom0, QEMU's standard input and output on the host). One
//! command runs at a time.

use std::io::{self, ErrorKind, Read, Write};
use std::str::FromStr;

use anyhow::{Context, Error};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The longest message; a greater length means that the stream is not this protocol.
const MAX_LENGTH: usize = 1 << 20;

/// How much of a program's output goes into one message, in bytes.
pub const CHUNK: usize = 32 * 1024;

/// A terminal's size in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Lines.
    pub rows: u16,
    /// Columns.
    pub cols: u16,
}

impl FromStr for Size {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let size = text.split_once('x').and_then(|(cols, rows)| {
            Some(Self {
                rows: rows.parse().ok()?,
                cols: cols.parse().ok()?,
            })
        });
        size.filter(|size| size.rows > 0 && size.cols > 0)
            .with_context(|| format!("'{text}' is not COLUMNSxLINES, like 80x24"))
    }
}

/// A command to run in dom0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exec {
    /// The program, looked up in PATH, and its arguments.
    pub argv: Vec<String>,
    /// Its whole environment.
    pub env: Vec<(String, String)>,
    /// The size of its terminal; `None` if it gets pipes.
    pub terminal: Option<Size>,
}

/// Messages from the lab to dom0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToDom0 {
    /// Run a command.
    Exec(Exec),
    /// Bytes for the running command's standard input.
    Stdin(Vec<u8>),
    /// There is no more input.
    StdinEnd,
    /// The caller's terminal has another size now.
    Resize(Size),
}

/// Messages from dom0 to the lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromDom0 {
    /// dom0 is up, its Xen daemons run.
    Ready,
    /// dom0 did not boot: why.
    Failed(String),
    /// Bytes from the running command's standard output, or its terminal.
    Stdout(Vec<u8>),
    /// Bytes from the running command's standard error.
    Stderr(Vec<u8>),
    /// The command ended with this exit code (128 and the signal if one killed it).
    Exit(i32),
}

/// Sends one message.
pub fn send<T: Serialize>(stream: &mut impl Write, message: &T) -> io::Result<()> {
    let body = postcard::to_stdvec(message).map_err(io::Error::other)?;
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    // One write for both, because threads share the stream, and a port sends each write in one
    // piece.
    let mut frame = Vec::with_capacity(4 + body.len());
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(&body);
    stream.write_all(&frame)?;
    stream.flush()
}

/// Receives one message; `None` if the other side has closed the stream between two messages.
pub fn receive<T: DeserializeOwned>(stream: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_LENGTH {
        return Err(io::Error::new(
            ErrorKind::InvalidData,
            format!("a message of {length} bytes: the channel is out of step"),
        ));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    postcard::from_bytes(&body)
        .map(Some)
        .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_in_order() -> io::Result<()> {
        let exec = ToDom0::Exec(Exec {
            argv: vec!["xl".into(), "list".into()],
            env: vec![("TERM".into(), "xterm".into())],
            terminal: Some(Size { rows: 24, cols: 80 }),
        });
        let input = ToDom0::Stdin((0..=255).collect());
        let mut stream = Vec::new();
        send(&mut stream, &exec)?;
        send(&mut stream, &input)?;

        let mut reader = stream.as_slice();
        assert_eq!(receive(&mut reader)?, Some(exec));
        assert_eq!(receive(&mut reader)?, Some(input));
        assert_eq!(receive::<ToDom0>(&mut reader)?, None);
        Ok(())
    }

    #[test]
    fn a_size_has_columns_and_lines() {
        let size = Size { rows: 24, cols: 80 };
        assert_eq!("80x24".parse::<Size>().ok(), Some(size));
        for text in ["", "80", "80x", "x24", "0x24", "80x24x2", "-1x5"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_truncated_message_is_an_error() -> io::Result<()> {
        let mut stream = Vec::new();
        send(&mut stream, &FromDom0::Stdout(b"half".to_vec()))?;
        stream.pop();
        assert!(receive::<FromDom0>(&mut stream.as_slice()).is_err());
        Ok(())
    }

    #[test]
    fn a_foreign_stream_is_refused() {
        let error = receive::<FromDom0>(&mut b"(XEN) Booting".as_slice());
        assert!(error.is_err_and(|error| error.kind() == ErrorKind::InvalidData));
    }
}
