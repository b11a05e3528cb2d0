//! The connection to the sampler.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, select};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::page::Page;
use super::wire;
use crate::view::openmetrics::Exposition;

/// How long a client waits for a sample. Prometheus waits for ten seconds unless told otherwise, and has to
/// get the answer that there is none.
const PATIENCE: Duration = Duration::from_secs(8);

/// After how long the sampler hangs. A sample takes longer than usual when XenStore has to be read again.
const HANGS: Duration = Duration::from_secs(30);

/// How many requests may wait for a sample. There are fewer connections.
const QUEUE: usize = 1024;

/// How much room there is for an answer before it arrives. 1,000 domains without devices take 1.6 MB.
const ROOM: u32 = 8 << 20;

/// Why there are no more samples.
#[derive(Debug, Error)]
pub enum SamplerFailure {
    /// Its process has ended.
    #[error("the sampler has ended")]
    Ended,
    /// It took too long.
    #[error("the sampler has not answered for {} s", HANGS.as_secs())]
    Silent,
    /// It sent something else than an answer.
    #[error("the sampler sent something that is not an answer")]
    Malformed,
}

impl From<io::Error> for SamplerFailure {
    fn from(_: io::Error) -> Self {
        Self::Ended
    }
}

/// A handle with which a connection asks for samples.
#[derive(Clone)]
pub(super) struct Samples(mpsc::Sender<oneshot::Sender<Arc<Page>>>);

impl Samples {
    /// Returns a sample that is younger than the minimum interval. If there is none in time, the page says so.
    pub(super) async fn get(&self) -> Arc<Page> {
        let (reply, page) = oneshot::channel();
        let asked = self.0.send(reply).await;
        match (asked, timeout(PATIENCE, page).await) {
            (Ok(()), Ok(Ok(page))) => page,
            _ => Arc::new(Page::of(Exposition::down())),
        }
    }
}

/// Asks the sampler, for everyone who asks at the same time or soon after.
pub(super) struct Relay {
    sampler: UnixStream,
    requests: mpsc::Receiver<oneshot::Sender<Arc<Page>>>,
    min_interval: Duration,
    /// The newest sample, and when it was asked for.
    newest: Option<(Instant, Arc<Page>)>,
}

impl Relay {
    /// Makes a relay that takes at most one sample every `min_interval`, and a handle to ask it.
    pub(super) fn new(sampler: UnixStream, min_interval: Duration) -> (Self, Samples) {
        let (sender, requests) = mpsc::channel(QUEUE);
        let relay = Self {
            sampler,
            requests,
            min_interval,
            newest: None,
        };
        (relay, Samples(sender))
    }

    /// Waits for the sample that the sampler takes when it starts, however long that takes: it reads the
    /// names of all domains.
    pub(super) async fn start(&mut self) -> Result<(), SamplerFailure> {
        let page = self.receive().await?;
        self.newest = Some((Instant::now(), page));
        Ok(())
    }

    /// Answers requests until the sampler fails. Those who still wait then are told that there is no
    /// sample.
    pub(super) async fn run(mut self) -> SamplerFailure {
        let failure = loop {
            let mut waiting = match self.request().await {
                Ok(reply) => vec![reply],
                Err(failure) => break failure,
            };
            // Who asked while the last sample was taken shares the next one.
            while let Ok(reply) = self.requests.try_recv() {
                waiting.push(reply);
            }
            let page = match self.page().await {
                Ok(page) => page,
                Err(failure) => break failure,
            };
            for reply in waiting {
                // The connection may be gone.
                let _ = reply.send(Arc::clone(&page));
            }
        };
        // Whoever waits finds its own end of the channel closed.
        self.requests.close();
        while self.requests.recv().await.is_some() {}
        failure
    }

    /// Waits for a request. Meanwhile, the sampler has nothing to say.
    async fn request(&mut self) -> Result<oneshot::Sender<Arc<Page>>, SamplerFailure> {
        loop {
            let request = pin!(self.requests.recv());
            let word = pin!(self.sampler.readable());
            match select(request, word).await {
                Either::Left((Some(reply), _)) => return Ok(reply),
                // All handles are gone, so nobody will ask.
                Either::Left((None, _)) => return Err(SamplerFailure::Ended),
                Either::Right((ready, _)) => ready?,
            }
            match self.sampler.try_read(&mut [0]) {
                Ok(0) => return Err(SamplerFailure::Ended),
                Ok(_) => return Err(SamplerFailure::Malformed),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Returns the newest sample if it is young enough, else a new one.
    async fn page(&mut self) -> Result<Arc<Page>, SamplerFailure> {
        let now = Instant::now();
        if let Some((asked, page)) = &self.newest
            && now.duration_since(*asked) < self.min_interval
        {
            return Ok(Arc::clone(page));
        }
        // Its memory is free before the next one needs some.
        self.newest = None;
        self.sampler.write_all(&[wire::REQUEST]).await?;
        let page = timeout(HANGS, self.receive()).await;
        let page = page.map_err(|_| SamplerFailure::Silent)??;
        self.newest = Some((now, Arc::clone(&page)));
        Ok(page)
    }

    /// Receives an answer.
    async fn receive(&mut self) -> Result<Arc<Page>, SamplerFailure> {
        let length = self.sampler.read_u32_le().await?;
        let mut answer = Vec::with_capacity(length.min(ROOM) as usize);
        let mut rest = (&mut self.sampler).take(length.into());
        let read = rest.read_to_end(&mut answer).await?;
        if u32::try_from(read) != Ok(length) {
            return Err(SamplerFailure::Ended);
        }
        let exposition = wire::exposition(&answer).ok_or(SamplerFailure::Malformed)?;
        Ok(Arc::new(Page::of(exposition)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn who_asks_while_a_sample_is_taken_shares_the_next() {
        let (own, mut sampler) = UnixStream::pair().unwrap();
        let (relay, samples) = Relay::new(own, Duration::ZERO);
        let clients: Vec<_> = (0..10)
            .map(|_| {
                let samples = samples.clone();
                tokio::spawn(async move { samples.get().await })
            })
            .collect();
        // All of them ask before the relay runs.
        tokio::task::yield_now().await;
        let relay = tokio::spawn(relay.run());
        let mut requests = [0; 16];
        let count = sampler.read(&mut requests).await.unwrap();
        assert_eq!(requests[..count], [wire::REQUEST]);
        let answer = wire::answer(&Exposition::down());
        sampler.write_all(&answer).await.unwrap();
        let mut pages = Vec::new();
        for client in clients {
            pages.push(client.await.unwrap());
        }
        assert!(pages.iter().all(|page| Arc::ptr_eq(page, &pages[0])));
        drop(sampler);
        assert!(matches!(relay.await.unwrap(), SamplerFailure::Ended));
    }
}
