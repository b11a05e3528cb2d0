//! The web server of `xenscope export`, in a process without any privilege.
//!
//! A hypercall needs an open privcmd, and whoever has it owns the host. So the process that listens on a
//! network never has it. It asks the sampler, another process, through a pair of sockets: a request is
//! one byte without content, and the answer is formatted text. The server only chooses what to send to
//! whom. A third process, without a network, reads the files of `--web.config.file` again when they change.
//!
//! ```text
//! sampler (root)                      server (own user, no capabilities)
//! privcmd, XenStore ──> text ──> socket ──> HTTP, TLS, passwords ──> network
//! ```

mod access;
mod confine;
mod connections;
mod files;
mod listen;
mod negotiate;
mod page;
mod passwords;
mod reader;
mod relay;
mod server;
mod site;
#[cfg(test)]
mod tests;
mod tls;
mod web_config;
pub mod wire;

pub use confine::close_inherited;
pub use listen::ListenAddress;
pub use reader::follow_files;
pub use server::{Options, ServerError, serve};
