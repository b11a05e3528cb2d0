//! The settings file: `$XDG_CONFIG_HOME/xenscope/config.toml`, else
//! `~/.config/xenscope/config.toml`.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;
use xenscope::view::tui::Settings;

use super::folder::{Folder, Refused, Trusted, io_error};

/// The maximum size of the file, far more than anyone writes by hand.
const MAX_BYTES: u64 = 64 * 1024;

/// Why settings could not be read or written.
#[derive(Debug, Error)]
pub(super) enum Trouble {
    #[error("no config directory: set HOME or XDG_CONFIG_HOME")]
    NoPath,
    #[error("{0}")]
    Refused(#[from] Refused),
    #[error("{} is longer than {MAX_BYTES} bytes", .0.display())]
    TooLong(PathBuf),
    #[error("{}: {why}", path.display())]
    Malformed { path: PathBuf, why: String },
}

/// Returns the file's path; `None` if neither variable is an absolute path.
fn path() -> Option<PathBuf> {
    let absolute = |name| {
        let path = PathBuf::from(env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    // The XDG Base Directory Specification says to ignore relative paths.
    let folder = absolute("XDG_CONFIG_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
    Some(folder.join("xenscope/config.toml"))
}

/// Reads the settings from the file; returns `None` if there is no file.
pub(super) fn read() -> Result<Option<Settings>, Trouble> {
    path().map_or(Ok(None), |path| {
        read_below(Path::new("/"), &path, Trusted::by_process())
    })
}

/// Writes the settings atomically; returns the file's path.
pub(super) fn write(settings: &Settings) -> Result<PathBuf, Trouble> {
    let path = path().ok_or(Trouble::NoPath)?;
    write_below(Path::new("/"), &path, Trusted::by_process(), settings)?;
    Ok(path)
}

/// Does what [`read`] does, with paths below `start` instead of `/`.
fn read_below(start: &Path, path: &Path, trusted: Trusted) -> Result<Option<Settings>, Trouble> {
    let (folder, name) = split(path)?;
    let opened = Folder::open(start, folder, trusted, false).and_then(|open| open.file(name));
    let file = match opened {
        Ok(file) => file,
        // Without a file, there is nothing to warn of.
        Err(_) if is_missing(&start.join(path.strip_prefix("/").unwrap_or(path))) => {
            return Ok(None);
        }
        Err(refused) => return Err(refused.into()),
    };
    let mut text = String::new();
    let length = file
        .take(MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(io_error(path))?;
    if length as u64 > MAX_BYTES {
        return Err(Trouble::TooLong(path.to_owned()));
    }
    Settings::from_toml(&text)
        .map(Some)
        .map_err(malformed(path))
}

/// Does what [`write`] does, with paths below `start` instead of `/`.
fn write_below(
    start: &Path,
    path: &Path,
    trusted: Trusted,
    settings: &Settings,
) -> Result<(), Trouble> {
    let text = settings.to_toml().map_err(malformed(path))?;
    // A user's own link stays, and the file that it points to is replaced.
    let target = match trusted {
        Trusted::All => fs::canonicalize(path).ok(),
        Trusted::Only(_) => None,
    };
    let (folder, name) = split(target.as_deref().unwrap_or(path))?;
    Folder::open(start, folder, trusted, true)?.replace(name, &text)?;
    Ok(())
}

fn split(path: &Path) -> Result<(&Path, &OsStr), Trouble> {
    let parts = path.parent().zip(path.file_name());
    parts.ok_or(Trouble::NoPath)
}

fn is_missing(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

fn malformed(path: &Path) -> impl FnOnce(String) -> Trouble {
    move |why| Trouble::Malformed {
        path: path.to_owned(),
        why,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::symlink;

    use nix::unistd::Uid;
    use xenscope::view::tui::Theme;

    use super::*;

    const PATH: &str = "/xenscope/config.toml";

    /// Returns a folder of this user that no one else can write.
    fn start() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn trusted() -> Trusted {
        Trusted::Only(Uid::effective())
    }

    fn write(start: &Path, settings: &Settings) -> Result<(), Trouble> {
        write_below(start, Path::new(PATH), trusted(), settings)
    }

    fn read(start: &Path) -> Result<Option<Settings>, Trouble> {
        read_below(start, Path::new(PATH), trusted())
    }

    fn colourful() -> Settings {
        Settings {
            theme: Theme::ColourBlind,
            ..Settings::default()
        }
    }

    #[test]
    fn written_settings_are_read_back() {
        let start = start();
        let start = start.path();
        assert!(read(start).unwrap().is_none(), "there is no file yet");
        write(start, &Settings::default()).unwrap();
        write(start, &colourful()).unwrap();
        assert_eq!(read(start).unwrap(), Some(colourful()));
    }

    #[test]
    fn invalid_files_are_refused() {
        let start = start();
        let start = start.path();
        write(start, &Settings::default()).unwrap();
        let path = start.join("xenscope/config.toml");
        fs::write(&path, " ".repeat(100_000)).unwrap();
        assert!(matches!(read(start), Err(Trouble::TooLong(_))));
        fs::write(&path, "sort = cpu").unwrap();
        assert!(matches!(read(start), Err(Trouble::Malformed { .. })));
        fs::write(&path, [0xff]).unwrap();
        assert!(matches!(
            read(start),
            Err(Trouble::Refused(Refused::Io { .. }))
        ));
    }

    #[test]
    fn untrusted_folders_without_a_file_are_ignored() {
        let start = start();
        let start = start.path();
        fs::create_dir(start.join("elsewhere")).unwrap();
        symlink("elsewhere", start.join("xenscope")).unwrap();
        assert!(read(start).unwrap().is_none());
        fs::write(start.join("elsewhere/config.toml"), "").unwrap();
        assert!(matches!(
            read(start),
            Err(Trouble::Refused(Refused::Link(_)))
        ));
    }

    #[test]
    fn users_may_link_their_settings() {
        let start = start();
        let path = start.path().join("config.toml");
        fs::create_dir(start.path().join("dotfiles")).unwrap();
        fs::write(start.path().join("dotfiles/mine.toml"), "").unwrap();
        symlink("dotfiles/mine.toml", &path).unwrap();
        let root = Path::new("/");
        write_below(root, &path, Trusted::All, &colourful()).unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
        let settings = read_below(root, &path, Trusted::All).unwrap();
        assert_eq!(settings, Some(colourful()));
    }
}
