//! The dependencies of ELF files: a program's libraries, a kernel module's modules.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use goblin::elf::Elf;

/// Returns whether a file is an ELF file.
pub fn is_elf(path: &Path) -> bool {
    use std::io::Read;
    let mut magic = [0; 4];
    fs::File::open(path).is_ok_and(|mut file| file.read_exact(&mut magic).is_ok())
        && magic == *b"\x7fELF"
}

/// Returns the shared libraries that these programs need, directly or through another library: name
/// and file.
///
/// Searches only `folders`, in order, so a library that is only on the host is not found.
pub fn libraries(
    programs: impl IntoIterator<Item = PathBuf>,
    folders: &[PathBuf],
) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    let mut queue: Vec<PathBuf> = programs.into_iter().collect();
    while let Some(path) = queue.pop() {
        for name in needed(&path)? {
            if found.contains_key(&name) {
                continue;
            }
            let library = folders
                .iter()
                .map(|folder| folder.join(&name))
                .find(|candidate| candidate.exists())
                .with_context(|| {
                    format!(
                        "{} needs {name}, which dom0's suite does not have",
                        path.display()
                    )
                })?;
            queue.push(library.clone());
            found.insert(name, library);
        }
    }
    Ok(found)
}

fn needed(path: &Path) -> Result<Vec<String>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let elf =
        Elf::parse(&bytes).with_context(|| format!("{} is not an ELF file", path.display()))?;
    Ok(elf.libraries.iter().map(|&name| name.to_owned()).collect())
}

/// Returns the newest version of glibc that a program needs, as major and minor number.
///
/// # Errors
/// If a version of glibc is not a number, such as `GLIBC_ABI_DT_RELR`, which only newer ones have.
pub fn glibc(path: &Path) -> Result<(u32, u32)> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let elf =
        Elf::parse(&bytes).with_context(|| format!("{} is not an ELF file", path.display()))?;
    let needed = elf.verneed.iter().flat_map(|section| section.iter());
    let names = needed.flat_map(|library| {
        let names = library
            .iter()
            .map(|need| elf.dynstrtab.get_at(need.vna_name));
        names.collect::<Vec<_>>()
    });
    newest_glibc(names.flatten())
}

/// Returns the newest of the versions `GLIBC_2.2.5` and the like.
fn newest_glibc<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<(u32, u32)> {
    let mut newest = None;
    for version in names
        .into_iter()
        .filter_map(|name| name.strip_prefix("GLIBC_"))
    {
        let mut numbers = version.split('.').map(str::parse);
        let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
            bail!("GLIBC_{version} is not a version number");
        };
        newest = newest.max(Some((major, minor)));
    }
    newest.context("no version of glibc is needed")
}

/// Returns the modules that a kernel module depends on, from the bytes of its file.
pub fn module_depends(module: &[u8]) -> Result<BTreeSet<String>> {
    let elf = Elf::parse(module).context("not an ELF file")?;
    let section = elf
        .section_headers
        .iter()
        .find(|header| elf.shdr_strtab.get_at(header.sh_name) == Some(".modinfo"))
        .and_then(|header| module.get(header.file_range()?))
        .context("no .modinfo section")?;
    Ok(depends(section))
}

/// Reads `depends=a,b` from the NUL-separated text of a .modinfo section.
fn depends(modinfo: &[u8]) -> BTreeSet<String> {
    modinfo
        .split(|&byte| byte == 0)
        .filter_map(|entry| entry.strip_prefix(b"depends="))
        .flat_map(|names| names.split(|&byte| byte == b','))
        .filter(|name| !name.is_empty())
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_of_libraries_are_found() -> Result<()> {
        let program = std::env::current_exe()?;
        let folders = ["/lib/x86_64-linux-gnu", "/lib64", "/lib"].map(PathBuf::from);
        let libraries = libraries([program.clone()], &folders)?;
        let mut names = libraries.keys();
        assert!(
            names.any(|name| name.starts_with("libc.so")),
            "{libraries:?}"
        );

        let error = super::libraries([program], &[])
            .map_or_else(|error| error.to_string(), |_| String::new());
        assert!(
            error.contains("which dom0's suite does not have"),
            "{error}"
        );
        Ok(())
    }

    #[test]
    fn the_newest_glibc_counts() -> Result<()> {
        let names = ["GLIBC_2.9", "GCC_3.0", "GLIBC_2.2.5", "GLIBC_2.17"];
        assert_eq!(newest_glibc(names)?, (2, 17));
        assert!(newest_glibc(["GLIBC_2.4", "GLIBC_ABI_DT_RELR"]).is_err());
        assert!(newest_glibc(["GCC_3.0"]).is_err());
        assert!(glibc(&std::env::current_exe()?)? >= (2, 17));
        Ok(())
    }

    #[test]
    fn modinfo_has_the_modules_needed() {
        let modinfo = b"license=GPL\0depends=llc,stp\0name=bridge\0";
        assert_eq!(
            depends(modinfo),
            BTreeSet::from(["llc".into(), "stp".into()])
        );
        assert_eq!(depends(b"depends=\0name=loop\0"), BTreeSet::new());
    }
}
