//! Messages from the threads of the live view to its driver.

use std::io;
use std::sync::mpsc::{Receiver, Sender};

use ratatui::crossterm::event::Event;
use xenscope::view::tui::suspends;

use super::input::{self, Input};

/// A message to the driver.
pub(super) enum Message {
    /// There is a sample, or an error of one.
    Sampled,
    /// There will be no more samples.
    Ended,
    /// A key, or another event of the terminal.
    Input(Event),
    /// The input cannot be read.
    NoInput(io::Error),
    /// The program has received this signal.
    Signal(i32),
}

/// Reads the input. After a key that stops the program, the input belongs to the shell, so this
/// reads nothing until the program is continued.
pub(super) fn read_input(sender: &Sender<Message>, continued: &Receiver<()>) {
    let mut input = Input::new(input::read);
    loop {
        let message = match input.next() {
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
