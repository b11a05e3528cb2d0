//! `xenscope top` on a terminal: a real one, whose screen a terminal emulator keeps.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use vt100::{MouseProtocolMode, Parser, Screen};

use super::shells::Shells;
use crate::command::{say, tool, xenscope_path};

/// How long something may take to be on the screen, under emulation and beside busy guests.
const LIMIT: Duration = Duration::from_secs(90);

/// A program on a terminal of its own.
struct OnTerminal {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    screen: Arc<Mutex<Parser>>,
}

fn size((cols, rows): (u16, u16)) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}

impl OnTerminal {
    fn start(program: &str, words: &[&str], (cols, rows): (u16, u16)) -> Self {
        let pair = native_pty_system().openpty(size((cols, rows))).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(words);
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let screen = Arc::new(Mutex::new(Parser::new(rows, cols, 0)));
        let mut output = pair.master.try_clone_reader().unwrap();
        let shown = Arc::clone(&screen);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Reading fails when the last program on the terminal is gone.
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                shown.lock().unwrap().process(&bytes[..count]);
            }
        });
        Self {
            keyboard: pair.master.take_writer().unwrap(),
            master: pair.master,
            child,
            screen,
        }
    }

    /// `xenscope top` with the three busy guests on its screen.
    fn top(words: &[&str], size: (u16, u16)) -> Self {
        let words = [&["top", "-d", "1"], words].concat();
        let mut top = Self::start(&xenscope_path(), &words, size);
        top.until("the guests", |screen| {
            let text = screen.contents();
            ["Domain-0", "pv-burn", "pv-disk", "pv-net"]
                .iter()
                .all(|name| text.contains(name))
        });
        top
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Waits until the screen is so.
    fn until(&mut self, what: &str, holds: impl Fn(&Screen) -> bool) {
        let end = Instant::now() + LIMIT;
        while !holds(self.screen.lock().unwrap().screen()) {
            if Instant::now() > end {
                let screen = self.screen.lock().unwrap();
                panic!("never {what}:\n{}", screen.screen().contents());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the program has ended.
    fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "it goes on");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until nothing of the screen is left, and checks that the terminal cooks again.
    fn given_back(&mut self) {
        self.until("given back", is_plain);
        let modes = self.master.get_termios().unwrap();
        assert!(
            format!("{:?}", modes.local_flags).contains("ICANON"),
            "{modes:?}"
        );
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether the terminal is as programs that know nothing of screens want it.
fn is_plain(screen: &Screen) -> bool {
    !screen.alternate_screen()
        && !screen.hide_cursor()
        && screen.mouse_protocol_mode() == MouseProtocolMode::None
}

/// The line on which a domain is, and its text.
fn line_of(screen: &Screen, name: &str) -> Option<(usize, String)> {
    let (_, width) = screen.size();
    let mut lines = screen.rows(0, width).enumerate();
    lines.find(|(_, line)| line.split_whitespace().nth(1) == Some(name))
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn the_screen_shows_what_the_guests_use_and_q_gives_the_terminal_back() {
    let mut top = OnTerminal::top(&[], (80, 24));
    let version = tool("xl", &["info", "xen_version"]);
    let scheduler = tool("xl", &["info", "xen_scheduler"]);
    top.until("rates", |screen| {
        let text = screen.contents();
        let cpu = line_of(screen, "pv-burn")
            .and_then(|(_, line)| line.split_whitespace().nth(4)?.parse::<f64>().ok());
        screen.alternate_screen()
            && text.contains(version.trim())
            && text.contains(scheduler.trim())
            && text.contains("every 1 s")
            && text.contains("4 domains")
            && cpu.is_some_and(|percent| percent > 1.0)
    });
    top.press("q");
    assert!(top.ended().success());
    top.given_back();
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn it_ends_by_itself_after_as_many_samples_as_were_wanted() {
    let mut top = OnTerminal::start(&xenscope_path(), &["top", "-d", "0.5", "-i", "2"], (80, 24));
    assert!(top.ended().success());
    top.given_back();
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn domains_are_sorted_and_filtered() {
    let mut top = OnTerminal::top(&[], (120, 24));
    let sorted = |screen: &Screen, names: [&str; 4]| {
        let lines = names.map(|name| line_of(screen, name).map(|(line, _)| line));
        lines[0].is_some() && lines.is_sorted() && lines[3].is_some()
    };
    top.press("2");
    top.until("sorted by name", |screen| {
        sorted(screen, ["Domain-0", "pv-burn", "pv-disk", "pv-net"])
    });
    top.press("r");
    top.until("sorted the other way", |screen| {
        sorted(screen, ["pv-net", "pv-disk", "pv-burn", "Domain-0"])
    });
    top.press("/burn");
    top.until("filtered", |screen| {
        let text = screen.contents();
        text.contains("pv-burn") && !text.contains("Domain-0") && !text.contains("pv-disk")
    });
    top.press("\r\x1b");
    top.until("all of them", |screen| {
        screen.contents().contains("Domain-0")
    });
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_domain_has_a_page_and_the_pcpus_have_one() {
    let mut top = OnTerminal::top(&[], (100, 40));
    top.press("/disk\r\r");
    top.until("the page", |screen| {
        let text = screen.contents();
        [
            "pv-disk (domain",
            "MAY RUN ON",
            "xvda",
            "blkback",
            "weight 256",
        ]
        .iter()
        .all(|part| text.contains(part))
    });
    top.press("P");
    top.until("the pCPUs", |screen| {
        screen.contents().contains("socket 0, 2 online")
    });
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn the_screen_fits_a_window_whose_size_changes() {
    let mut top = OnTerminal::top(&[], (80, 24));
    for (new, there, not_there) in [
        ((200, 60), "DISK RD/s", "PAST"),
        ((40, 12), "RX/s", "TX/s"),
        ((20, 5), "MEM", "STATE"),
        ((80, 24), "WR/s", "DISK"),
    ] {
        let (columns, rows) = new;
        let mut screen = top.screen.lock().unwrap();
        screen.screen_mut().set_size(rows, columns);
        drop(screen);
        top.master.resize(size(new)).unwrap();
        top.until("the new size", |screen| {
            let titles = screen.rows(0, columns).find(|line| line.contains("NAME"));
            titles.is_some_and(|line| line.contains(there) && !line.contains(not_there))
        });
    }
    top.press("q");
    assert!(top.ended().success());
    top.given_back();
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_signal_gives_the_terminal_back_and_ends_it() {
    for signal in ["TERM", "HUP", "INT", "USR1"] {
        let mut top = OnTerminal::top(&[], (80, 24));
        let pid = top.child.process_id().unwrap().to_string();
        tool("kill", &[&format!("-{signal}"), &pid]);
        assert!(top.ended().signal().is_some(), "{signal}");
        top.given_back();
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_shell_gets_its_terminal_while_top_is_stopped() {
    let mut shell = OnTerminal::start("sh", &["-i"], (80, 24));
    shell.press(&format!("{} top -d 1\r", xenscope_path()));
    shell.until("the screen", |screen| {
        screen.alternate_screen() && screen.contents().contains("pv-burn")
    });
    shell.press("\x1a");
    shell.until("stopped", is_plain);
    shell.press("echo a-$((6 * 7))-z\r");
    shell.until("a shell again", |screen| {
        screen.contents().contains("a-42-z")
    });
    shell.press("fg\r");
    shell.until("back", |screen| {
        screen.alternate_screen() && screen.contents().contains("pv-burn")
    });
    shell.press("q");
    shell.until("ended", is_plain);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn the_cursor_stays_on_its_domain_while_others_come_and_go() {
    let mut top = OnTerminal::top(&[], (80, 24));
    let on_burn = |screen: &Screen| {
        line_of(screen, "pv-burn").is_some_and(|(line, _)| {
            let row = u16::try_from(line).unwrap();
            screen.cell(row, 0).is_some_and(vt100::Cell::inverse)
        })
    };
    top.press("/burn\rj\x1b");
    top.until("chosen", |screen| {
        on_burn(screen) && screen.contents().contains("4 domains")
    });
    let shells = Shells::create(300, 2000, "");
    top.until("many", |screen| screen.contents().contains("304 domains"));
    top.press("2");
    top.until("the cursor with them", on_burn);
    drop(shells);
    top.until("few", |screen| screen.contents().contains("4 domains:"));
    top.until("the cursor without them", on_burn);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn what_is_no_terminal_is_told_about_the_batch_mode() {
    say(&["top"]).refused(2, &["not a terminal", "top -b"]);
}
