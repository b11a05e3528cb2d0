//! One connection: what is read, and the watches that lead to more reads.
//!
//! The loop never waits for a single thing. If it waited for one answer while a watch's queue fills
//! up, xenstore-rs would block.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::io;
use std::pin::Pin;
use std::time::Duration;

use futures::future::{AbortHandle, Abortable};
use futures::stream::{FuturesUnordered, SelectAll, Stream, StreamExt};
use tokio::time::{Instant, sleep_until};

use super::client::Client;
use super::daemon::{ANSWER_TIMEOUT, no_answer};
use super::known::{ConnectionState, Known, Shared};
use super::liveness::Liveness;
use super::query::{self, Value};
use super::wanted::Wanted;
use super::watched_path::{Kind, WatchedPath};
use crate::snapshot::Identity;

/// How long an unwanted path stays watched after its last event. If an event arrives while a watch
/// ends, xenstore-rs forgets the watch and never unregisters it from the daemon. Domain IDs are
/// also reused, so the path may soon be wanted again.
const LINGER: Duration = Duration::from_secs(2);

/// How often the time of the last answer is checked. If this thread does not run for a while, that
/// counts as one tick only, because an answer may have arrived in the meantime.
const TICK: Duration = Duration::from_millis(500);

/// How long a connection may be silent before the daemon is asked something. A daemon that hangs
/// sends no events, which looks like a host without changes.
const IDLE: Duration = Duration::from_secs(10);

/// How many requests are under way at most. xenstore-rs sends 32 before it waits for an answer; each takes one to two
/// KiB, and a host with 1,000 domains begins with several thousand.
const AT_ONCE: usize = 128;

/// One connection and what it watches.
pub(super) struct Session<'a> {
    client: Client,
    shared: &'a Shared,
    liveness: Liveness,
    wanted: Wanted,
    revision: u64,
    nodes: HashMap<WatchedPath, Node>,
    /// The kinds of devices whose folders exist.
    kinds: BTreeSet<Kind>,
    watches: SelectAll<Watch>,
    requests: FuturesUnordered<Request>,
    /// What is requested after these.
    later: VecDeque<Later>,
    /// Unwanted paths, and when they expire. An entry is valid only if its node has the same time.
    lingering: VecDeque<(Instant, WatchedPath)>,
    /// The number of nodes that have not been read.
    unread: usize,
    /// The number of ticks since the last answer, or since a request was sent when none was
    /// pending.
    silent_ticks: u32,
    /// The number of answers at the last tick.
    answers: u64,
    /// When the next tick ends.
    tick: Instant,
    /// Whether everything that was wanted has been read once.
    was_complete: bool,
}

type Watch = Pin<Box<dyn Stream<Item = (WatchedPath, Box<str>)>>>;
type Request = Pin<Box<dyn Future<Output = Answer>>>;

/// A request that is not under way yet.
#[derive(Clone, Copy)]
enum Later {
    Watch(WatchedPath),
    Read(WatchedPath),
}

/// The state of a watched path.
#[derive(Default)]
struct Node {
    /// When it is dropped, if it is not wanted any more.
    expires: Option<Instant>,
    /// Whether nothing waits for it: it was read in this session for the current domain, or it is
    /// not wanted any more.
    read: bool,
    /// Whether it is being read.
    reading: bool,
    /// Whether it changed since that read began.
    changed: bool,
    /// Ends its watch.
    watch: Option<AbortHandle>,
}

enum Answer {
    Watching(WatchedPath, io::Result<Watch>, AbortHandle),
    /// The value, and the domain that it was read for.
    Read(WatchedPath, Option<Identity>, io::Result<Value>),
    /// The daemon answers.
    Alive(io::Result<()>),
}

impl<'a> Session<'a> {
    pub(super) fn new(client: Client, shared: &'a Shared, liveness: Liveness) -> Self {
        Self {
            client,
            shared,
            liveness,
            wanted: Wanted::default(),
            revision: 0,
            nodes: HashMap::new(),
            kinds: BTreeSet::new(),
            watches: SelectAll::new(),
            requests: FuturesUnordered::new(),
            later: VecDeque::new(),
            lingering: VecDeque::new(),
            unread: 0,
            silent_ticks: 0,
            answers: 0,
            tick: Instant::now() + TICK,
            was_complete: false,
        }
    }

    /// Runs until nobody needs the connection any more, or until it fails. An error says why it
    /// failed, unless a sample has already noticed.
    pub(super) async fn run(mut self) -> io::Result<()> {
        if !self.update_wanted() {
            return Ok(());
        }
        loop {
            let shared = self.shared;
            let tick = self.tick;
            let expiry = self.lingering.front().map_or(tick, |first| first.0);
            tokio::select! {
                // An answer that has arrived counts, even if this thread is late to see it.
                biased;
                () = shared.wake.notified() => {
                    if !self.update_wanted() {
                        return Ok(());
                    }
                }
                Some((path, changed)) = self.watches.next(), if !self.watches.is_empty() => {
                    self.reset_timeout();
                    self.on_event(path, &changed);
                }
                Some(answer) = self.requests.next(), if !self.requests.is_empty() => {
                    self.reset_timeout();
                    self.on_answer(answer)?;
                    self.send_later();
                }
                () = sleep_until(expiry), if !self.lingering.is_empty() => self.drop_expired(),
                () = sleep_until(tick), if self.is_waiting() => {
                    // A read may take several answers.
                    if self.client.answers() != self.answers {
                        self.reset_timeout();
                    }
                    self.silent_ticks += 1;
                    self.tick = Instant::now() + TICK;
                    if TICK * self.silent_ticks >= ANSWER_TIMEOUT {
                        return Err(no_answer());
                    }
                }
                () = sleep_until(tick + IDLE), if self.wanted.watch && !self.is_waiting() => {
                    let client = self.client.clone();
                    self.send(Box::pin(async move {
                        Answer::Alive(client.read("/local/domain/0/name").await.map(drop))
                    }));
                }
            }
            self.announce_complete();
        }
    }

    fn reset_timeout(&mut self) {
        self.silent_ticks = 0;
        self.answers = self.client.answers();
        self.tick = Instant::now() + TICK;
    }

    /// Drops a path after [`LINGER`].
    fn unwatch_later(&mut self, path: WatchedPath) {
        if let Some(node) = self.nodes.get_mut(&path) {
            let then = Instant::now() + LINGER;
            node.expires = Some(then);
            self.lingering.push_back((then, path));
            self.mark_read(path);
        }
    }

    /// Drops the paths that have expired, with their watches.
    fn drop_expired(&mut self) {
        let now = Instant::now();
        while let Some(&(then, path)) = self.lingering.front()
            && then <= now
        {
            self.lingering.pop_front();
            // The path may be wanted again, or expire later.
            let Some(node) = self.nodes.get(&path) else {
                continue;
            };
            if node.expires != Some(then) {
                continue;
            }
            // The daemon has not answered yet, or this thread is late and may have missed events.
            let unwatched = node.watch.is_none() && path.has_watch();
            // xenstore-rs ends a watch without waiting for its turn.
            let must_wait = self.client.is_serial() && !self.requests.is_empty();
            if unwatched || must_wait || node.reading || now - then > TICK {
                self.unwatch_later(path);
                continue;
            }
            if let Some(watch) = &node.watch {
                watch.abort();
            }
            self.nodes.remove(&path);
        }
    }

    /// Returns whether an answer or an event is due.
    fn is_waiting(&self) -> bool {
        !self.requests.is_empty() || self.unread > 0
    }

    /// Adopts what is wanted now. Returns `false` if this session must end.
    fn update_wanted(&mut self) -> bool {
        let (wanted, revision) = {
            let known = self.shared.lock();
            let lost = self.was_complete && !matches!(known.connection, ConnectionState::Up(_));
            if known.ended || known.released || lost {
                return false;
            }
            if known.revision == self.revision {
                return true;
            }
            (known.wanted.clone(), known.revision)
        };
        if wanted.watch && self.revision == 0 {
            for path in [WatchedPath::Introduced, WatchedPath::Released] {
                self.start(path, true);
            }
        }
        // Folders of devices come before their content.
        let in_order = wanted.paths();
        let paths: HashSet<WatchedPath> = in_order.iter().copied().collect();
        {
            let domains: HashSet<_> = wanted.domains.iter().copied().collect();
            let mut known = self.shared.lock();
            known.facts.retain(|domain, _| domains.contains(domain));
            known
                .pools
                .retain(|&pool, _| paths.contains(&WatchedPath::Pool(pool)));
            if wanted.collect != self.wanted.collect {
                known.retain(&paths);
            }
        }
        self.revision = revision;
        let before = std::mem::replace(&mut self.wanted, wanted);
        let unwanted = |(path, node): (&WatchedPath, &Node)| {
            let unwanted = !paths.contains(path) && node.expires.is_none();
            (unwanted && !path.is_special()).then_some(*path)
        };
        for path in self.nodes.iter().filter_map(unwanted).collect::<Vec<_>>() {
            self.unwatch_later(path);
        }
        for path in in_order {
            match self.nodes.get_mut(&path) {
                None => self.start(path, self.wanted.watch && path.has_watch()),
                Some(node) => {
                    let was_unwanted = node.expires.take().is_some();
                    if was_unwanted || before.differs(path, &self.wanted) {
                        self.unread += usize::from(std::mem::take(&mut node.read));
                        self.request_or_wait(path);
                    }
                }
            }
        }
        true
    }

    /// Reads a path for the first time.
    fn start(&mut self, path: WatchedPath, watch: bool) {
        self.nodes.insert(path, Node::default());
        self.unread += 1;
        match watch {
            // The first event leads to the read.
            true => self.request_soon(Later::Watch(path)),
            false => self.request_or_wait(path),
        }
    }

    /// Requests a path's value for the current domain, or waits until it is known whether the path
    /// exists.
    fn request_or_wait(&mut self, path: WatchedPath) {
        match path {
            WatchedPath::DevicesOf(_, kind) => {
                let all = self.nodes.get(&WatchedPath::Devices(kind));
                match (all.is_some_and(|all| all.read), self.kinds.contains(&kind)) {
                    (true, true) => self.request(path),
                    (true, false) => self.mark_read(path),
                    // The answer about the folder leads to the read.
                    (false, _) => {}
                }
            }
            _ => self.request(path),
        }
    }

    /// Requests this, as soon as fewer than [`AT_ONCE`] requests are under way.
    fn request_soon(&mut self, what: Later) {
        self.later.push_back(what);
        self.send_later();
    }

    /// Sends as many requests as there may be.
    fn send_later(&mut self) {
        while self.requests.len() < AT_ONCE
            && let Some(what) = self.later.pop_front()
        {
            let request = match what {
                Later::Watch(path) => self.watch(path),
                Later::Read(path) => self.read(path),
            };
            self.send(request);
        }
    }

    fn watch(&self, path: WatchedPath) -> Request {
        let client = self.client.clone();
        let (handle, registration) = AbortHandle::new_pair();
        Box::pin(async move {
            let stream = client.watch(&path.path()).await.map(|stream| {
                let events = stream.map(move |changed| (path, changed));
                Box::pin(Abortable::new(events, registration)) as Watch
            });
            Answer::Watching(path, stream, handle)
        })
    }

    fn read(&self, path: WatchedPath) -> Request {
        let domain = self.domain_of(path);
        let client = self.client.clone();
        let query = self.wanted.query(path);
        Box::pin(async move {
            let value = query::read(&client, query).await;
            Answer::Read(path, domain, value)
        })
    }

    fn send(&mut self, request: Request) {
        if self.requests.is_empty() {
            self.reset_timeout();
        }
        self.requests.push(request);
    }

    /// Handles an event. A watch fires once when it is registered, and then at every change.
    fn on_event(&mut self, path: WatchedPath, changed: &str) {
        let node = self.nodes.get(&path);
        if node.is_some_and(|node| node.expires.is_some()) {
            return self.unwatch_later(path);
        }
        match path {
            WatchedPath::Introduced | WatchedPath::Released => self.update(|_| true),
            WatchedPath::Devices(kind) => match kind.domain_of(changed) {
                None => self.request(path),
                Some(id) => {
                    // An answer without any backend may be pending.
                    if self.kinds.insert(kind) {
                        self.request(path);
                    }
                    self.request(WatchedPath::DevicesOf(id, kind));
                }
            },
            _ => self.request(path),
        }
    }

    /// Requests a path's value, and requests it again later if a request is already pending.
    fn request(&mut self, path: WatchedPath) {
        let node = self.nodes.get_mut(&path);
        let Some(node) = node.filter(|node| node.expires.is_none()) else {
            return;
        };
        if std::mem::replace(&mut node.reading, true) {
            node.changed = true;
            return;
        }
        self.request_soon(Later::Read(path));
    }

    fn on_answer(&mut self, answer: Answer) -> io::Result<()> {
        match answer {
            Answer::Watching(path, stream, handle) => {
                self.watches.push(stream?);
                if let Some(node) = self.nodes.get_mut(&path) {
                    node.watch = Some(handle);
                    if node.expires.is_some() {
                        // Its first event has not arrived yet.
                        self.unwatch_later(path);
                    }
                }
                if path.is_special() {
                    self.mark_read(path);
                } else if self.client.is_serial() {
                    // On /dev/xen/xenbus the first event may arrive before this answer, and
                    // xenstore-rs drops events of watches that have no answer yet.
                    self.request(path);
                }
            }
            Answer::Read(path, domain, value) => {
                let value = value?;
                let now = self.domain_of(path);
                let Some(node) = self.nodes.get_mut(&path) else {
                    return Ok(());
                };
                node.reading = false;
                let changed = std::mem::take(&mut node.changed);
                if domain == now && node.expires.is_none() {
                    self.store(path, value);
                    self.mark_read(path);
                }
                if changed {
                    self.request(path);
                }
            }
            Answer::Alive(alive) => alive?,
        }
        Ok(())
    }

    /// Stores a value.
    fn store(&mut self, path: WatchedPath, value: Value) {
        let domain = self.domain_of(path);
        match (path, domain, value) {
            (_, Some(domain), Value::Keys(values)) => self.update(|known| {
                let facts = known.facts.entry(domain).or_default();
                let store = |(key, text)| replace(&mut facts.values[key as usize], text);
                values.into_iter().map(store).fold(false, |a, b| a | b)
            }),
            (WatchedPath::Pool(id), _, Value::Text(text)) => self.update(|known| {
                replace(known.pools.entry(id).or_default(), text.map(String::from))
            }),
            (WatchedPath::DevicesOf(_, kind), Some(domain), Value::Devices(devices)) => {
                self.update(|known| {
                    let facts = known.facts.entry(domain).or_default();
                    replace(&mut facts.devices[kind as usize], devices)
                });
            }
            (WatchedPath::Available(_), Some(domain), Value::Available(vcpus)) => {
                self.update(|known| {
                    known.facts.entry(domain).or_default().available = Some(vcpus);
                    false
                });
            }
            (WatchedPath::Listing, _, Value::Listing(listing)) => self.update(|known| {
                known.listing = Some(listing);
                false
            }),
            (WatchedPath::Devices(kind), _, Value::Folder(exists)) => {
                match exists {
                    true => self.kinds.insert(kind),
                    false => self.kinds.remove(&kind),
                };
                for domain in self.wanted.domains.clone() {
                    let path = WatchedPath::DevicesOf(domain.id, kind);
                    match exists {
                        true => self.request(path),
                        false => {
                            self.store(path, Value::Devices(Vec::new()));
                            self.mark_read(path);
                            if let Some(node) = self.nodes.get_mut(&path) {
                                node.changed |= node.reading;
                            }
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// Returns the domain that a path is about.
    fn domain_of(&self, path: WatchedPath) -> Option<Identity> {
        self.wanted.domain(path.domain()?)
    }

    /// Applies a change to the known values. If it returns `true`, wakes those who wait for a
    /// change. Until everything has been read once, that is done at the end.
    fn update(&self, change: impl FnOnce(&mut Known) -> bool) {
        let mut known = self.shared.lock();
        if change(&mut known) && self.was_complete {
            known.changes += 1;
            drop(known);
            self.shared.notify();
        }
    }

    /// Marks a path as read.
    fn mark_read(&mut self, path: WatchedPath) {
        if let Some(node) = self.nodes.get_mut(&path)
            && !std::mem::replace(&mut node.read, true)
        {
            self.unread -= 1;
        }
    }

    fn announce_complete(&mut self) {
        // As long as nothing is wanted, nothing is complete.
        if self.unread > 0 || self.revision == 0 {
            return;
        }
        let mut known = self.shared.lock();
        let complete = known.revision == self.revision;
        if known.complete != complete || !self.was_complete {
            known.changes += u64::from(!self.was_complete);
            known.mark_up(&self.liveness, complete);
            self.was_complete = true;
            drop(known);
            self.shared.notify();
        }
    }
}

/// Replaces a value. Returns whether it changed.
fn replace<T: PartialEq>(slot: &mut T, value: T) -> bool {
    let changed = *slot != value;
    *slot = value;
    changed
}
