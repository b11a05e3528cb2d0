//! The folder of a recording: who writes, what is kept, which format.

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::sleep;

use nix::sys::resource::{Resource, setrlimit};

use super::*;
use crate::recording::store::FILE;

#[test]
fn a_second_recorder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = Recorder::open(folder.path(), ALL, report).unwrap();
    let second = Recorder::open(folder.path(), ALL, report).unwrap_err();
    assert!(matches!(second, RecordingError::InUse { .. }), "{second}");
    drop(first);
    Recorder::open(folder.path(), ALL, report).unwrap();
}

/// Removes all files of a folder.
fn empty(folder: &Path) {
    for file in fs::read_dir(folder).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
}

#[test]
fn a_removed_recording_is_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = &folder.path().join("recording");
    let all = seconds(90);
    let mut recorder = Recorder::open(folder, ALL, report).unwrap();
    for (count, snapshot) in all.iter().enumerate() {
        match count {
            30 => empty(folder),
            // Only the file, and then the folder.
            50 => fs::remove_file(folder.join(FILE)).unwrap(),
            70 => fs::remove_dir_all(folder).unwrap(),
            _ => {}
        }
        if recorder.push(&Arc::new(snapshot.clone())).unwrap() {
            let second = Recorder::open(folder, ALL, report).unwrap_err();
            assert!(matches!(second, RecordingError::InUse { .. }), "{second}");
        }
    }
    recorder.flush().unwrap();
    // Chunks have 11 samples.
    assert!(read(folder).unwrap() == all[66..]);
    let reported = REPORTED.lock().unwrap().join("\n");
    assert!(
        reported.contains("recording.sqlite: it was removed"),
        "{reported}"
    );
}

#[test]
fn a_recorder_ends_when_another_one_has_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let all = seconds(40);
    let mut first = Recorder::open(folder.path(), ALL, report).unwrap();
    for snapshot in &all[..20] {
        first.push(&Arc::new(snapshot.clone())).unwrap();
    }
    empty(folder.path());
    write(folder.path(), &all[20..30]);
    let mut second = Recorder::open(folder.path(), ALL, report).unwrap();
    let error = first.flush().unwrap_err();
    assert!(matches!(error, RecordingError::InUse { .. }), "{error}");
    drop(first);
    for snapshot in &all[30..] {
        second.push(&Arc::new(snapshot.clone())).unwrap();
    }
    second.flush().unwrap();
    assert!(read(folder.path()).unwrap() == all[20..]);
}

#[test]
fn recorders_continue_a_recording() {
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("a/b");
    let snapshots = seconds(30);
    for snapshots in snapshots.chunks(7) {
        write(&new, snapshots);
    }
    assert_eq!(read(&new).unwrap(), snapshots);
    assert_eq!(read(&new.join(FILE)).unwrap(), snapshots);
    let mode = fs::metadata(&new).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "names are only for root");
}

#[test]
fn what_is_written_can_be_read_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let snapshots = seconds(40);
    let mut recorder = Recorder::open(folder.path(), ALL, report).unwrap();
    for (count, snapshot) in (1..).zip(&snapshots) {
        recorder.push(&Arc::new(snapshot.clone())).unwrap();
        let read = read(folder.path()).unwrap();
        assert_eq!(read, snapshots[..read.len()]);
        assert!(read.len() + 10 >= count, "{} of {count}", read.len());
    }
}

#[test]
fn samples_that_are_too_old_are_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let snapshots = seconds(1_500);
    let limits = Limits {
        age: Duration::from_secs(400),
        ..ALL
    };
    let mut recorder = Recorder::open(folder.path(), limits, report).unwrap();
    for snapshot in &snapshots {
        recorder.push(&Arc::new(snapshot.clone())).unwrap();
    }
    recorder.flush().unwrap();
    let read = read(folder.path()).unwrap();
    assert_eq!(read, snapshots[snapshots.len() - read.len()..]);
    // Whole chunks are deleted.
    assert!((400..=422).contains(&read.len()), "{}", read.len());
}

#[test]
fn only_the_owner_reads_a_recording() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let mut recorder = Recorder::open(folder.path(), ALL, report).unwrap();
    for snapshot in seconds(20) {
        recorder.push(&Arc::new(snapshot)).unwrap();
    }
    for suffix in ["", "-wal", "-shm"] {
        let path = folder.path().join(format!("{FILE}{suffix}"));
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{suffix}");
    }
}

/// Sets the wall clock of these snapshots ahead.
pub(super) fn set_ahead(snapshots: &mut [Snapshot], by_s: i64) {
    for snapshot in snapshots {
        snapshot.time += jiff::SignedDuration::from_secs(by_s);
    }
}

#[test]
fn a_wrong_clock_deletes_nothing() {
    const YEAR: i64 = 365 * 86_400;
    let limits = Limits {
        age: Duration::from_secs(1_000),
        ..ALL
    };
    let mut all = seconds(900);
    set_ahead(&mut all[200..300], 10 * YEAR);
    set_ahead(&mut all[400..500], -10 * YEAR);
    // As after a boot without a clock.
    set_ahead(&mut all[600..700], 10 * YEAR);
    let folder = tempfile::tempdir().unwrap();
    // It is also started twice while the clock is ahead.
    for part in [&all[..600], &all[600..620], &all[620..640], &all[640..]] {
        let mut recorder = Recorder::open(folder.path(), limits, report).unwrap();
        for snapshot in part {
            recorder.push(&Arc::new(snapshot.clone())).unwrap();
        }
        recorder.flush().unwrap();
    }
    assert_eq!(read(folder.path()).unwrap(), all);
    // What is too old is deleted an hour later, with what was recorded by wrong clocks in between.
    let mut recorder = Recorder::open(folder.path(), limits, report).unwrap();
    let later = seconds(4_800).split_off(900);
    for snapshot in &later {
        recorder.push(&Arc::new(snapshot.clone())).unwrap();
    }
    recorder.flush().unwrap();
    let left = read(folder.path()).unwrap();
    let all = [all, later].concat();
    assert_eq!(left, all[all.len() - left.len()..]);
    assert!((1_000..=1_022).contains(&left.len()), "{}", left.len());
}

#[test]
fn a_recording_does_not_grow_beyond_its_size() {
    let folder = tempfile::tempdir().unwrap();
    let limit = 4 << 20;
    let limits = Limits {
        bytes: limit,
        ..ALL
    };
    let mut recorder = Recorder::open(folder.path(), limits, report).unwrap();
    let mut last = None;
    let hosts: Vec<Snapshot> = incompressible().take(2_000).collect();
    for (second, host) in hosts.iter().enumerate() {
        recorder.push(&Arc::new(host.clone())).unwrap();
        if second % 100 == 99 {
            let files = fs::read_dir(folder.path()).unwrap();
            let bytes: u64 = files
                .map(|file| file.unwrap().metadata().unwrap().len())
                .sum();
            assert!(bytes <= limit, "{bytes}");
            last = Some(bytes);
        }
    }
    assert!(last.unwrap() > limit / 3, "{last:?}");
    recorder.flush().unwrap();
    let read = read(folder.path()).unwrap();
    assert!(
        read.len() < 2_000 && read.last() == hosts.last(),
        "{}",
        read.len()
    );
}

#[test]
fn a_log_that_a_reader_keeps_becomes_small_again() {
    let folder = tempfile::tempdir().unwrap();
    let log = || {
        let path = folder.path().join(format!("{FILE}-wal"));
        fs::metadata(path).unwrap().len()
    };
    let hosts: Vec<Snapshot> = incompressible().take(1_000).collect();
    let mut recorder = Recorder::open(folder.path(), ALL, report).unwrap();
    let reader = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    let begin = "BEGIN; SELECT count(*) FROM chunk;";
    reader.execute_batch(begin).unwrap();
    for host in &hosts[..900] {
        recorder.push(&Arc::new(host.clone())).unwrap();
    }
    assert!(log() > 2 << 20, "{}", log());
    drop(reader);
    for host in &hosts[900..] {
        recorder.push(&Arc::new(host.clone())).unwrap();
    }
    recorder.flush().unwrap();
    assert!(log() <= 1 << 20, "{}", log());
    assert!(read(folder.path()).unwrap() == hosts);
}

#[test]
fn a_smaller_limit_holds_at_the_next_write() {
    let folder = tempfile::tempdir().unwrap();
    let open = |bytes| Recorder::open(folder.path(), Limits { bytes, ..ALL }, report).unwrap();
    let hosts: Vec<Snapshot> = incompressible().take(3_000).collect();
    let (first, rest) = hosts.split_at(2_900);
    let mut recorder = open(8 << 20);
    for host in first {
        recorder.push(&Arc::new(host.clone())).unwrap();
    }
    drop(recorder);
    let bytes = || fs::metadata(folder.path().join(FILE)).unwrap().len();
    assert!(bytes() > 4 << 20, "{}", bytes());
    let mut recorder = open(4 << 20);
    for host in rest {
        recorder.push(&Arc::new(host.clone())).unwrap();
    }
    recorder.flush().unwrap();
    drop(recorder);
    assert!(bytes() <= 4 << 20, "{}", bytes());
    assert_eq!(read(folder.path()).unwrap().last(), hosts.last());
}

#[test]
fn samples_that_are_far_apart_are_written_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::open(folder.path(), ALL, report).unwrap();
    let far: Vec<Snapshot> = seconds(130).into_iter().step_by(60).collect();
    for (number, host) in far.iter().enumerate() {
        let has_written = recorder.push(&Arc::new(host.clone())).unwrap();
        assert_eq!(has_written, number > 0);
        if has_written {
            assert_eq!(read(folder.path()).unwrap(), far[..=number]);
        }
    }
}

#[test]
fn no_sample_waits_for_more_than_ten_seconds() {
    for interval in 1..=12 {
        let folder = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::open(folder.path(), ALL, report).unwrap();
        let mut waiting = Vec::new();
        for host in seconds(100).into_iter().step_by(interval) {
            let second = host.stamp.at_ns / SECOND;
            // If the power fails now, the samples that wait are lost. What the interval will be is known from the second one.
            let longest = waiting.first().map_or(0, |first| second - first);
            assert!(longest <= 10 || second < 20, "{longest} s with {interval}");
            waiting.push(second);
            if recorder.push(&Arc::new(host)).unwrap() {
                let expected = (10 / interval + 1).max(1);
                assert!(waiting.len() == expected || second < 20, "{waiting:?}");
                waiting.clear();
            }
        }
    }
}

#[test]
fn many_samples_in_ten_seconds_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut snapshots = seconds(2_500);
    for (snapshot, millisecond) in snapshots.iter_mut().zip(1..) {
        snapshot.stamp.at_ns = millisecond * SECOND / 1000;
    }
    write(folder.path(), &snapshots);
    assert_eq!(read(folder.path()).unwrap(), snapshots);
}

/// Returns a host whose snapshots do not compress to less than a half, each a second after the one before.
fn incompressible() -> impl Iterator<Item = Snapshot> {
    let mut random = 1u64;
    seconds(u64::from(u16::MAX))
        .into_iter()
        .map(move |mut host| {
            let name = (0..400).map(|_| {
                random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                format!("{:08x}", random >> 32)
            });
            host.domains[1].name = Some(name.collect::<String>().into());
            host
        })
}

/// What the process does that has no space below.
const FULL: &str = "XENSCOPE_TEST_FULL";

#[test]
fn a_full_disk_costs_what_it_has_no_room_for() {
    const TEST: &str = "recording::tests::folder::a_full_disk_costs_what_it_has_no_room_for";
    // What was written before the disk was full, while it was, and afterwards.
    const COUNTS: [usize; 3] = [100, 200, 50];
    if let Some(folder) = env::var_os(FULL) {
        // A write then fails, and ends no process.
        let noticed = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(libc::SIGXFSZ, noticed).unwrap();
        let mut recorder = Recorder::open(folder.as_ref(), ALL, report).unwrap();
        let mut host = incompressible();
        for (limit, count) in [u64::MAX, 150_000, u64::MAX].into_iter().zip(COUNTS) {
            setrlimit(Resource::RLIMIT_FSIZE, limit, u64::MAX).unwrap();
            let pushed = host
                .by_ref()
                .take(count)
                .map(|one| recorder.push(&Arc::new(one)));
            let failed = pushed.filter(Result::is_err).count();
            assert_eq!(failed > 0, limit < u64::MAX, "{failed} failed");
        }
        recorder.flush().unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", TEST])
        .env(FULL, folder.path())
        .output()
        .unwrap();
    assert!(child.status.success(), "{child:?}");
    let [before, full, after] = COUNTS;
    let all: Vec<Snapshot> = incompressible().take(before + full + after).collect();
    let read = read(folder.path()).unwrap();
    // A chunk has up to 11 samples.
    assert_eq!(read[..before - 11], all[..before - 11]);
    assert_eq!(read[read.len() - after + 11..], all[before + full + 11..]);
    assert!(read.len() < all.len() && read.iter().all(|one| all.contains(one)));
}

/// The folder of a process that has mounted a file system of its own.
const MOUNTED: &str = "XENSCOPE_TEST_MOUNTED";

/// Runs a test again in a process after a shell command that mounts something in `$XENSCOPE_TEST_MOUNTED`, the folder.
fn after_mount(test: &str, mount: &str, folder: &Path) {
    let child = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c"])
        .args([&format!("{mount} && exec \"$@\""), "sh"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", &format!("recording::tests::folder::{test}")])
        .env(MOUNTED, folder)
        .output()
        .unwrap();
    let passed = String::from_utf8_lossy(&child.stdout).contains("1 passed");
    assert!(child.status.success() && passed, "{child:?}");
}

#[test]
fn a_read_only_folder_is_read_with_its_log_of_changes() {
    const SAMPLES: u64 = 100;
    if let Some(folder) = env::var_os(MOUNTED) {
        let folder = Path::new(&folder);
        assert!(File::create(folder.join("other")).is_err());
        let all = seconds(SAMPLES);
        // Chunks of 11 samples.
        assert!(read(folder).unwrap() == all[..99]);
        assert!(read(&folder.join("ended")).unwrap() == all);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::open(folder.path(), ALL, report).unwrap();
    // It reads what there is now, so that nothing is copied out of the log.
    let reader = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    let begin = "BEGIN; SELECT count(*) FROM chunk;";
    reader.execute_batch(begin).unwrap();
    for snapshot in seconds(SAMPLES) {
        recorder.push(&Arc::new(snapshot)).unwrap();
    }
    // As a loss of power leaves it.
    let copy = tempfile::tempdir().unwrap();
    for name in [FILE.to_owned(), format!("{FILE}-wal")] {
        fs::copy(folder.path().join(&name), copy.path().join(&name)).unwrap();
    }
    write(&copy.path().join("ended"), &seconds(SAMPLES));
    let mount = format!("mount --bind \"${MOUNTED}\" \"${MOUNTED}\"");
    after_mount(
        "a_read_only_folder_is_read_with_its_log_of_changes",
        &format!("{mount} && mount -o remount,bind,ro \"${MOUNTED}\""),
        copy.path(),
    );
}

/// Records these hosts, checks after each chunk that the newest samples of all can be read without a gap, and returns how
/// many. Only a chunk that is not full yet may be missing.
fn record_checked(recorder: &mut Recorder, folder: &Path, all: &[Snapshot], from: usize) -> usize {
    let mut left = 0;
    for (count, host) in (1..).zip(all).skip(from) {
        if recorder.push(&Arc::new(host.clone())).unwrap() && count % 100 < 11 {
            let read = read(folder).unwrap();
            left = read.len();
            assert!(read == all[count - left..count], "{count}");
        }
    }
    left
}

#[test]
fn a_disk_that_is_too_small_has_the_newest_samples() {
    let Some(disk) = env::var_os(MOUNTED) else {
        let folder = tempfile::tempdir().unwrap();
        return after_mount(
            "a_disk_that_is_too_small_has_the_newest_samples",
            &format!("mount -t tmpfs -o size=4m none \"${MOUNTED}\""),
            folder.path(),
        );
    };
    let disk = Path::new(&disk);
    let folder = &disk.join("recording");
    let limits = Limits {
        bytes: 16 << 20,
        ..ALL
    };
    let hosts: Vec<Snapshot> = incompressible().take(2_800).collect();
    let other = File::options()
        .create(true)
        .append(true)
        .open(disk.join("other"))
        .unwrap();
    (&other).write_all(&[0; 1 << 20]).unwrap();
    let mut recorder = Recorder::open(folder, limits, report).unwrap();
    let full = record_checked(&mut recorder, folder, &hosts[..1_500], 0);
    assert!((700..1_300).contains(&full), "{full}");
    // Another program takes all that is left, also of what the recorder gives back when it ends.
    let fill = || while (&other).write_all(&[0; 4096]).is_ok() {};
    fill();
    let fuller = record_checked(&mut recorder, folder, &hosts[..2_000], 1_500);
    assert!(fuller > full - 100, "{fuller} after {full}");
    recorder.flush().unwrap();
    drop(recorder);
    fill();
    let end = other.metadata().unwrap().len();
    other.set_len(end - (200 << 10)).unwrap();
    let mut recorder = Recorder::open(folder, limits, report).unwrap();
    fill();
    record_checked(&mut recorder, folder, &hosts[..2_300], 2_000);
    recorder.flush().unwrap();
    drop(recorder);
    // There is room again.
    other.set_len(0).unwrap();
    let mut recorder = Recorder::open(folder, limits, report).unwrap();
    let more = record_checked(&mut recorder, folder, &hosts, 2_300);
    assert!(more > fuller + 200, "{more} after {fuller}");
    let reported = REPORTED.lock().unwrap();
    let full = reported.iter().filter(|text| text.contains("is full"));
    assert_eq!(full.count(), 2, "{reported:?}");
}

#[test]
fn a_newer_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &seconds(3));
    let file = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    file.pragma_update(None, "user_version", 2).unwrap();
    file.execute("UPDATE chunk SET format = 2", []).unwrap();
    for refused in [
        Recorder::open(folder.path(), ALL, report).map(|_| ()),
        read(folder.path()).map(|_| ()),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(
            error.contains("a newer xenscope wrote it (format 2"),
            "{error}"
        );
    }
}

#[test]
fn other_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let missing = read(folder.path()).unwrap_err().to_string();
    assert!(missing.contains("nothing is recorded here"), "{missing}");
    let path = folder.path().join(FILE);
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE other (x)")
        .unwrap();
    for refused in [
        Recorder::open(folder.path(), ALL, report).map(|_| ()),
        read(&path).map(|_| ()),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("not a recording"), "{error}");
    }
    fs::write(&path, "hello").unwrap();
    assert!(read(&path).is_err());
    let pipe = folder.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let refused = read(&pipe).unwrap_err().to_string();
    assert!(refused.contains("not a recording"), "{refused}");
}

#[test]
fn a_file_of_any_name_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let snapshots = seconds(12);
    write(folder.path(), &snapshots);
    let copy = folder.path().join("a copy?#%41");
    fs::copy(folder.path().join(FILE), &copy).unwrap();
    assert_eq!(read(&copy).unwrap(), snapshots);
}

/// The file that has a byte for each sample that the recorder took.
const PUSHED: &str = "pushed";

/// What the process does that is killed below.
const FOLDER: &str = "XENSCOPE_TEST_RECORD_TO";

#[test]
fn a_killed_recorder_loses_ten_seconds() {
    if let Some(folder) = env::var_os(FOLDER) {
        let mut recorder = Recorder::open(folder.as_ref(), ALL, report).unwrap();
        let pushed = Path::new(&folder).join(PUSHED);
        let mut pushed = File::options()
            .create(true)
            .append(true)
            .open(pushed)
            .unwrap();
        for snapshot in seconds(20_000) {
            recorder.push(&Arc::new(snapshot.clone())).unwrap();
            pushed.write_all(b".").unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let mut before = 0;
    for _ in 0..3 {
        let mut child = Command::new(env::current_exe().unwrap())
            .args([
                "--exact",
                "recording::tests::folder::a_killed_recorder_loses_ten_seconds",
            ])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let written = || read(folder.path()).map_or(0, |read| read.len());
        while written() < before + 50 {
            assert!(child.try_wait().unwrap().is_none());
            sleep(Duration::from_millis(10));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let read = read(folder.path()).unwrap();
        // Each began at the first second.
        let all = seconds((read.len() - before) as u64);
        assert_eq!(read[before..], all);
        let pushed = folder.path().join(PUSHED);
        let count = fs::metadata(&pushed).unwrap().len() as usize;
        // It may be killed before it notes the last one.
        let lost = count.saturating_sub(all.len());
        assert!(lost <= 10, "{lost}");
        fs::remove_file(pushed).unwrap();
        before = read.len();
    }
}
