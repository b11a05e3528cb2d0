//! `xenscope waits`

use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use libc::c_int;
use signal_hook::low_level::{emulate_default_handler, pipe};
use signal_hook::{SigId, flag, low_level};
use xenscope::runstate::{Runstates, Traced, VcpuId, expected, with_idle};
use xenscope::selector::{NotFound, Selector};
use xenscope::snapshot::{Collect, Note, Snapshot};
use xenscope::source::Source;
use xenscope::view::{csv, json, waits};
use xenscope::waits::Waits;
use xenscope::xen::Trace;

use super::output::{Notes, Output};
use super::signals::{ENDING, not_ignored};
use super::two_samples;
use crate::cli::{self, Format};
use crate::exit::{Cannot, Outcome, cannot, complain};

/// Returns what `xenscope waits` collects.
pub(super) fn collect() -> Collect {
    Collect {
        names: true,
        vcpus: true,
        affinities: true,
        scheduling: true,
        host: true,
        ..Collect::default()
    }
}

pub(super) fn run(
    options: &cli::Waits,
    source: &mut Source,
    allow_untested: bool,
    out: &mut Output<'_>,
) -> anyhow::Result<Outcome> {
    let mut notes = Notes::default();
    let mut outcome = Outcome::Done;
    let (mut only, mut watched) = (None, None);
    if !options.domains.is_empty() || options.timeline.is_some() {
        // Before anything is traced.
        source.set_collect(Collect {
            names: true,
            ..Collect::default()
        });
        let all = source.sample(None)?;
        notes.report(&all.notes);
        source.set_collect(collect());
        if let Some(vcpu) = &options.timeline {
            watched = find_vcpu(vcpu, &all)?;
            if watched.is_none() {
                return Ok(Outcome::NotThere);
            }
        }
        if !options.domains.is_empty() {
            let (wanted, found) = two_samples::find(&options.domains, &all, true)?;
            if wanted.is_empty() {
                return Ok(found);
            }
            (only, outcome) = (Some(wanted), found);
        }
    }
    let signals = Signals::catch()?;
    let mut trace = Trace::start(allow_untested)?;
    let before = source.sample(None)?;
    let pools = before.host.pools.as_deref().unwrap_or_default();
    let online = before.host.pcpu.iter().filter(|pcpu| pcpu.is_online());
    let online: Vec<u32> = online.map(|pcpu| pcpu.id).collect();
    let mut vcpus = with_idle(expected(&before.domains, pools), online.iter().copied());
    let mut about = before.notes.clone();
    about.extend(trace.mode().note());
    let by_cores = source.schedules_cores()?;
    if by_cores {
        vcpus.iter_mut().for_each(|one| one.may_run_on.clear());
        about.push(Note::CoresScheduled);
    }
    let untraced = trace.untraced(online);
    if !untraced.is_empty() {
        about.push(Note::PcpusNotTraced(untraced.iter().copied().collect()));
    }
    notes.report(&about);
    let mut states = Runstates::new(vcpus);
    states.blind(untraced);
    if let Some(vcpu) = watched {
        states = states.watching(vcpu);
    }
    let traced = follow(&mut trace, states, options.seconds, &signals)?;
    let after = source.sample(Some(&before))?;
    notes.report(&after.notes);
    // Whatever happens now, Xen traces as before.
    drop(trace);
    signals.obey();
    let Some(traced) = traced else {
        complain("no vCPU changed its state, so there is nothing to show; trace for longer");
        return Ok(Outcome::Failed);
    };
    judge(&traced, options.seconds);
    for identity in only.iter().flatten() {
        if after.find(*identity).is_none() {
            let id = identity.id;
            complain(format_args!("domain {id} went away within the interval"));
            outcome = Outcome::NotThere;
        }
    }
    let found = Waits::new(&traced, &before, &after, only.as_deref());
    out.print(&match options.format {
        Format::Table => waits::lines(&found, out.width()),
        Format::Json => json::waits(&found),
        Format::Csv => csv::waits(&found),
    })?;
    if watched.is_some() {
        out.print(&format!("\n{}", waits::timeline(&traced.timeline)))?;
    }
    Ok(outcome)
}

/// Returns a vCPU; `None` if there is none of this name and number, after saying so.
fn find_vcpu(
    (domain, number): &(Selector, u32),
    all: &Snapshot,
) -> Result<Option<VcpuId>, NotFound> {
    let identity = match domain.find(all) {
        Ok(identity) => identity,
        Err(ambiguous @ NotFound::Ambiguous { .. }) => return Err(ambiguous),
        Err(missing) => {
            complain(missing);
            return Ok(None);
        }
    };
    let count = all.find(identity).map_or(0, |domain| domain.vcpus_max);
    if *number >= count {
        complain(format_args!(
            "{domain} has no vCPU {number}: it has {count}"
        ));
        return Ok(None);
    }
    Ok(Some(VcpuId {
        domain: identity.id,
        number: *number,
    }))
}

/// Reads the trace for this long, or until a signal.
fn follow(
    trace: &mut Trace,
    mut states: Runstates,
    length: Duration,
    signals: &Signals,
) -> anyhow::Result<Option<Traced>> {
    states.add(trace.read()?);
    let deadline = Instant::now() + length;
    while Instant::now() < deadline && !signals.have_come() && !trace.has_ended() {
        trace
            .wait(Some(deadline), signals.as_fd())
            .map_err(cannot("wait for the trace"))?;
        states.add(trace.read()?);
    }
    // What the last reading saw may have an elder that it missed.
    states.add(trace.read()?);
    Ok(states.so_far())
}

/// Says what is wrong with a trace.
fn judge(traced: &Traced, length: Duration) {
    for (pcpu, ns) in &traced.lost_ns {
        let seconds = *ns as f64 / 1e9;
        complain(format_args!(
            "pCPU {pcpu} lost records for {seconds:.2} s, which make figures unknown"
        ));
    }
    // What a few cost is unknown time. Pairs of records can change places where pCPUs' clocks differ a little.
    if traced.contradictions > traced.records / 1000 {
        let records = match traced.contradictions {
            1 => "1 record contradicts".to_owned(),
            count => format!("{count} records contradict"),
        };
        complain(format_args!(
            "{records} the one before, as if pCPUs' clocks differ"
        ));
    }
    let interval = Duration::from_nanos(traced.interval_ns);
    if interval < length.mul_f64(0.9) {
        let seconds = interval.as_secs_f64();
        complain(format_args!(
            "the trace has records of {seconds:.2} s only: another program may have stopped it"
        ));
    }
}

/// Signals that end the program, held back while it traces.
struct Signals {
    /// Can be read from when a signal has come.
    arrived: UnixStream,
    /// The signal; 0 if none has come.
    signal: Arc<AtomicUsize>,
    handlers: Vec<SigId>,
}

impl Signals {
    fn catch() -> Result<Self, Cannot> {
        let failed = cannot("catch signals");
        Self::register().map_err(failed)
    }

    fn register() -> std::io::Result<Self> {
        let (arrived, write) = UnixStream::pair()?;
        arrived.set_nonblocking(true)?;
        let signal = Arc::new(AtomicUsize::new(0));
        let mut handlers = Vec::new();
        for number in not_ignored(ENDING.into_iter()) {
            let value = usize::try_from(number).unwrap_or_default();
            handlers.push(flag::register_usize(number, Arc::clone(&signal), value)?);
            handlers.push(pipe::register(number, write.try_clone()?)?);
        }
        Ok(Self {
            arrived,
            signal,
            handlers,
        })
    }

    fn have_come(&self) -> bool {
        self.signal.load(Ordering::Relaxed) != 0
    }

    /// Ends the program as the signal would have, if one has come. Those to come end it at once.
    fn obey(mut self) {
        for handler in self.handlers.drain(..) {
            low_level::unregister(handler);
        }
        if let Ok(signal) = c_int::try_from(self.signal.load(Ordering::Relaxed))
            && signal != 0
        {
            let _ = emulate_default_handler(signal);
        }
        // An empty pipe is no error.
        let _ = self.arrived.read(&mut [0]);
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.arrived.as_fd()
    }
}
