//! Basic authentication (RFC 7617).

use std::collections::{BTreeMap, HashSet};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use std::{io, str};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::digest::{SHA256, digest};
use tokio::sync::oneshot;

/// How many passwords may wait to be checked.
const QUEUE: usize = 16;

/// How long the next password has to wait after a wrong one. bcrypt is slow by design, and dom0's CPU time
/// belongs to the guests.
const PAUSE: Duration = Duration::from_millis(250);

/// What is checked for a user that does not exist, so that the answer takes as long.
const OF_NOBODY: &str = "$2b$10$mkOiHzkVQ8UEHl4/CkRDveJvKZWwhzSSpgf7qxxkSP3dgJH1bgt4C";

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Right,
    Wrong,
    /// Too many others wait.
    Busy,
}

/// Checks users and passwords, each correct pair once by its hash.
pub(super) struct Passwords {
    checks: SyncSender<Check>,
    users: Mutex<Users>,
}

/// Who may read.
#[derive(Default)]
struct Users {
    /// The hash of each user's password; `None` if everyone may read.
    hashes: Option<BTreeMap<String, String>>,
    /// The digests of users and passwords that were right.
    known: HashSet<Vec<u8>>,
}

struct Check {
    password: Vec<u8>,
    hash: String,
    reply: oneshot::Sender<bool>,
}

impl Passwords {
    /// Starts the thread that checks passwords. Everyone may read.
    pub(super) fn start() -> io::Result<Self> {
        let (checks, queue) = sync_channel(QUEUE);
        thread::Builder::new()
            .name("passwords".into())
            .spawn(move || check_all(&queue))?;
        Ok(Self {
            checks,
            users: Mutex::default(),
        })
    }

    /// Replaces all users by these, with the bcrypt hashes of their passwords; `None` if everyone may read.
    pub(super) fn replace(&self, hashes: Option<BTreeMap<String, String>>) {
        *self.users() = Users {
            hashes,
            known: HashSet::new(),
        };
    }

    /// Returns whether a user and a password are needed to read.
    pub(super) fn are_needed(&self) -> bool {
        self.users().hashes.is_some()
    }

    fn users(&self) -> MutexGuard<'_, Users> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks the value of an `Authorization` header.
    pub(super) async fn check(&self, authorization: Option<&str>) -> Verdict {
        if !self.are_needed() {
            return Verdict::Right;
        }
        let Some(pair) = authorization.and_then(decoded) else {
            return Verdict::Wrong;
        };
        let digest = digest(&SHA256, &pair).as_ref().to_vec();
        if self.users().known.contains(&digest) {
            return Verdict::Right;
        }
        let mut parts = pair.splitn(2, |&byte| byte == b':');
        let user = parts.next().and_then(|user| str::from_utf8(user).ok());
        let (Some(user), Some(password)) = (user, parts.next()) else {
            return Verdict::Wrong;
        };
        let hash = |users: &Users| users.hashes.as_ref()?.get(user).cloned();
        let own = hash(&self.users());
        let (reply, verdict) = oneshot::channel();
        let check = Check {
            password: password.to_owned(),
            hash: own.clone().unwrap_or_else(|| OF_NOBODY.to_owned()),
            reply,
        };
        if self.checks.try_send(check).is_err() {
            return Verdict::Busy;
        }
        let same = verdict.await.unwrap_or(false);
        let mut users = self.users();
        // The user may have gone meanwhile.
        if same && own.is_some() && hash(&users) == own {
            users.known.insert(digest);
            return Verdict::Right;
        }
        Verdict::Wrong
    }
}

/// Returns the user and the password, with a colon between them.
fn decoded(authorization: &str) -> Option<Vec<u8>> {
    let (scheme, pair) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    BASE64_STANDARD.decode(pair.trim()).ok()
}

fn check_all(queue: &Receiver<Check>) {
    for Check {
        password,
        hash,
        reply,
    } in queue
    {
        if reply.is_closed() {
            // The connection is gone.
            continue;
        }
        let same = bcrypt::verify(password, &hash).unwrap_or(false);
        let _ = reply.send(same);
        if !same {
            thread::sleep(PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn header(pair: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(pair))
    }

    #[tokio::test]
    async fn only_the_right_password_is_right() {
        let hash = bcrypt::hash("sec:ret", 4).unwrap();
        let passwords = Passwords::start().unwrap();
        assert_eq!(passwords.check(None).await, Verdict::Right);
        passwords.replace(Some([("alice".to_owned(), hash)].into()));
        for (pair, expected) in [
            ("alice:sec:ret", Verdict::Right),
            // The second time, its digest is known.
            ("alice:sec:ret", Verdict::Right),
            ("alice:secret", Verdict::Wrong),
            ("alice:", Verdict::Wrong),
            ("alice", Verdict::Wrong),
            ("bob:sec:ret", Verdict::Wrong),
            (":", Verdict::Wrong),
        ] {
            let verdict = passwords.check(Some(&header(pair))).await;
            assert_eq!(verdict, expected, "{pair}");
        }
        assert_eq!(passwords.check(None).await, Verdict::Wrong);
        for wrong in ["", "Basic", "Basic ?", "Bearer abc", "Basic /w=="] {
            assert_eq!(
                passwords.check(Some(wrong)).await,
                Verdict::Wrong,
                "{wrong}"
            );
        }
        let right = header("alice:sec:ret");
        assert_eq!(passwords.check(Some(&right)).await, Verdict::Right);
        passwords.replace(Some(BTreeMap::new()));
        assert_eq!(passwords.check(Some(&right)).await, Verdict::Wrong);
    }

    #[test]
    fn the_hash_of_nobody_is_one() {
        assert!(!bcrypt::verify("", OF_NOBODY).unwrap());
    }
}
