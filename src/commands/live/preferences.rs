//! The settings' file: `$XDG_CONFIG_HOME/xenscope/config.toml`, else in `~/.config`.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;
use xenscope::view::tui::Settings;

use super::folder::{Folder, Refused, Trusted, io_error};

/// No one writes a longer one by hand.
const LONGEST: u64 = 64 * 1024;

/// Why settings were not read, or not written.
#[derive(Debug, Error)]
pub(super) enum Trouble {
    #[error("no config directory: set HOME or XDG_CONFIG_HOME")]
    NoPath,
    #[error("{0}")]
    Refused(#[from] Refused),
    #[error("{} is longer than {LONGEST} bytes", .0.display())]
    TooLong(PathBuf),
    #[error("{}: {why}", path.display())]
    Malformed { path: PathBuf, why: String },
}

/// Where the file is; `None` if neither variable is an absolute path.
fn path() -> Option<PathBuf> {
    let absolute = |name| {
        let path = PathBuf::from(env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    // A relative path in XDG_CONFIG_HOME is to be ignored, as the specification has it.
    let folder = absolute("XDG_CONFIG_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
    Some(folder.join("xenscope/config.toml"))
}

/// The settings in the file; `None` when there is no file.
pub(super) fn read() -> Result<Option<Settings>, Trouble> {
    path().map_or(Ok(None), |path| {
        read_below(Path::new("/"), &path, Trusted::by_process())
    })
}

/// Writes the settings, whole or not at all; returns where.
pub(super) fn write(settings: &Settings) -> Result<PathBuf, Trouble> {
    let path = path().ok_or(Trouble::NoPath)?;
    write_below(Path::new("/"), &path, Trusted::by_process(), settings)?;
    Ok(path)
}

/// [`read`], with the path's folders below another one than `/`.
fn read_below(start: &Path, path: &Path, trusted: Trusted) -> Result<Option<Settings>, Trouble> {
    let (folder, name) = split(path)?;
    let opened = Folder::open(start, folder, trusted, false).and_then(|open| open.file(name));
    let file = match opened {
        Ok(file) => file,
        // Where there is no file, there is nothing to warn of.
        Err(_) if is_missing(&start.join(path.strip_prefix("/").unwrap_or(path))) => {
            return Ok(None);
        }
        Err(refused) => return Err(refused.into()),
    };
    let mut text = String::new();
    let length = file
        .take(LONGEST + 1)
        .read_to_string(&mut text)
        .map_err(io_error(path))?;
    if length as u64 > LONGEST {
        return Err(Trouble::TooLong(path.to_owned()));
    }
    Settings::from_toml(&text)
        .map(Some)
        .map_err(malformed(path))
}

/// [`write`], with the path's folders below another one than `/`.
fn write_below(
    start: &Path,
    path: &Path,
    trusted: Trusted,
    settings: &Settings,
) -> Result<(), Trouble> {
    let text = settings.to_toml().map_err(malformed(path))?;
    // What a link of one's own leads to is replaced, and not the link.
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

    /// A folder of this user's that no one else can write.
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
    fn what_was_written_is_read() {
        let start = start();
        let start = start.path();
        assert!(read(start).unwrap().is_none(), "there is no file yet");
        write(start, &Settings::default()).unwrap();
        write(start, &colourful()).unwrap();
        assert_eq!(read(start).unwrap(), Some(colourful()));
    }

    #[test]
    fn what_is_no_settings_file_is_refused() {
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
    fn untrusted_folders_without_a_file_are_no_reason_to_warn() {
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
    fn users_may_link_their_own_settings() {
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
