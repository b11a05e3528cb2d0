//! A folder for settings. If the user is root, each component of its path is checked, because
//! another user could put a link there and make root read or write any file.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, mkdirat};
use nix::unistd::{Uid, UnlinkatFlags, fsync, unlinkat};
use thiserror::Error;

/// The remedy for root, whose folders are checked.
const REMEDY: &str = "set XDG_CONFIG_HOME to a folder that only root can write";

/// Why a folder or a file in it was not used.
#[derive(Debug, Error)]
pub(super) enum Refused {
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error("{} is a symbolic link; {REMEDY}", .0.display())]
    Link(PathBuf),
    #[error("{} is not a folder; set XDG_CONFIG_HOME to one", .0.display())]
    NotAFolder(PathBuf),
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    #[error("{} belongs to user {owner} and not to root; {REMEDY}", path.display())]
    NotRoots { path: PathBuf, owner: u32 },
    #[error("{} can be written by others than root; {REMEDY}", .0.display())]
    WritableByOthers(PathBuf),
}

/// The user whose folders and files are used.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trusted {
    /// Those of this user that no one else can write. Links are refused.
    Only(Uid),
    /// Those of every user. Links are followed.
    All,
}

impl Trusted {
    /// Returns whom this process trusts: only root if it runs as root, else everyone.
    pub(super) fn by_process() -> Self {
        match Uid::effective() {
            user if user.is_root() => Self::Only(user),
            _ => Self::All,
        }
    }

    /// Returns the flag that keeps `open` from following links.
    fn no_links(self) -> OFlag {
        match self {
            Self::Only(_) => OFlag::O_NOFOLLOW,
            Self::All => OFlag::empty(),
        }
    }

    /// Returns an error if another user could have created or changed this.
    fn check(self, path: &Path, stat: &FileStat) -> Result<(), Refused> {
        let Self::Only(user) = self else {
            return Ok(());
        };
        if stat.st_uid != user.as_raw() {
            return Err(Refused::NotRoots {
                path: path.to_owned(),
                owner: stat.st_uid,
            });
        }
        // An ACL that lets others write also sets the group's write bit.
        if stat.st_mode & 0o022 != 0 {
            return Err(Refused::WritableByOthers(path.to_owned()));
        }
        Ok(())
    }
}

/// An open folder. It stays the same folder if its path changes.
#[derive(Debug)]
pub(super) struct Folder {
    fd: OwnedFd,
    path: PathBuf,
    trusted: Trusted,
}

impl Folder {
    /// Opens the folder at `path` below `start`, one component at a time. If `make` is set, creates
    /// missing folders.
    pub(super) fn open(
        start: &Path,
        path: &Path,
        trusted: Trusted,
        make: bool,
    ) -> Result<Self, Refused> {
        let mut folder = Self {
            fd: File::open(start).map_err(io_error(start))?.into(),
            path: start.to_owned(),
            trusted,
        };
        trusted.check(start, &fstat(&folder.fd).map_err(io_error(start))?)?;
        for component in path.strip_prefix("/").unwrap_or(path).components() {
            folder.enter(component.as_os_str(), make)?;
        }
        Ok(folder)
    }

    /// Opens a folder in this one, and replaces this one with it.
    fn enter(&mut self, name: &OsStr, make: bool) -> Result<(), Refused> {
        self.path.push(name);
        // With O_NOFOLLOW, this opens the link itself. Its type is refused below.
        let flags = OFlag::O_PATH | OFlag::O_CLOEXEC | self.trusted.no_links();
        let open = || openat(&self.fd, name, flags, Mode::empty());
        let opened = match open() {
            // The umask may remove permissions.
            Err(Errno::ENOENT) if make => {
                match mkdirat(&self.fd, name, Mode::from_bits_truncate(0o755)) {
                    Ok(()) | Err(Errno::EEXIST) => open(),
                    Err(error) => Err(error),
                }
            }
            opened => opened,
        };
        let stat = opened.and_then(|fd| {
            self.fd = fd;
            fstat(&self.fd)
        });
        let stat = stat.map_err(io_error(&self.path))?;
        match kind(&stat) {
            SFlag::S_IFDIR => self.trusted.check(&self.path, &stat),
            SFlag::S_IFLNK => Err(Refused::Link(self.path.clone())),
            _ => Err(Refused::NotAFolder(self.path.clone())),
        }
    }

    /// Opens a regular file in it for reading.
    pub(super) fn file(&self, name: &OsStr) -> Result<File, Refused> {
        let path = self.path.join(name);
        // With O_NONBLOCK, opening a pipe does not wait for a writer.
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let flags = flags | self.trusted.no_links();
        let opened = openat(&self.fd, name, flags, Mode::empty());
        let stat_of = |fd: OwnedFd| Ok((fstat(&fd)?, fd));
        match opened.and_then(stat_of) {
            Ok((stat, fd)) if kind(&stat) == SFlag::S_IFREG => {
                self.trusted.check(&path, &stat)?;
                Ok(fd.into())
            }
            Ok(_) => Err(Refused::NotAFile(path)),
            Err(Errno::ELOOP) => Err(Refused::Link(path)),
            Err(error) => Err(io_error(&path)(error)),
        }
    }

    /// Creates a file, or replaces a regular file of this name. A reader sees the old text or the
    /// new text. Anything but a regular file is refused.
    pub(super) fn replace(&self, name: &OsStr, text: &str) -> Result<(), Refused> {
        let path = self.path.join(name);
        match fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW).map(|stat| kind(&stat)) {
            Ok(SFlag::S_IFREG) | Err(Errno::ENOENT) => {}
            Ok(SFlag::S_IFLNK) => return Err(Refused::Link(path)),
            Ok(_) => return Err(Refused::NotAFile(path)),
            Err(error) => return Err(io_error(&path)(error)),
        }
        let new = format!(".xenscope.{}", process::id());
        let written = self.write(&new, text);
        let renamed = written.and_then(|()| Ok(renameat(&self.fd, &*new, &self.fd, name)?));
        if renamed.is_err() {
            let _ = self.remove(&new);
        }
        renamed.map_err(io_error(&path))?;
        // Syncing the folder saves the new name from a crash. Some file systems cannot, so an error
        // is ignored.
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let _ = openat(&self.fd, ".", flags, Mode::empty()).and_then(fsync);
        Ok(())
    }

    /// Writes a new file and syncs it to the disk. The umask may remove permissions.
    fn write(&self, name: &str, text: &str) -> io::Result<()> {
        // A killed process with the same PID may have left one.
        self.remove(name)?;
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        let mode = Mode::from_bits_truncate(0o644);
        let mut file = File::from(openat(&self.fd, name, flags, mode)?);
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }

    /// Removes a file if it exists.
    fn remove(&self, name: &str) -> nix::Result<()> {
        match unlinkat(&self.fd, name, UnlinkatFlags::NoRemoveDir) {
            Err(Errno::ENOENT) => Ok(()),
            done => done,
        }
    }
}

/// Returns a file's type.
fn kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT
}

/// Returns a function that adds the path to an error.
pub(super) fn io_error<E: Into<io::Error>>(path: &Path) -> impl FnOnce(E) -> Refused {
    move |error| Refused::Io {
        path: path.to_owned(),
        error: error.into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs::{self, Permissions};
    use std::io::Read;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use nix::sys::stat::umask;
    use nix::unistd::mkfifo;

    use super::super::pty_tests;
    use super::*;

    const NOBODY: u32 = 65534;

    /// Writes `/a/b/file` below a folder, as a user that trusts only itself.
    fn replace(start: &Path) -> Result<(), Refused> {
        Folder::open(start, Path::new("/a/b"), trusted(), true)?.replace("file".as_ref(), "new")
    }

    fn read(start: &Path) -> Result<String, Refused> {
        let folder = Folder::open(start, Path::new("/a/b"), trusted(), false)?;
        let mut text = String::new();
        folder
            .file("file".as_ref())?
            .read_to_string(&mut text)
            .unwrap();
        Ok(text)
    }

    fn trusted() -> Trusted {
        Trusted::Only(Uid::effective())
    }

    /// Makes a folder with the files `/a/b/file` and `/victim/b/file`, and calls `prepare` with it.
    fn prepared(prepare: impl FnOnce(&Path)) -> tempfile::TempDir {
        let start = tempfile::tempdir().unwrap();
        fs::create_dir_all(start.path().join("a/b")).unwrap();
        fs::create_dir_all(start.path().join("victim/b")).unwrap();
        fs::write(start.path().join("a/b/file"), "old").unwrap();
        fs::write(start.path().join("victim/b/file"), "precious").unwrap();
        prepare(start.path());
        start
    }

    /// Asserts that reading and writing are refused after `prepare`, and change nothing.
    fn refused(is_expected: impl Fn(&Refused) -> bool, prepare: impl FnOnce(&Path)) {
        let start = prepared(prepare);
        for refused in [replace(start.path()), read(start.path()).map(drop)] {
            let refused = refused.unwrap_err();
            assert!(is_expected(&refused), "{refused}");
        }
        let victim = fs::read_to_string(start.path().join("victim/b/file")).unwrap();
        assert_eq!(victim, "precious");
    }

    #[test]
    fn links_are_refused() {
        let link = |refused: &Refused| matches!(refused, Refused::Link(_));
        refused(link, |start| {
            fs::rename(start.join("a"), start.join("c")).unwrap();
            symlink("victim", start.join("a")).unwrap();
        });
        refused(link, |start| {
            fs::rename(start.join("a/b"), start.join("c")).unwrap();
            symlink("../victim/b", start.join("a/b")).unwrap();
        });
        refused(link, |start| {
            fs::remove_file(start.join("a/b/file")).unwrap();
            symlink("../../victim/b/file", start.join("a/b/file")).unwrap();
        });
        refused(link, |start| {
            fs::remove_dir_all(start.join("a")).unwrap();
            symlink("nowhere", start.join("a")).unwrap();
        });
    }

    #[test]
    fn folders_writable_by_others_are_refused() {
        let writable = |refused: &Refused| matches!(refused, Refused::WritableByOthers(_));
        for mode in [0o775, 0o757, 0o1777] {
            for component in ["", "a", "a/b"] {
                refused(writable, |start| {
                    let mode = Permissions::from_mode(mode);
                    fs::set_permissions(start.join(component), mode).unwrap();
                });
            }
        }
    }

    #[test]
    fn folders_of_other_users_are_refused() {
        if !Uid::effective().is_root() {
            return;
        }
        let others = |refused: &Refused| matches!(refused, Refused::NotRoots { owner: NOBODY, .. });
        for component in ["", "a", "a/b"] {
            refused(others, |start| {
                chown(start.join(component), Some(NOBODY), None).unwrap();
            });
        }
        // Another user's file is not read, but it is replaced.
        let start = prepared(|start| chown(start.join("a/b/file"), Some(NOBODY), None).unwrap());
        assert!(others(&read(start.path()).unwrap_err()));
        replace(start.path()).unwrap();
        assert_eq!(read(start.path()).unwrap(), "new");
    }

    #[test]
    fn only_regular_files_are_used() {
        let no_file = |refused: &Refused| matches!(refused, Refused::NotAFile(_));
        let path = |start: &Path| start.join("a/b/file");
        refused(no_file, |start| {
            fs::remove_file(path(start)).unwrap();
            mkfifo(&path(start), Mode::from_bits_truncate(0o600)).unwrap();
        });
        refused(no_file, |start| {
            fs::remove_file(path(start)).unwrap();
            fs::create_dir(path(start)).unwrap();
        });
        // This happens to all users.
        let no_folder = |refused: &Refused| {
            matches!(refused, Refused::NotAFolder(_)) && !refused.to_string().contains("root")
        };
        refused(no_folder, |start| {
            fs::remove_dir_all(start.join("a")).unwrap();
            mkfifo(&start.join("a"), Mode::from_bits_truncate(0o600)).unwrap();
        });
    }

    #[test]
    fn files_are_replaced_atomically() {
        let start = prepared(|_| ());
        let path = start.path().join("a/b/file");
        let mut before = File::open(&path).unwrap();
        replace(start.path()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        let mut text = String::new();
        before.read_to_string(&mut text).unwrap();
        assert_eq!(text, "old", "an open file has the old text");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn files_are_not_writable_by_others() {
        // The umask belongs to the process, so this needs a process of its own.
        if let Some(mask) = pty_tests::task() {
            let mask = u32::from_str_radix(&mask, 8).unwrap();
            let start = tempfile::tempdir().unwrap();
            umask(Mode::from_bits_truncate(mask));
            replace(start.path()).unwrap();
            assert_eq!(read(start.path()).unwrap(), "new");
            for (name, mode) in [("a", 0o755), ("a/b", 0o755), ("a/b/file", 0o644)] {
                let stat = fs::metadata(start.path().join(name)).unwrap();
                assert_eq!(stat.permissions().mode() & 0o7777, mode & !mask, "{name}");
            }
            return;
        }
        for mask in ["000", "022", "077"] {
            let left = pty_tests::run(
                module_path!(),
                "files_are_not_writable_by_others",
                mask,
                (80, 24),
            );
            let text = left.screen().contents();
            assert!(left.status.success(), "{mask}: {text}");
        }
    }
}
