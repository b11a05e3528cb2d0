//! The settings' file: `$XDG_CONFIG_HOME/xenscope/config.toml`, else in `~/.config`.

use std::env;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::unistd::Uid;
use thiserror::Error;
use xenscope::view::tui::Settings;

/// No one writes a longer one by hand.
const LONGEST: u64 = 64 * 1024;

/// Why the file was not read, or not written.
#[derive(Debug, Error)]
pub(super) enum Refused {
    #[error("there is no place for it: neither XDG_CONFIG_HOME nor HOME is an absolute path")]
    NoPlace,
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it is not a regular file")]
    NotAFile,
    #[error("{0} belongs to another user than root, who could make root read or write anything")]
    NotRoots(&'static str),
    #[error("{0} can be written by others than root")]
    WritableByOthers(&'static str),
    #[error("it is longer than {LONGEST} bytes")]
    TooLong,
    #[error("{0}")]
    Malformed(String),
}

/// Where the file is.
pub(super) fn path() -> Option<PathBuf> {
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
pub(super) fn read(path: &Path) -> Result<Option<Settings>, Refused> {
    let opened = OpenOptions::new()
        .read(true)
        // A pipe in its place must not be waited for, nor a link be followed.
        .custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW).bits())
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    check(&file, "the file", Uid::effective().is_root())?;
    if !file.metadata()?.is_file() {
        return Err(Refused::NotAFile);
    }
    let mut text = String::new();
    let length = file.take(LONGEST + 1).read_to_string(&mut text)?;
    if length as u64 > LONGEST {
        return Err(Refused::TooLong);
    }
    Settings::from_toml(&text)
        .map(Some)
        .map_err(Refused::Malformed)
}

/// Writes the settings, whole or not at all.
pub(super) fn write(path: &Path, settings: &Settings) -> Result<(), Refused> {
    let text = settings.to_toml().map_err(Refused::Malformed)?;
    let folder = path.parent().ok_or(Refused::NoPlace)?;
    fs::create_dir_all(folder)?;
    check(
        &File::open(folder)?,
        "its folder",
        Uid::effective().is_root(),
    )?;
    let new = path.with_extension("toml.new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(&new)?;
    // Whatever the umask, no one else may write it.
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    Ok(())
}

/// As root, refuses what others could have put there.
fn check(file: &File, what: &'static str, as_root: bool) -> Result<(), Refused> {
    let metadata = file.metadata()?;
    if as_root && metadata.uid() != 0 {
        return Err(Refused::NotRoots(what));
    }
    if as_root && metadata.mode() & 0o022 != 0 {
        return Err(Refused::WritableByOthers(what));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use xenscope::view::tui::Theme;

    fn place() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("xenscope/config.toml");
        (folder, path)
    }

    #[test]
    fn what_was_written_is_read() {
        let (_folder, path) = place();
        assert!(read(&path).unwrap().is_none(), "there is no file yet");
        let settings = Settings {
            theme: Theme::ColourBlind,
            ..Settings::default()
        };
        write(&path, &Settings::default()).unwrap();
        write(&path, &settings).unwrap();
        assert_eq!(read(&path).unwrap(), Some(settings));
        let mode = fs::metadata(&path).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o644);
    }

    #[test]
    fn what_is_no_settings_file_is_refused() {
        let (_folder, path) = place();
        fs::create_dir_all(&path).unwrap();
        assert!(matches!(read(&path), Err(Refused::NotAFile)));
        fs::remove_dir(&path).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        assert!(matches!(read(&path), Err(Refused::Io(_))));
        fs::remove_file(&path).unwrap();
        fs::write(&path, " ".repeat(100_000)).unwrap();
        assert!(matches!(read(&path), Err(Refused::TooLong)));
        fs::write(&path, "sort = cpu").unwrap();
        assert!(matches!(read(&path), Err(Refused::Malformed(_))));
        fs::write(&path, [0xff]).unwrap();
        assert!(matches!(read(&path), Err(Refused::Io(_))));
    }

    #[test]
    fn root_reads_only_what_no_one_else_can_write() {
        let (_folder, path) = place();
        write(&path, &Settings::default()).unwrap();
        let file = File::open(&path).unwrap();
        let as_root = || check(&file, "the file", true);
        if Uid::effective().is_root() {
            as_root().unwrap();
            file.set_permissions(Permissions::from_mode(0o664)).unwrap();
            assert!(matches!(as_root(), Err(Refused::WritableByOthers(_))));
            assert!(matches!(read(&path), Err(Refused::WritableByOthers(_))));
            std::os::unix::fs::chown(&path, Some(65534), None).unwrap();
        }
        assert!(matches!(as_root(), Err(Refused::NotRoots(_))));
        check(&file, "the file", false).unwrap();
    }
}
