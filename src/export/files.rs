//! The file of `--web.config.file` and those that it names, as they were read.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::web_config::{WebConfig, WebConfigError, read};
use super::wire::{length, part};

/// Files with their contents. The first one is that of `--web.config.file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Files(Vec<(PathBuf, Vec<u8>)>);

impl Files {
    /// Reads them.
    pub(super) fn read(path: &Path) -> Result<Self, WebConfigError> {
        let mut files = Self(vec![(path.to_owned(), read(path)?)]);
        for named in files.web_config()?.files() {
            let bytes = read(&named)?;
            files.0.push((named, bytes));
        }
        Ok(files)
    }

    /// Returns what the first one says. Paths in it are relative to its folder.
    pub(super) fn web_config(&self) -> Result<WebConfig, WebConfigError> {
        match self.0.first() {
            Some((path, text)) => WebConfig::of(path, text),
            None => Ok(WebConfig::default()),
        }
    }

    /// Returns the contents of a file; nothing if it was not read.
    pub(super) fn contents(&self, path: &Path) -> &[u8] {
        let file = self.0.iter().find(|(name, _)| name == path);
        file.map_or(&[], |(_, contents)| contents)
    }

    /// Returns a message with all of them: a length, then for each its path and its contents, each after its length.
    pub(super) fn message(&self) -> Vec<u8> {
        let mut out = vec![0; 4];
        for (path, contents) in &self.0 {
            for bytes in [path.as_os_str().as_bytes(), contents] {
                out.extend(length(bytes.len()));
                out.extend(bytes);
            }
        }
        let all = length(out.len() - 4);
        out[..4].copy_from_slice(&all);
        out
    }

    /// Returns what such a message has, which is given without its length; `None` if it is malformed.
    pub(super) fn received(mut message: &[u8]) -> Option<Self> {
        let mut files = Vec::new();
        while !message.is_empty() {
            let path = OsStr::from_bytes(part(&mut message)?);
            files.push((path.into(), part(&mut message)?.to_vec()));
        }
        Some(Self(files))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn files_survive_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let text = "tls_server_config: {cert_file: a.crt, key_file: a.key}";
        for (name, text) in [
            ("web.yml", text),
            ("a.crt", "certificate"),
            ("a.key", "key"),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let files = Files::read(&folder.path().join("web.yml")).unwrap();
        assert_eq!(files.contents(&folder.path().join("a.key")), b"key");
        let message = files.message();
        assert_eq!(Files::received(&message[4..]), Some(files));
        assert_eq!(Files::received(&message[4..message.len() - 1]), None);
        fs::remove_file(folder.path().join("a.crt")).unwrap();
        assert!(Files::read(&folder.path().join("web.yml")).is_err());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_cause_no_panic(bytes: Vec<u8>) {
            let _ = Files::received(&bytes);
        }
    }
}
