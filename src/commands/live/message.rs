//! What happened, for the driver: each thread of the live view sends it messages.

use std::io;
use std::sync::mpsc::{Receiver, Sender};

use ratatui::crossterm::event::{self, Event};
use xenscope::view::tui::suspends;

/// What happened.
pub(super) enum Message {
    /// There is a sample, or why there is none.
    Sampled,
    /// There will be no more samples.
    Ended,
    Input(Event),
    NoInput(io::Error),
    Signal(i32),
}

/// Reads what is typed. What is typed after a key that stops the program belongs to the shell, so
/// that nothing is read from then on until the program goes on.
pub(super) fn read_input(sender: &Sender<Message>, continued: &Receiver<()>) {
    loop {
        let message = match event::read() {
            Ok(event) => Message::Input(event),
            Err(error) => Message::NoInput(error),
        };
        let last = matches!(message, Message::NoInput(_));
        let stops = matches!(&message, Message::Input(event) if suspends(event));
        if sender.send(message).is_err() || last || stops && continued.recv().is_err() {
            return;
        }
    }
}
