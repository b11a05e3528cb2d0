//! One connection, its watches, and what is read when they fire.
//!
//! The loop never waits for a single thing, so that no watch is left full while an answer is waited
//! for: xenstore-rs would stand still then.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::io;
use std::pin::Pin;
use std::time::Duration;

use futures::future::{AbortHandle, Abortable};
use futures::stream::{FuturesUnordered, SelectAll, Stream, StreamExt};
use tokio::time::{Instant, sleep_until};
use xenstore_rs::AsyncWatch;
use xenstore_rs::tokio::XsTokio;

use super::cache::{ConnectionState, Known, Shared};
use super::connection::Liveness;
use super::daemon::{ANSWER_TIMEOUT, no_answer};
use super::query::{self, Value};
use super::watched_path::{Kind, Wanted, WatchedPath};
use crate::snapshot::Identity;

/// How long a place that is not wanted any more is kept, and from the last event there: xenstore-rs
/// forgets a watch, and never takes it back from the daemon, when an event comes for it between its
/// end and that. The id of a domain that went may be another's soon, too.
const LINGER: Duration = Duration::from_secs(2);

/// How often it is looked whether an answer is overdue. Time in which this thread does not get to
/// run counts as one of these, for the answer may be there by then.
const TICK: Duration = Duration::from_millis(500);

/// One connection and what it watches.
pub(super) struct Session<'a> {
    xs: XsTokio,
    shared: &'a Shared,
    liveness: Liveness,
    wanted: Wanted,
    edition: u64,
    nodes: HashMap<WatchedPath, Node>,
    /// The kinds of backends that there are.
    kinds: BTreeSet<Kind>,
    watches: SelectAll<Watch>,
    questions: FuturesUnordered<Question>,
    /// Places that are not wanted any more, by when they may go; only an entry that its node has, too,
    /// still holds.
    leaving: VecDeque<(Instant, WatchedPath)>,
    /// How many nodes have not been read yet.
    unread: usize,
    /// How many ticks have passed since the last answer came, or since the first question of now
    /// was asked.
    silent: u32,
    /// When the next one has passed.
    tick: Instant,
    /// Whether everything that was wanted had been read at any time.
    pub(super) was_complete: bool,
}

type Watch = Pin<Box<dyn Stream<Item = (WatchedPath, Box<str>)>>>;
type Question = Pin<Box<dyn Future<Output = Answer>>>;

/// A place that is kept right.
#[derive(Default)]
struct Node {
    /// When it goes, for it is not wanted any more.
    leaves: Option<Instant>,
    /// Whether no one has to wait for it: it was read in this session, for the domain that is there
    /// now, or it is not wanted any more.
    read: bool,
    /// Whether it is being read.
    reading: bool,
    /// Whether it changed since that began.
    again: bool,
    /// Ends its watch.
    watch: Option<AbortHandle>,
}

enum Answer {
    Watching(WatchedPath, io::Result<Watch>, AbortHandle),
    /// What is there, and for which domain that was asked.
    Read(WatchedPath, Option<Identity>, io::Result<Value>),
}

impl<'a> Session<'a> {
    pub(super) fn new(xs: XsTokio, shared: &'a Shared, liveness: Liveness) -> Self {
        Self {
            xs,
            shared,
            liveness,
            wanted: Wanted::default(),
            edition: 0,
            nodes: HashMap::new(),
            kinds: BTreeSet::new(),
            watches: SelectAll::new(),
            questions: FuturesUnordered::new(),
            leaving: VecDeque::new(),
            unread: 0,
            silent: 0,
            tick: Instant::now() + TICK,
            was_complete: false,
        }
    }

    /// Runs until no one takes samples any more, or until the connection is of no use; an error
    /// says why, unless a sample knows it already.
    pub(super) async fn run(&mut self) -> io::Result<()> {
        for place in [WatchedPath::Introduced, WatchedPath::Released] {
            self.keep_right(place);
        }
        if !self.heed() {
            return Ok(());
        }
        loop {
            let shared = self.shared;
            let tick = self.tick;
            let leaves = self.leaving.front().map_or(tick, |first| first.0);
            tokio::select! {
                // What was answered counts, however late this thread gets to see it.
                biased;
                () = shared.wake.notified() => {
                    if !self.heed() {
                        return Ok(());
                    }
                }
                Some((place, path)) = self.watches.next(), if !self.watches.is_empty() => {
                    self.break_silence();
                    self.hear(place, &path);
                }
                Some(answer) = self.questions.next(), if !self.questions.is_empty() => {
                    self.break_silence();
                    self.take(answer)?;
                }
                () = sleep_until(leaves), if !self.leaving.is_empty() => self.leave(),
                () = sleep_until(tick), if self.is_waiting() => {
                    self.silent += 1;
                    self.tick = Instant::now() + TICK;
                    if TICK * self.silent >= ANSWER_TIMEOUT {
                        return Err(no_answer());
                    }
                }
            }
            self.say_when_settled();
        }
    }

    fn break_silence(&mut self) {
        self.silent = 0;
        self.tick = Instant::now() + TICK;
    }

    /// Lets a place go after a while.
    fn let_go(&mut self, place: WatchedPath) {
        if let Some(node) = self.nodes.get_mut(&place) {
            let then = Instant::now() + LINGER;
            node.leaves = Some(then);
            self.leaving.push_back((then, place));
            self.done(place);
        }
    }

    /// Drops the places whose time has come, with their watches.
    fn leave(&mut self) {
        let now = Instant::now();
        while let Some(&(then, place)) = self.leaving.front()
            && then <= now
        {
            self.leaving.pop_front();
            // It may be wanted again, or it was put off.
            let Some(node) = self.nodes.get(&place) else {
                continue;
            };
            if node.leaves != Some(then) {
                continue;
            }
            // The daemon has not answered yet, or this thread is late and has not heard all it said.
            let unwatched = node.watch.is_none() && !matches!(place, WatchedPath::Served(..));
            if unwatched || node.reading || now - then > TICK {
                self.let_go(place);
                continue;
            }
            if let Some(watch) = &node.watch {
                watch.abort();
            }
            self.nodes.remove(&place);
        }
    }

    /// Whether something was asked for that has not come.
    fn is_waiting(&self) -> bool {
        !self.questions.is_empty() || self.unread > 0
    }

    /// Takes up what is wanted now; `false` when this session is to end.
    fn heed(&mut self) -> bool {
        let (wanted, edition) = {
            let known = self.shared.lock();
            let lost = self.was_complete && !matches!(known.connection, ConnectionState::Up(_));
            if known.stopped || lost {
                return false;
            }
            (known.wanted.clone(), known.revision)
        };
        if edition == self.edition {
            return true;
        }
        // Folders of backends come before what is in them.
        let in_order = wanted.paths();
        let places: HashSet<WatchedPath> = in_order.iter().copied().collect();
        {
            let domains: HashSet<_> = wanted.domains.iter().copied().collect();
            let mut known = self.shared.lock();
            known.facts.retain(|domain, _| domains.contains(domain));
            known
                .pools
                .retain(|&pool, _| places.contains(&WatchedPath::Pool(pool)));
            if wanted.collect != self.wanted.collect {
                known.retain(&places);
            }
        }
        self.edition = edition;
        let before = std::mem::replace(&mut self.wanted, wanted);
        let unwanted = |(place, node): (&WatchedPath, &Node)| {
            let goes = !places.contains(place) && node.leaves.is_none();
            (goes && !place.is_special()).then_some(*place)
        };
        for place in self.nodes.iter().filter_map(unwanted).collect::<Vec<_>>() {
            self.let_go(place);
        }
        for place in in_order {
            let of = |wanted: &Wanted| place.domain().and_then(|id| wanted.domain(id));
            match self.nodes.get_mut(&place) {
                None => self.keep_right(place),
                Some(node) => {
                    let left = node.leaves.take().is_some();
                    if left || of(&before) != of(&self.wanted) {
                        self.unread += usize::from(std::mem::take(&mut node.read));
                        self.read_anew(place);
                    }
                }
            }
        }
        true
    }

    /// Begins to keep a place right.
    fn keep_right(&mut self, place: WatchedPath) {
        self.nodes.insert(place, Node::default());
        self.unread += 1;
        match place {
            WatchedPath::Served(..) => self.read_anew(place),
            // It is read when the first event comes.
            _ => self.watch(place),
        }
    }

    /// Reads a place for the domain that is there now.
    fn read_anew(&mut self, place: WatchedPath) {
        match place {
            WatchedPath::Served(_, kind) => {
                let all = self.nodes.get(&WatchedPath::Backends(kind));
                match (all.is_some_and(|all| all.read), self.kinds.contains(&kind)) {
                    (true, true) => self.read(place),
                    (true, false) => self.done(place),
                    // It is read when it is known whether there are any.
                    (false, _) => {}
                }
            }
            _ => self.read(place),
        }
    }

    fn watch(&mut self, place: WatchedPath) {
        let xs = self.xs.clone();
        let (handle, registration) = AbortHandle::new_pair();
        self.ask(Box::pin(async move {
            let stream = xs.watch(&place.path()).await.map(|stream| {
                let events = stream.map(move |path| (place, path));
                Box::pin(Abortable::new(events, registration)) as Watch
            });
            Answer::Watching(place, stream, handle)
        }));
    }

    fn ask(&mut self, question: Question) {
        if self.questions.is_empty() {
            self.break_silence();
        }
        self.questions.push(question);
    }

    /// A watch fired: once when it is registered, then at every change.
    fn hear(&mut self, place: WatchedPath, path: &str) {
        let node = self.nodes.get(&place);
        if node.is_some_and(|node| node.leaves.is_some()) {
            return self.let_go(place);
        }
        match place {
            WatchedPath::Introduced | WatchedPath::Released => self.news(|_| true),
            WatchedPath::Backends(kind) => match kind.domain_of(path) {
                None => self.read(place),
                Some(id) => {
                    // An answer that there are none may be on its way.
                    if self.kinds.insert(kind) {
                        self.read(place);
                    }
                    self.read(WatchedPath::Served(id, kind));
                }
            },
            WatchedPath::Key(..) | WatchedPath::Pool(_) | WatchedPath::Served(..) => {
                self.read(place)
            }
        }
    }

    /// Asks for what is at a place, and once more when that is on its way already.
    fn read(&mut self, place: WatchedPath) {
        let node = self.nodes.get_mut(&place);
        let Some(node) = node.filter(|node| node.leaves.is_none()) else {
            return;
        };
        if std::mem::replace(&mut node.reading, true) {
            node.again = true;
            return;
        }
        let domain = self.domain_at(place);
        let xs = self.xs.clone();
        self.ask(Box::pin(async move {
            let value = query::read(&xs, place).await;
            Answer::Read(place, domain, value)
        }));
    }

    fn take(&mut self, answer: Answer) -> io::Result<()> {
        match answer {
            Answer::Watching(place, stream, handle) => {
                self.watches.push(stream?);
                if let Some(node) = self.nodes.get_mut(&place) {
                    node.watch = Some(handle);
                    if node.leaves.is_some() {
                        // Its first event is to come.
                        self.let_go(place);
                    }
                }
                if place.is_special() {
                    self.done(place);
                }
            }
            Answer::Read(place, domain, value) => {
                let value = value?;
                let now = self.domain_at(place);
                let Some(node) = self.nodes.get_mut(&place) else {
                    return Ok(());
                };
                node.reading = false;
                let again = std::mem::take(&mut node.again);
                if domain == now && node.leaves.is_none() {
                    self.keep(place, value);
                    self.done(place);
                }
                if again {
                    self.read(place);
                }
            }
        }
        Ok(())
    }

    /// Puts a value where samples find it.
    fn keep(&mut self, place: WatchedPath, value: Value) {
        let domain = self.domain_at(place);
        match (place, domain, value) {
            (WatchedPath::Key(..), Some(domain), Value::Keys(values)) => self.news(|known| {
                let facts = known.facts.entry(domain).or_default();
                let place = |(key, text)| replace(&mut facts.values[key as usize], text);
                values.into_iter().map(place).fold(false, |a, b| a | b)
            }),
            (WatchedPath::Pool(id), _, Value::Text(text)) => {
                self.news(|known| replace(known.pools.entry(id).or_default(), text));
            }
            (WatchedPath::Served(_, kind), Some(domain), Value::Backends(backends)) => {
                self.news(|known| {
                    let facts = known.facts.entry(domain).or_default();
                    replace(&mut facts.backends[kind as usize], backends)
                });
            }
            (WatchedPath::Backends(kind), _, Value::Folder(there)) => {
                match there {
                    true => self.kinds.insert(kind),
                    false => self.kinds.remove(&kind),
                };
                for domain in self.wanted.domains.clone() {
                    let place = WatchedPath::Served(domain.id, kind);
                    match there {
                        true => self.read(place),
                        false => {
                            self.keep(place, Value::Backends(Vec::new()));
                            self.done(place);
                            if let Some(node) = self.nodes.get_mut(&place) {
                                node.again |= node.reading;
                            }
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// The domain that a place is about.
    fn domain_at(&self, place: WatchedPath) -> Option<Identity> {
        self.wanted.domain(place.domain()?)
    }

    /// Changes what is known, and tells who waits when it is news.
    fn news(&self, change: impl FnOnce(&mut Known) -> bool) {
        let mut known = self.shared.lock();
        if change(&mut known) {
            known.changes += 1;
            drop(known);
            self.shared.notify();
        }
    }

    /// Takes it down that a place was read.
    fn done(&mut self, place: WatchedPath) {
        if let Some(node) = self.nodes.get_mut(&place)
            && !std::mem::replace(&mut node.read, true)
        {
            self.unread -= 1;
        }
    }

    fn say_when_settled(&mut self) {
        // Before anything is wanted there is nothing to have read.
        if self.unread > 0 || self.edition == 0 {
            return;
        }
        let mut known = self.shared.lock();
        let settled = known.revision == self.edition;
        if known.complete != settled || !self.was_complete {
            known.mark_up(&self.liveness, settled);
            self.was_complete = true;
            drop(known);
            self.shared.notify();
        }
    }
}

/// Puts a value in its place; `true` when it is another one.
fn replace<T: PartialEq>(place: &mut T, value: T) -> bool {
    let other = *place != value;
    *place = value;
    other
}
