//! The server of `xenscope export`, confined, with this test as its sampler. It needs no hypervisor.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::geteuid;
use tempfile::TempDir;
use xenscope::export::wire;
use xenscope::view::openmetrics::Exposition;

use crate::certificates::Certificates;
use crate::command::{run, say, tool, xenscope_path};
use crate::http::{connect, get, get_over};

/// Debian's user nobody.
const NOBODY: u32 = 65534;

/// How long changed files may have no effect.
const LIMIT: Duration = Duration::from_secs(120);

/// A server, and the socket to it.
struct Server {
    child: Child,
    sampler: Option<UnixStream>,
    port: u16,
    /// What it and its reader said after that.
    said: Arc<Mutex<String>>,
    folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns a folder that every user may read.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Returns the command that starts the server with this program in the folder, as nobody if possible.
fn server(folder: &Path, options: &[&str]) -> Command {
    // The user may not be able to reach the folder of the build.
    let program = folder.join("xenscope");
    // A program cannot be started while another process has it open for writing, and other tests start
    // processes now. So cp is the only one that opens it.
    tool("cp", &[xenscope_path().as_ref(), program.as_os_str()]);
    let mut command = Command::new(program);
    command.args([
        "-v",
        "export",
        "--serve",
        "--web.listen-address",
        "127.0.0.1:0",
    ]);
    command.args(options).stderr(Stdio::piped());
    as_nobody(&mut command);
    command
}

/// Lets a command run as nobody, if this program may decide that.
fn as_nobody(command: &mut Command) -> &mut Command {
    match geteuid().is_root() {
        true => command.uid(NOBODY).gid(NOBODY),
        false => command,
    }
}

/// Returns the port that a server says it listens on.
fn port(stderr: &mut impl BufRead) -> u16 {
    let mut said = String::new();
    loop {
        let before = said.len();
        assert!(stderr.read_line(&mut said).unwrap() > 0, "{said}");
        if let Some((_, port)) = said[before..].split_once("listening on 127.0.0.1:") {
            return port.trim().parse().unwrap();
        }
    }
}

/// Starts a server. The folder has the files that the options name.
fn start(folder: TempDir, options: &[&str]) -> Server {
    let (own, servers) = UnixStream::pair().unwrap();
    let mut command = server(folder.path(), options);
    let mut child = command.stdin(OwnedFd::from(servers)).spawn().unwrap();
    drop(command);
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let port = port(&mut stderr);
    let said = Arc::<Mutex<String>>::default();
    let all = Arc::clone(&said);
    // It must not fill up.
    thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            all.lock().unwrap().push_str(&(line + "\n"));
        }
    });
    Server {
        child,
        sampler: Some(own),
        port,
        said,
        folder,
    }
}

impl Server {
    /// Sends a first sample, and one for each request of the server.
    fn sample(&mut self) {
        let mut socket = self.sampler.take().unwrap();
        thread::spawn(move || {
            let mut byte = [wire::REQUEST];
            loop {
                assert_eq!(byte, [wire::REQUEST]);
                let answer = wire::answer(&Exposition::down());
                let sent = socket.write_all(&answer);
                if sent.and_then(|()| socket.read_exact(&mut byte)).is_err() {
                    return;
                }
            }
        });
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Returns the process that reads files for it.
    fn reader(&self) -> u32 {
        let children = self.proc(&format!("task/{}/children", self.child.id()));
        let children = fs::read_to_string(children).unwrap();
        children.trim().parse().unwrap()
    }

    fn proc(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.child.id())
    }
}

#[test]
fn the_server_is_confined_and_serves() {
    let mut server = start(folder(), &[]);
    server.sample();
    let (head, body) = get(server.port, "/metrics", "").unwrap();
    assert!(
        head.starts_with("HTTP/1.1 200") && body.contains("\nxen_up 0\n"),
        "{head}"
    );
    let status = fs::read_to_string(server.proc("status")).unwrap();
    let value = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name}"))
            .split_whitespace()
            .collect::<Vec<_>>()
    };
    assert_eq!(value("NoNewPrivs:"), ["1"]);
    assert_eq!(value("Seccomp:"), ["2"]);
    assert_eq!(value("CapEff:"), ["0000000000000000"]);
    if geteuid().is_root() {
        assert_eq!(value("Uid:"), ["65534"; 4]);
        assert!(value("Groups:").is_empty(), "{status}");
    }
    // It still serves, so it was not killed for a system call.
    for path in ["/", "/healthz", "/none", "/metrics"] {
        assert!(get(server.port, path, "").is_some(), "{path}");
    }
}

#[test]
fn passwords_are_checked_by_a_confined_server() {
    let folder = folder();
    let hash = bcrypt::hash("secret", 4).unwrap();
    let file = folder.path().join("web.yml");
    fs::write(&file, format!("basic_auth_users: {{alice: {hash}}}\n")).unwrap();
    let mut server = start(folder, &["--web.config.file", file.to_str().unwrap()]);
    server.sample();
    let status = |headers: &str| get(server.port, "/metrics", headers).unwrap().0;
    assert!(status("").starts_with("HTTP/1.1 401"));
    assert!(status("Authorization: Basic YWxpY2U6d3Jvbmc=\r\n").starts_with("HTTP/1.1 401"));
    let right = status("Authorization: Basic YWxpY2U6c2VjcmV0\r\n");
    assert!(right.starts_with("HTTP/1.1 200"), "{right}");
}

/// Waits until this is so: the files are read every ten seconds.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn changed_files_are_read_by_another_process() {
    let (server, old) = start_with_tls("");
    let folder = server.folder.path().to_owned();
    let answer = |certificates: &Certificates, headers: &str| {
        let stream = certificates.connect(connect(server.port).unwrap(), false);
        get_over(stream, "/healthz", headers).map(|(head, _)| head)
    };
    let is = |certificates: &Certificates, headers: &str, status: &str| {
        answer(certificates, headers).is_some_and(|head| head.starts_with(status))
    };
    assert!(is(&old, "", "HTTP/1.1 200"));
    // A key that does not belong to the certificate, and a file that is not right.
    let key = folder.join("dom0.key");
    let right = fs::read(&key).unwrap();
    fs::copy(folder.join("client.key"), &key).unwrap();
    until("the wrong key is reported", || {
        server.said().contains("stay")
    });
    assert!(is(&old, "", "HTTP/1.1 200"));
    fs::write(&key, right).unwrap();
    // Other certificates, and a password.
    let new = Certificates::make(&folder);
    let file = folder.join("web.yml");
    let text = fs::read_to_string(&file).unwrap();
    let hash = bcrypt::hash("secret", 4).unwrap();
    fs::write(
        &file,
        format!("{text}basic_auth_users: {{alice: {hash}}}\n"),
    )
    .unwrap();
    until("the new files have an effect", || {
        is(&new, "", "HTTP/1.1 401")
    });
    let right = "Authorization: Basic YWxpY2U6c2VjcmV0\r\n";
    assert!(is(&new, right, "HTTP/1.1 200"));
    // It is confined as well, and ends with the server.
    let reader = server.reader();
    let status = || fs::read_to_string(format!("/proc/{reader}/status")).unwrap_or_default();
    assert!(status().contains("Seccomp:\t2\n"), "{}", status());
    drop(server);
    until("the reader ends", || !status().contains("State:\tS"));
}

/// Starts a server with TLS and these lines more in its configuration.
fn start_with_tls(more: &str) -> (Server, Certificates) {
    let folder = folder();
    let certificates = Certificates::make(folder.path());
    let file = folder.path().join("web.yml");
    let own = "tls_server_config:\n  cert_file: dom0.crt\n  key_file: dom0.key\n";
    fs::write(&file, format!("{own}{more}")).unwrap();
    let mut server = start(folder, &["--web.config.file", file.to_str().unwrap()]);
    server.sample();
    (server, certificates)
}

#[test]
fn tls_verifies_clients_if_it_is_told_to() {
    let verify = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n";
    let if_given = verify
        .replace("RequireAndVerify", "Verify")
        .replace("Cert\n", "CertIfGiven\n");
    for (more, without, with) in [
        ("", true, true),
        (verify, false, true),
        (&if_given, true, true),
    ] {
        let (server, certificates) = start_with_tls(more);
        // Without TLS there is no answer.
        assert!(get(server.port, "/metrics", "").is_none());
        for (certificate, expected) in [(false, without), (true, with)] {
            let stream = connect(server.port).unwrap();
            let stream = certificates.connect(stream, certificate);
            let answer = get_over(stream, "/metrics", "");
            let got = answer.is_some_and(|(head, _)| head.starts_with("HTTP/1.1 200"));
            assert_eq!(got, expected, "{more} {certificate}");
        }
    }
}

#[test]
fn a_server_without_a_sampler_ends() {
    let mut server = start(folder(), &[]);
    drop(server.sampler.take());
    assert_eq!(server.child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_server_keeps_no_other_file() {
    let folder = folder();
    let secret = folder.path().join("secret");
    fs::write(&secret, "").unwrap();
    let (_own, servers) = UnixStream::pair().unwrap();
    let server = server(folder.path(), &[]);
    // Whatever starts it may have files open that are not closed by exec.
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "exec 7<$0; exec \"$@\""])
        .arg(&secret)
        .arg(server.get_program());
    shell
        .args(server.get_args())
        .stdin(OwnedFd::from(servers))
        .stderr(Stdio::piped());
    let mut child = as_nobody(&mut shell).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    port(&mut stderr);
    let files = fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap();
    let files: Vec<_> = files
        .map(|file| fs::read_link(file.unwrap().path()).unwrap())
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(files.len() > 3 && !files.contains(&secret), "{files:?}");
}

#[test]
fn wrong_usage_is_refused() {
    let wrong = |words: &[&str], why: &str| say(words).refused(2, &[why, "; see --help"]);
    for (address, why) in [
        ("127.0.0.1", "use ADDRESS:PORT"),
        ("localhost:14170", "use ADDRESS:PORT"),
        ("", "use ADDRESS:PORT"),
    ] {
        wrong(&["export", "--web.listen-address", address], why);
    }
    for path in ["metrics", "/a b", "/<script>", "/é"] {
        wrong(&["export", "--web.telemetry-path", path], "use a slash");
    }
    for path in ["/", "/healthz"] {
        wrong(&["export", "--web.telemetry-path", path], "another page");
    }
    wrong(&["export", "--interval", "5"], "--textfile");
    say(&["export", "--textfile", "-", "--collector.ready"]).refused(2, &["needs --interval"]);
    wrong(
        &["export", "--textfile", "-", "--min-interval", "5"],
        "cannot be used with",
    );
    wrong(
        &["export", "--textfile", "-", "--user", "nobody"],
        "cannot be used with",
    );
    let serve = run(Command::new(xenscope_path())
        .args(["export", "--serve"])
        .stdin(Stdio::null()));
    serve.refused(2, &["--serve is for xenscope itself"]);
}

#[test]
fn wrong_configurations_are_refused() {
    for (text, why) in [
        (
            "tls_server_config: {cert_file: none.crt, key_file: none.key}",
            "none.crt",
        ),
        ("rate_limit: {}", "rate_limit"),
        ("basic_auth_users: {alice: secret}", "no bcrypt hash"),
    ] {
        let folder = folder();
        let file = folder.path().join("web.yml");
        fs::write(&file, text).unwrap();
        let (_own, servers) = UnixStream::pair().unwrap();
        let mut command = server(
            folder.path(),
            &["--web.config.file", file.to_str().unwrap()],
        );
        let said = run(command.stdin(OwnedFd::from(servers)));
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.stderr.contains(why), "{said:?}");
    }
}
