//! Files and folders of the operator's: written as a whole, and not to be tampered with by others.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

/// Whether a file may take the place of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overwrite {
    Yes,
    No,
}

/// Writes a file as a whole: whoever looks finds what was there, or all of it.
pub(super) fn put(file: &Path, content: &[u8], overwrite: Overwrite) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| *folder != Path::new(""));
    let mut fresh = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder.unwrap_or(Path::new(".")))?;
    fresh.write_all(content)?;
    fresh.as_file().sync_all()?;
    match overwrite {
        Overwrite::Yes => fresh.persist(file)?,
        Overwrite::No => fresh.persist_noclobber(file)?,
    };
    Ok(())
}

/// Writes a file as a whole, in place of one that may be there. What is no file (a device, a pipe) is written to.
pub(super) fn write_whole(file: &Path, content: &[u8]) -> std::io::Result<()> {
    match std::fs::metadata(file) {
        Ok(there) if !there.is_file() => std::fs::write(file, content),
        // A link stays, and what it leads to is replaced.
        Ok(_) => put(&file.canonicalize()?, content, Overwrite::Yes),
        Err(_) => put(file, content, Overwrite::Yes),
    }
}

/// Whether [`write_whole`] can do its work, tried without touching what is there.
pub(super) fn can_write_whole(file: &Path) -> std::io::Result<()> {
    let there = match std::fs::metadata(file) {
        Ok(there) if there.is_dir() => {
            return Err(std::io::Error::from(std::io::ErrorKind::IsADirectory));
        }
        Ok(there) if !there.is_file() => return Ok(()),
        Ok(_) => Some(file.canonicalize()?),
        Err(_) => None,
    };
    let file = there.as_deref().unwrap_or(file);
    let folder = file.parent().filter(|folder| *folder != Path::new(""));
    tempfile::tempfile_in(folder.unwrap_or(Path::new("."))).map(drop)
}

/// Whether a text is an ordinary file name: letters, digits, `_`, `-` and `.`, no path, and nothing that hides or looks like a flag.
pub(super) fn is_plain_name(name: &str) -> bool {
    let is_ordinary = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    !name.is_empty() && !name.starts_with(['.', '-']) && name.chars().all(is_ordinary)
}

/// Whether a file is there that is not this one, or cannot be read to see.
pub(super) fn is_another(file: &Path, content: Option<&[u8]>) -> bool {
    match std::fs::read(file) {
        Ok(there) => Some(there.as_slice()) != content,
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

/// Makes a folder that only its owner can enter, unless it is there already.
pub(super) fn private_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

/// Whether nobody else can have put anything there: what is in the cache is run as native code.
pub(super) fn is_ours(folder: &Path) -> std::io::Result<()> {
    let theirs = |why: &str| Err(std::io::Error::other(why.to_owned()));
    let there = std::fs::metadata(folder)?;
    let ours = tempfile::NamedTempFile::new_in(folder)?;
    if there.uid() != ours.as_file().metadata()?.uid() {
        return theirs("it belongs to another user");
    }
    if there.mode() & 0o022 != 0 {
        return theirs("others may write there");
    }
    Ok(())
}
