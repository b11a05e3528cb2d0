//! The server over real sockets, fed from a made-up host by a thread that is the sampler.
//!
//! It is not confined here, because that cannot be undone in a test program; tests/integration/export.rs
//! confines it.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use flate2::read::GzDecoder;

use super::access::Access;
use super::connections::MOST;
use super::relay::SamplerFailure;
use super::server::{Options, Server};
use super::wire;
use crate::fixtures::at_work;
use crate::view::openmetrics::{Exposition, Scrape, Series};

/// How long a client waits for an answer.
const LIMIT: Duration = Duration::from_secs(60);

/// A server and its sampler.
struct Running {
    address: SocketAddr,
    /// How many samples were taken.
    samples: Arc<AtomicUsize>,
}

/// What a client got.
#[derive(Debug)]
struct Answer {
    head: String,
    body: String,
}

fn options(min_interval: Duration) -> Options {
    Options {
        addresses: Vec::new(),
        telemetry_path: "/metrics".into(),
        config_file: None,
        min_interval,
    }
}

/// Starts a server whose sampler is this function.
fn start_with(
    users: Option<BTreeMap<String, String>>,
    min_interval: Duration,
    sampler: impl FnOnce(UnixStream) + Send + 'static,
) -> (SocketAddr, JoinHandle<SamplerFailure>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let (own, servers) = UnixStream::pair().unwrap();
    let first = wire::answer(&Exposition::down());
    thread::spawn(move || {
        (&own).write_all(&first).unwrap();
        sampler(own);
    });
    let server = thread::spawn(move || {
        let access = Access::start().unwrap();
        access.passwords().replace(users);
        let server = Server::start(&options(min_interval), access, servers, None).unwrap();
        server.run(vec![listener]).unwrap()
    });
    (address, server)
}

/// Starts a server of a host with 20 domains. The first domain's CPU time is the number of the sample.
fn start(users: Option<BTreeMap<String, String>>, min_interval: Duration) -> Running {
    let samples = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&samples);
    let (address, _) = start_with(users, min_interval, move |mut socket| {
        let (_, mut snapshot) = at_work(20);
        while socket.read_exact(&mut [0]).is_ok() {
            let number = counted.fetch_add(1, Ordering::Relaxed) as u64 + 1;
            snapshot.domains[0].cpu_time_ns = number * 1_000_000_000;
            let scrape = Scrape {
                snapshot: &snapshot,
                took: Some(Duration::ZERO),
                report: None,
                series: Series::default(),
            };
            socket
                .write_all(&wire::answer(&scrape.exposition()))
                .unwrap();
        }
    });
    Running { address, samples }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream
}

/// Sends a request on a new connection; returns the answer.
fn ask(stream: impl Read + Write, request: &str) -> Answer {
    try_ask(stream, request).unwrap()
}

/// A body in gzip is decompressed.
fn try_ask(mut stream: impl Read + Write, request: &str) -> Option<Answer> {
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    // A connection that is closed early may still have brought an answer.
    let _ = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let (head, mut body) = (&answer[..end], &answer[end + 4..]);
    let head = str::from_utf8(head).unwrap().to_ascii_lowercase();
    let mut text = String::new();
    match head.contains("content-encoding: gzip") {
        true => GzDecoder::new(body).read_to_string(&mut text),
        false => body.read_to_string(&mut text),
    }
    .unwrap();
    Some(Answer { head, body: text })
}

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: dom0\r\nConnection: close\r\n{headers}\r\n")
}

fn scrape(address: SocketAddr) -> Answer {
    ask(connect(address), &get("/metrics", ""))
}

/// Returns the sample's number that an answer has.
fn number(answer: &Answer) -> u64 {
    let start = "xen_domain_cpu_seconds_total{uuid=\"00000000-0000-0000-0000-000000000001\",name=\"Domain-0\"} ";
    let line = answer
        .body
        .lines()
        .find_map(|line| line.strip_prefix(start));
    line.unwrap_or_else(|| panic!("{answer:?}"))
        .parse()
        .unwrap()
}

#[test]
fn the_formats_are_negotiated() {
    let running = start(None, Duration::ZERO);
    let classic = scrape(running.address);
    assert!(classic.head.starts_with("http/1.1 200"), "{classic:?}");
    assert!(
        classic
            .head
            .contains("content-type: text/plain; version=0.0.4; charset=utf-8")
    );
    assert!(
        classic
            .body
            .contains("# TYPE xen_domain_cpu_seconds_total counter\n")
    );
    assert!(!classic.body.contains("# EOF"));
    let accept = "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n";
    let open = ask(connect(running.address), &get("/metrics", accept));
    let media_type = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(open.head.contains(media_type), "{}", open.head);
    assert!(
        open.body
            .contains("# TYPE xen_domain_cpu_seconds counter\n")
    );
    assert!(open.body.ends_with("\n# EOF\n"));
}

#[test]
fn metrics_are_compressed_for_those_who_accept_it() {
    let running = start(None, Duration::from_secs(3600));
    let page = |path: &str, headers: &str| ask(connect(running.address), &get(path, headers));
    let accept = "Accept: application/openmetrics-text\r\n";
    for format in ["", accept] {
        let plain = page("/metrics", format);
        let both = format!("{format}Accept-Encoding: gzip\r\n");
        let gzip = page("/metrics", &both);
        for answer in [&plain, &gzip] {
            let vary = answer.head.contains("vary: accept, accept-encoding");
            assert!(vary, "{answer:?}");
        }
        assert!(gzip.head.contains("content-encoding: gzip"), "{gzip:?}");
        assert!(!plain.head.contains("content-encoding"), "{plain:?}");
        assert_eq!(gzip.body, plain.body);
    }
    let landing = page("/", "Accept-Encoding: gzip\r\n");
    assert!(!landing.head.contains("content-encoding"), "{landing:?}");
}

#[test]
fn other_pages_need_no_sample() {
    let running = start(None, Duration::ZERO);
    let page = |path| ask(connect(running.address), &get(path, ""));
    let landing = page("/");
    assert!(landing.head.contains("text/html") && landing.body.contains("href=\"/metrics\""));
    assert_eq!(page("/healthz").body, "ok\n");
    assert!(page("/metrics/").head.starts_with("http/1.1 404"));
    assert!(page("/../etc/passwd").head.starts_with("http/1.1 404"));
    let post = ask(
        connect(running.address),
        &get("/metrics", "").replace("GET", "POST"),
    );
    assert!(post.head.starts_with("http/1.1 405") && post.head.contains("allow: get, head"));
    let head = ask(
        connect(running.address),
        &get("/", "").replace("GET", "HEAD"),
    );
    assert!(head.head.starts_with("http/1.1 200") && head.body.is_empty());
    assert_eq!(running.samples.load(Ordering::Relaxed), 0);
}

#[test]
fn scrapers_share_samples() {
    let running = start(None, Duration::from_secs(3600));
    let answers: Vec<_> = thread::scope(|scope| {
        let scrapers: Vec<_> = (0..20)
            .map(|_| scope.spawn(|| scrape(running.address)))
            .collect();
        scrapers
            .into_iter()
            .map(|scraper| scraper.join().unwrap())
            .collect()
    });
    // The first one, which the sampler takes when it starts, says that there is none.
    assert!(
        answers
            .iter()
            .all(|answer| answer.body.contains("\nxen_up 0\n"))
    );
    assert_eq!(running.samples.load(Ordering::Relaxed), 0);
    let running = start(None, Duration::ZERO);
    assert_eq!(
        [1, 2, 3].map(|_| number(&scrape(running.address))),
        [1, 2, 3]
    );
}

#[test]
fn a_connection_serves_many_requests() {
    let running = start(None, Duration::ZERO);
    let mut stream = connect(running.address);
    let request = get("/healthz", "").replace("Connection: close\r\n", "");
    for _ in 0..3 {
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"ok\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.extend(byte);
        }
    }
}

#[test]
fn a_sampler_that_dies_leaves_no_figures() {
    let (address, server) = start_with(None, Duration::ZERO, |mut socket| {
        socket.read_exact(&mut [0]).unwrap();
    });
    let answer = scrape(address);
    assert!(answer.body.contains("\nxen_up 0\n") && !answer.body.contains("xen_domain"));
    assert!(matches!(server.join().unwrap(), SamplerFailure::Ended));
}

#[test]
fn a_sampler_that_hangs_ends_the_server() {
    let (address, server) = start_with(None, Duration::ZERO, |mut socket| {
        socket.read_exact(&mut [0]).unwrap();
        // It begins an answer.
        socket.write_all(&[9, 0]).unwrap();
        thread::sleep(LIMIT);
    });
    let both: Vec<_> = thread::scope(|scope| {
        let scrapers = [0, 1].map(|_| scope.spawn(|| scrape(address)));
        scrapers.map(|scraper| scraper.join().unwrap()).into()
    });
    for answer in both {
        assert!(answer.body.contains("\nxen_up 0\n"), "{answer:?}");
    }
    assert!(matches!(server.join().unwrap(), SamplerFailure::Silent));
}

#[test]
fn a_sampler_that_talks_nonsense_ends_the_server() {
    let (_, server) = start_with(None, Duration::ZERO, |mut socket| {
        socket.write_all(b"hello").unwrap();
        thread::sleep(LIMIT);
    });
    assert!(matches!(server.join().unwrap(), SamplerFailure::Malformed));
}

/// Clients that say nothing, that never end a header, and that do not read what they asked for: all are
/// more than there may be connections.
#[test]
fn slow_clients_keep_nobody_out() {
    let running = start(None, Duration::ZERO);
    let mut clients = Vec::new();
    for number in 0..20 * MOST {
        let mut client = connect(running.address);
        let _ = match number % 3 {
            0 => Ok(()),
            1 => client.write_all(b"GET /metrics HTTP/1.1\r\nHost: dom0\r\nX: "),
            _ => client.write_all(get("/metrics", "").as_bytes()),
        };
        clients.push(client);
        if number % MOST == 0 {
            assert!(number_of(&running) > 0);
        }
    }
    assert!(number_of(&running) > 0);
    // The first ones were closed for the others.
    let mut closed = 0;
    for client in &mut clients[..10 * MOST] {
        client
            .set_read_timeout(Some(Duration::from_secs(2)))
            .unwrap();
        let end = client.read_to_end(&mut Vec::new());
        closed += usize::from(!end.is_err_and(|error| error.kind() == ErrorKind::WouldBlock));
    }
    assert_eq!(closed, 10 * MOST);
}

fn number_of(running: &Running) -> u64 {
    number(&scrape(running.address))
}

#[test]
fn garbage_is_refused() {
    let running = start(None, Duration::ZERO);
    let long = "x".repeat(1 << 20);
    let many = "X: y\r\n".repeat(1000);
    let unspeakable = "\u{0}\u{1}\u{16}\u{3}\u{1}\r\n\r\n";
    for request in [
        unspeakable.to_owned(),
        "GET\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        get(&format!("/{long}"), ""),
        get("/metrics", &format!("X: {long}\r\n")),
        get("/metrics", &many),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
    ] {
        let start: String = request.chars().take(40).collect();
        // The connection may be closed before all of it is sent.
        if let Some(answer) = try_ask(connect(running.address), &request) {
            assert!(
                answer.head.starts_with("http/1.1 4"),
                "{start:?}: {}",
                answer.head
            );
        }
        assert!(number_of(&running) > 0, "{start:?}");
    }
    // A body is not read.
    let body = get("/healthz", "Content-Length: 1000000000\r\n");
    assert_eq!(ask(connect(running.address), &body).body, "ok\n");
}

#[test]
fn passwords_are_needed_for_every_page() {
    let hash = bcrypt::hash("secret", 4).unwrap();
    let users = BTreeMap::from([("alice".to_owned(), hash)]);
    let running = start(Some(users), Duration::ZERO);
    for path in ["/metrics", "/", "/healthz", "/none"] {
        let refused = ask(connect(running.address), &get(path, ""));
        assert!(
            refused.head.starts_with("http/1.1 401"),
            "{path}: {refused:?}"
        );
        assert!(
            refused.head.contains("www-authenticate: basic"),
            "{refused:?}"
        );
    }
    // alice:wrong and alice:secret.
    let wrong = get("/metrics", "Authorization: Basic YWxpY2U6d3Jvbmc=\r\n");
    assert!(
        ask(connect(running.address), &wrong)
            .head
            .starts_with("http/1.1 401")
    );
    let right = get("/metrics", "Authorization: Basic YWxpY2U6c2VjcmV0\r\n");
    assert_eq!(number(&ask(connect(running.address), &right)), 1);
}
