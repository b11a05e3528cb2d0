//! Errors of usage, help and completions. These tests need no hypervisor.

use crate::command::{run, say, xenscope, xenscope_path};
use crate::terminal::OnTerminal;

/// Asserts that these arguments are refused with this message.
fn wrong(words: &[&str], message: &str) {
    say(words).refused(2, &[message, "; see --help"]);
}

#[test]
fn bad_intervals_are_refused() {
    for text in ["0", "-1", "1e12", "inf", "nan"] {
        let message = "out of range; use 0.01 to 86400 seconds";
        wrong(&["status", "0", "--interval", text], message);
        wrong(&["audit", "--interval", text], message);
        wrong(&["waits", "--seconds", text], message);
        wrong(&["top", "-b", "-d", text], message);
        wrong(&["events", "--poll", text], message);
    }
    wrong(
        &["status", "0", "--interval", "soon"],
        "not a number of seconds",
    );
    wrong(&["top", "-b", "-d", ""], "not a number of seconds");
}

#[test]
fn counts_are_at_least_1() {
    wrong(&["top", "-b", "-i", "0"], "0 is not in 1..");
    wrong(&["top", "-b", "-i", "-1"], "invalid value '-1'");
    wrong(&["top", "-b", "-i", "x"], "invalid value 'x'");
    wrong(&["audit", "--samples", "0"], "0 is not in 1..");
    wrong(
        &["top", "--from", "x", "-i", "3"],
        "cannot be used with a recording",
    );
    wrong(&["audit", "--samples", "-1"], "invalid value '-1'");
}

#[test]
fn options_that_a_format_ignores_are_refused() {
    for format in ["table", "json", "csv"] {
        let message = format!("'--repeat-header' cannot be used with '--format {format}'");
        wrong(&["top", "-b", "-r", "--format", format], &message);
    }
    wrong(
        &["top", "-b", "-p", "--format", "csv"],
        "'--pcpus' cannot be used with '--format csv'",
    );
}

#[test]
fn the_option_for_a_time_is_named() {
    let one = "is about one time: use --at";
    let span = "is about a span of time: use --since and --until";
    wrong(&["list", "--since", "03:00"], one);
    wrong(&["-v", "status", "db1", "--until=03:00"], one);
    wrong(&["audit", "--at", "03:00"], span);
    wrong(&["events", "--at=03:00"], span);
    wrong(
        &["doctor", "--at", "03:00"],
        "unexpected argument '--at' found",
    );
    wrong(
        &["list", "--formt", "csv"],
        "a similar argument exists: '--format'",
    );
}

#[test]
fn a_copy_of_a_recording_is_a_file() {
    wrong(&["record", "--export", "-"], "cannot be written to a pipe");
    let help = say(&["record", "--help"]).fine();
    for words in ["from this time on", "up to this time"] {
        let line = format!("          Export what was recorded {words}\n");
        assert!(help.contains(&line), "{help}");
    }
}

#[test]
fn malformed_filters_are_refused() {
    wrong(&["top", "--filter", "(web"], "this ( is not closed (at 1)");
    wrong(
        &["top", "-b", "--filter", "cpu>fast"],
        "'fast' is no number of per cent (at 5)",
    );
    // Only a trace tells ready time.
    wrong(
        &["top", "-b", "--filter", "web ready>5"],
        "which takes '--ready'",
    );
}

#[test]
fn malformed_domains_are_refused() {
    wrong(&["status"], "<DOMAIN>...");
    wrong(&["status", ""], "use an ID, a name or a UUID");
    wrong(&["status", "id:70000"], "not a domain ID");
    wrong(&["status", "uuid:5"], "not a UUID");
    wrong(&["events", "uuid:5"], "not a UUID");
}

#[test]
fn without_a_command_help_is_printed() {
    let nothing = say(&[]);
    assert_eq!((nothing.code, &*nothing.stdout), (Some(2), ""));
    assert!(nothing.stderr.contains("Usage: xenscope"), "{nothing:?}");
    wrong(&["lsit"], "a similar subcommand exists: 'list'");
    for words in [
        &["--help"][..],
        &["list", "--help"],
        &["status", "-h"],
        &["top", "-h"],
        &["audit", "-h"],
        &["events", "-h"],
    ] {
        assert!(say(words).fine().contains("Usage: xenscope"), "{words:?}");
    }
    let version = say(&["--version"]).fine();
    assert_eq!(version, format!("xenscope {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn help_to_a_closed_pipe_is_no_error() {
    // The shell's stdout goes to head, which ends after the first byte.
    let script = format!("{} --help | head -c 1", xenscope_path());
    let said = run(std::process::Command::new("sh").args(["-c", &script]));
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{said:?}");
}

#[test]
fn exit_codes_survive_a_closed_stderr() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ended = xenscope(&["status", "uuid:5"]).stderr(writer).status();
    assert_eq!(ended.unwrap().code(), Some(2));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    // There is no terminal to read from.
    let ended = xenscope(&["top"]).stderr(writer).status();
    assert_eq!(ended.unwrap().code(), Some(2));
}

#[test]
fn without_xen_every_command_exits_3() {
    if std::fs::read_to_string("/sys/hypervisor/type").is_ok_and(|name| name.trim() == "xen") {
        // The lab hides the hypervisor: see `another_hypervisor_is_not_xen`.
        return;
    }
    every_command_exits_3();
}

/// Asserts what each command says where there is no Xen.
pub fn every_command_exits_3() {
    for words in [
        &["list"][..],
        &["status", "0"],
        &["top", "-b", "-i", "1"],
        &["audit"],
        &["events"],
        &["waits"],
        &["export"],
        &["export", "--textfile", "-"],
    ] {
        say(words).refused(3, &["not running on Xen", "dom0", "xenscope doctor"]);
    }
}

#[test]
fn without_xen_the_doctor_says_so() {
    if std::fs::read_to_string("/sys/hypervisor/type").is_ok_and(|name| name.trim() == "xen") {
        return;
    }
    let said = say(&["doctor"]);
    assert_eq!((said.code, &*said.stderr), (Some(1), ""), "{said:?}");
    for part in ["not running on Xen", "cannot be watched"] {
        assert!(said.stdout.contains(part), "{said:?}");
    }
    let said = say(&["doctor", "--format", "json"]);
    assert!(
        said.stdout.starts_with("{\"schema\":1,\"ready\":false,"),
        "{said:?}"
    );
}

/// Returns the commands that the help lists.
pub fn commands() -> Vec<String> {
    let help = say(&["--help"]).fine();
    let (_, list) = help.split_once("\nCommands:\n").unwrap();
    list.lines()
        .take_while(|line| line.starts_with("  "))
        // A long description continues on further lines with more indentation.
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|&word| word != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn completions_have_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = say(&["completions", shell]).fine();
        for command in commands() {
            assert!(script.contains(&command), "{shell}: {command}");
        }
    }
    wrong(&["completions", "tcsh"], "possible values: bash, zsh, fish");
}

#[test]
fn bash_completes_a_command() {
    let script = format!(
        "source <({0} completions bash); COMP_WORDS=(xenscope sta); COMP_CWORD=1; \
         _xenscope xenscope sta xenscope; echo \"${{COMPREPLY[@]}}\"",
        xenscope_path()
    );
    let said = run(std::process::Command::new("bash").args(["-c", &script]));
    assert_eq!(said.fine(), "status\n");
}

/// A function that answers as `xenscope list --format csv` does in dom0.
const LISTS: &str = "xenscope() { printf 'id,uuid,name\\n0,u,Domain-0\\n5,u,web-1\\n6,u,web-2\\n7,u,web$(reboot)\\n8,u,\\n'; }";

#[test]
fn bash_completes_a_domain() {
    let complete = |word: &str, lists: &str| {
        let script = format!(
            "source <({0} completions bash); {lists}; COMP_WORDS=(xenscope status {word}); COMP_CWORD=2; \
             _xenscope xenscope '{word}' status; echo \"${{COMPREPLY[@]}}\"",
            xenscope_path()
        );
        run(std::process::Command::new("bash").args(["-c", &script])).fine()
    };
    assert_eq!(complete("web", LISTS), "web-1 web-2\n");
    assert_eq!(complete("--form", LISTS), "--format\n");
    // Who may not list them gets no names, and no error.
    let fails = "xenscope() { echo 'no rights' >&2; return 3; }";
    assert_eq!(complete("web", fails), "\n");
}

#[test]
fn other_shells_complete_domains() {
    let zsh = say(&["completions", "zsh"]).fine();
    assert_eq!(zsh.matches(":_xenscope_domains'").count(), 6, "{zsh}");
    assert!(!zsh.contains("if ambiguous:_default'"));
    let fish = say(&["completions", "fish"]).fine();
    let line = "__fish_xenscope_using_subcommand status top vcpus waits events report\" -f -a \"(__fish_xenscope_domains)\"";
    assert!(fish.contains(line), "{fish}");
}

#[test]
fn on_a_dumb_terminal_top_suggests_b() {
    for (term, why) in [("dumb", "TERM is dumb"), ("", "TERM is not set")] {
        let variables = [("TERM", term)];
        let mut top = OnTerminal::start_with(&variables, &xenscope_path(), &["top"], (120, 24));
        assert_eq!(top.ended().exit_code(), 2);
        top.until("refused", |screen| {
            let text = screen.contents();
            text.contains(why) && text.contains("top -b")
        });
        top.assert_restored();
    }
}

#[test]
fn without_a_terminal_top_suggests_b() {
    say(&["top"]).refused(2, &["not a terminal", "top -b"]);
}
