//! The power fails while xenscope records, and the machine boots again with the same disk.

use std::fs::File;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::machine::Hardware;
use crate::paths;
use crate::session::{Extra, Plan, Session};
use crate::tied;
use crate::xen::{Store, Userland, Xen};

/// The name of the test in `cargo lab test`.
pub const TEST: &str = "power::a_recording_outlives_two_boots";

/// The size of the disk in bytes.
const SIZE: u64 = 64 << 20;

/// How long a step in dom0 may take.
const STEP: Duration = Duration::from_secs(60);

/// How long it may take until a chunk of ten seconds is on the disk.
const CHUNK: Duration = Duration::from_secs(120);

/// Mounts the disk, and records to it.
const RECORD: &str = "for name in virtio_blk crc16 mbcache jbd2 crc32c_generic ext4; do
        module=/lab/modules/$name.ko; if [ -e $module ]; then insmod $module || exit 1; fi
    done
    until [ -e /dev/vda ]; do sleep 0.1; done
    mount -t ext4 /dev/vda /mnt || exit 1
    xenscope record --dir /mnt/recording </dev/null >>/mnt/errors 2>&1 & echo $! >/run/recorder";

/// Ends the recorder, and prints what it complained about since the disk was new.
const END: &str =
    "kill $(cat /run/recorder); while kill -0 $(cat /run/recorder) 2>/dev/null; do sleep 0.1; done
    cat /mnt/errors";

/// Records, kills the machine, boots it again, and records more. Fails unless all that was on the disk is read, with
/// right rates.
pub fn test(xen: Xen) -> Result<()> {
    let folder = tempfile::tempdir_in(paths::lab()).context("cannot create a folder")?;
    let disk = folder.path().join("disk.img");
    File::create(&disk)
        .and_then(|file| file.set_len(SIZE))
        .context("cannot create a disk")?;
    let mut format = tied::command("/usr/sbin/mkfs.ext4");
    tied::capture(format.arg("-q").arg(&disk), "mkfs.ext4")?;

    let mut session = start(xen, &disk)?;
    let written = grows(&mut session, 12)?;
    // The machine is killed.
    drop(session);
    let mut session = start(xen, &disk)?;
    let found = samples(&mut session)?.len();
    ensure!(found >= written, "{found} samples are left of {written}");
    let written = grows(&mut session, found + 12)?;
    let complaints = step(&mut session, END)?;
    ensure!(complaints.is_empty(), "the recorder said: {complaints}");
    let samples = samples(&mut session)?;
    ensure!(samples.len() >= written, "{} of {written}", samples.len());
    are_of_two_boots(&samples)
}

fn start(xen: Xen, disk: &Path) -> Result<Session> {
    let mut session = Session::start(Plan {
        xen,
        userland: Userland::Minimal(Store::Xenstored),
        hardware: Hardware::USUAL,
        guests: "pv:burn:nonic".parse()?,
        pools: false,
        shells: Vec::new(),
        extra: Extra::Nothing,
        exporter_port: None,
        disk: Some(disk.to_owned()),
    })?;
    step(&mut session, RECORD)?;
    Ok(session)
}

fn step(session: &mut Session, script: &str) -> Result<String> {
    let printed = session.step(&["sh", "-c", script], Instant::now() + STEP)?;
    Ok(String::from_utf8_lossy(&printed).into_owned())
}

/// Returns the samples of the recording.
fn samples(session: &mut Session) -> Result<Vec<Value>> {
    // There is no recording before the first chunk.
    let read = "xenscope top -b --from /mnt/recording --format json 2>/dev/null || true";
    let printed = step(session, read)?;
    let samples = printed.lines().map(serde_json::from_str);
    samples.collect::<Result<_, _>>().context("not JSON")
}

/// Waits until the recording has this many samples, and returns how many it has.
fn grows(session: &mut Session, count: usize) -> Result<usize> {
    let end = Instant::now() + CHUNK;
    loop {
        let found = samples(session)?.len();
        if found >= count {
            return Ok(found);
        }
        if Instant::now() > end {
            bail!("there are only {found} samples of {count}");
        }
        sleep(Duration::from_secs(1));
    }
}

/// Fails unless there are samples of two boots, and all but the first of each have right rates.
fn are_of_two_boots(samples: &[Value]) -> Result<()> {
    let mut boots = 0;
    let mut uptime = u64::MAX;
    for sample in samples {
        let up = sample["host"]["uptime_ns"].as_u64().context("no uptime")?;
        let is_first = up < uptime;
        uptime = up;
        boots += u32::from(is_first);
        let guest = &sample["domains"][1];
        ensure!(guest["name"] == "pv-burn", "{guest}");
        let rates = [
            &sample["host"]["cpu_percent"],
            &sample["domains"][0]["cpu_percent"],
            &guest["cpu_percent"],
        ];
        for rate in rates {
            let is_right = match rate.as_f64() {
                None => is_first,
                // A pause in the middle of a reading makes an interval seem half as long as it was.
                Some(percent) => !is_first && (0.0..=205.0).contains(&percent),
            };
            ensure!(is_right, "{rate} after {up} ns of a boot");
        }
    }
    ensure!(boots == 2, "{boots} boots");
    Ok(())
}
