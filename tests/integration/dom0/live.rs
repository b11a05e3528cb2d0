//! `xenscope top` on a terminal.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::thread;
use std::time::Duration;

use vt100::Screen;

use super::guest::Burning;
use super::shells::Shells;
use super::store::Stopped;
use crate::command::{tool, xenscope_path};
use crate::terminal::{OnTerminal, is_plain, last_line};

/// Starts `xenscope top`, and waits until the three guests are on its screen.
pub(super) fn top(size: (u16, u16)) -> OnTerminal {
    top_with(&[], size)
}

/// Does the same as [`top`], with more environment variables.
fn top_with(variables: &[(&str, &str)], size: (u16, u16)) -> OnTerminal {
    let words = ["top", "-d", "1"];
    let mut top = OnTerminal::start_with(variables, &xenscope_path(), &words, size);
    top.until("the guests", |screen| {
        let text = screen.contents();
        ["Domain-0", "pv-burn", "pv-disk", "pv-net"]
            .iter()
            .all(|name| text.contains(name))
    });
    top
}

/// Returns whether the screen shows rates.
fn has_rates(screen: &Screen) -> bool {
    let text = screen.contents();
    text.contains("over ") && !text.contains("over -")
}

/// Returns the number and the text of a domain's line.
pub(super) fn line_of(screen: &Screen, name: &str) -> Option<(usize, String)> {
    let (_, width) = screen.size();
    let mut lines = screen.rows(0, width).enumerate();
    lines.find(|(_, line)| line.split_whitespace().nth(1) == Some(name))
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn q_restores_the_terminal() {
    let _burning = Burning::start();
    let mut top = top((80, 24));
    let version = tool("xl", &["info", "xen_version"]);
    let scheduler = tool("xl", &["info", "xen_scheduler"]);
    top.until("rates", |screen| {
        let text = screen.contents();
        let cpu = line_of(screen, "pv-burn")
            .and_then(|(_, line)| line.split_whitespace().nth(3)?.parse::<f64>().ok());
        screen.alternate_screen()
            && text.contains(version.trim())
            && text.contains(scheduler.trim())
            && text.contains("every 1 s")
            && domains(screen) == Some(4)
            && cpu.is_some_and(|percent| percent > 1.0)
    });
    top.press("q");
    assert!(top.ended().success());
    top.assert_restored();
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn iterations_limit_the_samples() {
    let mut top = OnTerminal::start(&xenscope_path(), &["top", "-d", "0.5", "-i", "2"], (80, 24));
    assert!(top.ended().success());
    top.assert_restored();
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn domains_are_sorted_and_filtered() {
    let mut top = top((120, 24));
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
        let is_there = |name| line_of(screen, name).is_some();
        is_there("pv-burn") && !is_there("Domain-0") && !is_there("pv-disk")
    });
    top.press("\r\x1b");
    top.until("all of them", |screen| {
        line_of(screen, "Domain-0").is_some()
    });

    let titles = top.look(|screen| screen.rows(0, 120).nth(4).unwrap());
    top.click(titles.find("NAME").unwrap(), 4);
    top.until("sorted by a click", |screen| {
        sorted(screen, ["Domain-0", "pv-burn", "pv-disk", "pv-net"])
    });
    top.click(8, 7);
    top.until("chosen by a click", |screen| {
        screen.cell(7, 0).is_some_and(vt100::Cell::inverse)
    });
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn domains_and_pcpus_have_pages() {
    let mut top = top((100, 40));
    top.press("/disk\r\r");
    top.until("the page", |screen| {
        let text = screen.contents();
        [
            "pv-disk (domain",
            "HARD AFFINITY",
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
fn a_page_does_not_wait_for_the_next_sample() {
    let words = ["top", "-d", "86400"];
    let mut top = OnTerminal::start(&xenscope_path(), &words, (100, 40));
    top.until("rates", |screen| {
        has_rates(screen) && screen.contents().contains("pv-disk")
    });
    // Blanks at the end may have been drawn or not.
    let line =
        |screen: &Screen, name| line_of(screen, name).map(|(_, line)| line.trim_end().to_owned());
    let before = top.look(|screen| (screen.rows(0, 100).next(), line(screen, "pv-disk")));
    for (keys, shown) in [
        ("v", &["VCPU", "running"][..]),
        (
            "v/disk\r\r",
            &["pv-disk (domain", "HARD AFFINITY", "weight 256"],
        ),
        ("P", &["node 0, socket 0, 2 online", " free"]),
        ("P", &["pv-disk (domain"]),
        ("\x1b", &["NAME"]),
        (
            "/\x15burn\r\r",
            &["pv-burn (domain", "HARD AFFINITY", "weight 256"],
        ),
        ("\x1b", &["NAME"]),
    ] {
        top.press(keys);
        top.until(keys, |screen| {
            let text = screen.contents();
            shown.iter().all(|part| text.contains(part))
        });
    }
    // It is the same sample, with the same rates.
    top.press("/\x15disk\r");
    top.until("pv-disk", |screen| line(screen, "pv-disk").is_some());
    let after = top.look(|screen| (screen.rows(0, 100).next(), line(screen, "pv-disk")));
    assert_eq!(after, before);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn the_screen_follows_the_window_size() {
    let mut top = top((80, 24));
    for (new, there, not_there) in [
        ((200, 60), "DISK RD/s", "PAST"),
        ((40, 12), "TX/s", "RD/s"),
        ((20, 5), "MEM", "RX/s"),
        ((80, 24), "WR/s", "DISK"),
    ] {
        top.resize(new);
        top.until("the new size", |screen| {
            let titles = screen.rows(0, new.0).find(|line| line.contains("NAME"));
            titles.is_some_and(|line| line.contains(there) && !line.contains(not_there))
        });
    }
    top.press("q");
    assert!(top.ended().success());
    top.assert_restored();
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn signals_restore_the_terminal() {
    // Signals from other processes, among them some that faults also cause.
    for signal in ["TERM", "HUP", "INT", "USR1", "PWR", "ABRT", "SEGV", "BUS"] {
        // Signals are handled before the screen appears.
        let mut top = OnTerminal::start(&xenscope_path(), &["top", "-d", "1"], (80, 24));
        top.until("the screen", Screen::alternate_screen);
        let pid = top.pid().to_string();
        tool("kill", &[&format!("-{signal}"), &pid]);
        assert!(top.ended().signal().is_some(), "{signal}");
        top.assert_restored();
    }
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn ctrl_z_restores_the_terminal() {
    let mut shell = OnTerminal::start("sh", &["-i"], (80, 24));
    shell.press(&format!("{} top -d 1\r", xenscope_path()));
    shell.until("the screen", |screen| {
        screen.alternate_screen() && screen.contents().contains("pv-burn")
    });
    let skipped = |screen: &Screen| {
        let text = screen.contents();
        let (start, _) = text.split_once(" skipped").unwrap_or(("0 samples", ""));
        let count = start.split_whitespace().rev().nth(1);
        count.and_then(|count| count.parse().ok()).unwrap_or(0)
    };
    let before: u64 = shell.look(skipped);
    shell.press("\x1a");
    // The shell reads what is typed once `top` has stopped.
    shell.until("stopped", is_plain);
    shell.press("echo a-$((6 * 7))-z\r");
    shell.until("a shell again", |screen| {
        screen.contents().contains("a-42-z")
    });
    thread::sleep(Duration::from_secs(10));
    shell.press("fg\r");
    shell.until("back", |screen| {
        screen.alternate_screen() && screen.contents().contains("pv-burn")
    });
    let time = |screen: &Screen| screen.rows(0, 80).next();
    let first = shell.look(time);
    shell.until("another sample", |screen| time(screen) != first);
    // A slow machine may skip one sample, but not all of the ten seconds.
    let after = shell.look(skipped);
    assert!(after < before + 5, "{before} before, {after} after");
    shell.press("q");
    shell.until("ended", is_plain);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn ctrl_z_stops_scripts() {
    let mut shell = OnTerminal::start("sh", &["-i"], (80, 24));
    let script = format!("{} top -d 1; echo a-$((6 * 7))-z", xenscope_path());
    shell.press(&format!("sh -c '{script}'\r"));
    let is_up =
        |screen: &Screen| screen.alternate_screen() && screen.contents().contains("pv-burn");
    shell.until("the screen", is_up);
    shell.press("\x1a");
    shell.until("stopped", is_plain);
    shell.press("echo b-$((6 * 7))-z\r");
    shell.until("a shell", |screen| screen.contents().contains("b-42-z"));
    shell.press("fg\r");
    shell.until("back", is_up);
    shell.press("q");
    shell.until("the rest of the script", |screen| {
        is_plain(screen) && screen.contents().contains("a-42-z")
    });
}

/// Returns the number of domains, from `HURT none of 4` or `HURT 2 of 4:`; `None` without that line.
fn domains(screen: &Screen) -> Option<usize> {
    let lines: Vec<String> = screen.rows(0, 80).collect();
    let line = lines.iter().find(|line| line.starts_with("HURT "))?;
    let (_, rest) = line.split_once(" of ")?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn the_cursor_follows_its_domain() {
    let mut top = top((80, 24));
    let on_burn = |screen: &Screen| {
        line_of(screen, "pv-burn").is_some_and(|(line, _)| {
            let row = u16::try_from(line).unwrap();
            screen.cell(row, 0).is_some_and(vt100::Cell::inverse)
        })
    };
    top.press("/burn\rj\x1b");
    top.until("chosen", |screen| {
        on_burn(screen) && domains(screen) == Some(4)
    });
    let shells = Shells::create(100, 2000, "");
    top.until("many", |screen| domains(screen) == Some(104));
    top.press("2");
    top.until("the cursor with them", on_burn);
    drop(shells);
    top.until("few", |screen| domains(screen) == Some(4));
    top.until("the cursor without them", on_burn);
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn a_hung_xenstore_delays_nothing() {
    let mut top = top((80, 24));
    let _stopped = Stopped::daemon();
    let time = |screen: &Screen| screen.rows(0, 80).next();
    let before = top.look(time);
    top.until("another sample", |screen| time(screen) != before);
    top.press("?");
    top.until("the help", |screen| {
        screen.contents().contains("everywhere")
    });
    top.press("qq");
    assert!(top.ended().success());
    top.assert_restored();

    // A new `top` has no names, and says why.
    let mut top = OnTerminal::start(&xenscope_path(), &["top", "-d", "1"], (80, 24));
    top.until_last_line_has("XenStore does not answer");
    top.until("rates without names", |screen| {
        let is_named = screen.contents().contains("pv-burn");
        has_rates(screen) && domains(screen) == Some(4) && !is_named
    });
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn settings_of_other_users_are_ignored() {
    // Not in /tmp, because all users can write there.
    let folder = tempfile::tempdir_in("/root").unwrap();
    let file = folder.path().join("xenscope/config.toml");
    let home = folder.path().to_str().unwrap();
    let start = || top_with(&[("XDG_CONFIG_HOME", home)], (120, 24));

    let mut top = start();
    top.press("2TW");
    top.until_last_line_has("written to");
    top.press("q");
    assert!(top.ended().success());
    let written = fs::read_to_string(&file).unwrap();
    assert!(written.contains("colour-blind"), "{written}");

    let mut top = start();
    top.until("sorted as it was written", |screen| {
        screen.contents().contains("NAME▲")
    });
    assert!(top.look(last_line).starts_with("? help"));

    chown(&file, Some(65534), None).unwrap();
    let mut top = start();
    top.until_last_line_has("belongs to user 65534 and not to root");
    top.until("the usual order", |screen| {
        screen.contents().contains("CPU %▼")
    });

    chown(&file, Some(0), None).unwrap();
    fs::write(&file, "sort = \"\x1b[2J").unwrap();
    start().until_last_line_has("settings ignored");

    // As with `sudo -E`: another user's folder, with a link.
    let theirs = folder.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    symlink(folder.path().join("xenscope"), theirs.join("xenscope")).unwrap();
    chown(&theirs, Some(65534), None).unwrap();
    let theirs = theirs.to_str().unwrap();
    let mut top = top_with(&[("XDG_CONFIG_HOME", theirs)], (200, 24));
    top.until_last_line_has("settings ignored");
    top.press("W");
    top.until_last_line_has(&format!(
        "settings not written: {theirs} belongs to user 65534"
    ));
    assert!(fs::read_to_string(&file).unwrap().contains("\x1b[2J"));
}

#[test]
#[ignore = "needs a Xen host: cargo lab test"]
fn no_color_turns_colour_off() {
    for (variables, coloured) in [(&[][..], true), (&[("NO_COLOR", "1")], false)] {
        let mut top = top_with(variables, (80, 24));
        top.until("rates", has_rates);
        let colour = top.look(|screen| {
            let cells = (0..24).flat_map(|row| (0..80).map(move |column| (row, column)));
            cells
                .filter_map(|(row, column)| screen.cell(row, column))
                .any(|cell| cell.fgcolor() != vt100::Color::Default)
        });
        assert_eq!(colour, coloured);
    }
}
