//! Private keys on disk: PKCS#8 in PEM (RFC 7468 §10), one file per key, nobody else's business.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::{KeyRecord, RevokedKey, text};
use crate::{
    private_file,
    token::{Algorithm, KeyError, signing_key::SigningKey},
};

/// What nobody but the owner may do with a key: anything.
const CLOSED_FILE: Access = Access {
    forbidden: 0o077,
    remedy: "600",
};
/// What nobody but the owner may do with the directory: put keys into it. Its names are no secret, and mounted
/// volumes usually show them.
const OWN_DIRECTORY: Access = Access {
    forbidden: 0o022,
    remedy: "go-w",
};
/// The longest file that is read, in bytes; an RSA key of 8192 bits has a tenth of it.
const LIMIT_BYTES: u64 = 64 * 1024;

/// Permissions that must not be there.
struct Access {
    forbidden: u32,
    remedy: &'static str,
}

/// A key with its place on disk.
#[derive(Debug)]
pub(super) struct KeyFile {
    pub(super) file_times: FileTimes,
    /// When it was published and from when it signs; other tools and earlier versions write neither.
    pub(super) times: Option<(Timestamp, Timestamp)>,
    pub(super) key: SigningKey,
}

/// When the file was written, and when it came to be where it is: copying keeps the first and moves the second.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileTimes {
    pub(super) modified: Timestamp,
    pub(super) put: Timestamp,
}

impl FileTimes {
    fn of(metadata: &fs::Metadata) -> Self {
        let moment = |second, nanosecond: i64| {
            let nanosecond = i32::try_from(nanosecond).unwrap_or_default();
            Timestamp::new(second, nanosecond).unwrap_or_default()
        };
        let modified = moment(metadata.mtime(), metadata.mtime_nsec());
        let changed = moment(metadata.ctime(), metadata.ctime_nsec());
        Self {
            modified,
            put: modified.max(changed),
        }
    }
}

/// What changes when a file is written anew.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stamp {
    inode: u64,
    length: u64,
    modified: (i64, i64),
    mode: u32,
}

impl Stamp {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self {
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            mode: metadata.mode(),
        })
    }
}

/// Makes the directory if there is none, for its owner only, and opens it.
pub(super) fn open_directory(path: &Path) -> Result<File, KeyError> {
    private_file::make_directory(path)
        .map_err(|source| io_error("making key directory", path, source))?;
    let failed = |source| io_error("opening key directory", path, source);
    let directory = File::open(path).map_err(failed)?;
    refuse_exposed(path, &directory.metadata().map_err(failed)?, &OWN_DIRECTORY)?;
    Ok(directory)
}

/// The names in a directory; none where there is no directory. One that others may write to is refused.
pub(super) fn list(path: &Path) -> Result<Vec<PathBuf>, KeyError> {
    let failed = |source| io_error("listing key directory", path, source);
    match fs::metadata(path) {
        Ok(metadata) => refuse_exposed(path, &metadata, &OWN_DIRECTORY)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    }
    let entries = fs::read_dir(path).map_err(failed)?;
    let paths: Result<Vec<_>, _> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(failed)?;
    paths.sort();
    Ok(paths)
}

/// Reads a key and what is recorded of it.
pub(super) fn read(path: &Path) -> Result<KeyFile, KeyError> {
    let (text, file_times) = read_private(path)?;
    let unusable = |reason: String| KeyError::Unusable {
        place: path.display().to_string(),
        reason,
    };
    Ok(KeyFile {
        file_times,
        times: text::times(&text).map_err(|reason| unusable(reason.to_owned()))?,
        key: SigningKey::from_pkcs8(&text::pkcs8(&text).map_err(unusable)?)
            .map_err(|reason| unusable(reason.to_string()))?,
    })
}

/// The private key in a file.
pub(super) fn read_pkcs8(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let (text, _) = read_private(path)?;
    text::pkcs8(&text).map_err(|reason| KeyError::Unusable {
        place: path.display().to_string(),
        reason,
    })
}

/// Since when a key is revoked, by its tombstone; by the file's own time where it does not say or cannot be read.
pub(super) fn revoked_at(path: &Path) -> Timestamp {
    let read = File::open(path).map(|file| io::Read::take(file, LIMIT_BYTES));
    let text = read.and_then(io::read_to_string).unwrap_or_default();
    text::revoked_at(&text).unwrap_or_else(|| modified(path))
}

/// When the file was written.
pub(super) fn modified(path: &Path) -> Timestamp {
    let metadata = fs::metadata(path);
    metadata.map_or_else(
        |_| Timestamp::default(),
        |metadata| FileTimes::of(&metadata).modified,
    )
}

/// The key that a file of ours is named after.
pub(super) fn named(path: &Path) -> Option<(String, Algorithm)> {
    let name = path.file_stem()?.to_str()?;
    let (kid, algorithm) = name.split_once('.')?;
    Some((kid.to_owned(), algorithm.parse().ok()?))
}

/// Puts a key into the directory, whole or not at all: a crash leaves a hidden file at most.
pub(super) fn write_key(
    directory: &Path,
    handle: &File,
    record: &KeyRecord,
    pkcs8: &[u8],
) -> Result<(), KeyError> {
    let name = format!("{}.{}.pem", record.kid, record.algorithm);
    write_as(&directory.join(name), directory, handle, record, pkcs8)
}

/// Puts a key in the place of the file it is in.
pub(super) fn write_as(
    path: &Path,
    directory: &Path,
    handle: &File,
    record: &KeyRecord,
    pkcs8: &[u8],
) -> Result<(), KeyError> {
    write_whole(path, directory, handle, &text::of_key(record, pkcs8))
}

/// Says that a key counts no longer.
pub(super) fn write_revocation(
    directory: &Path,
    handle: &File,
    revoked: &RevokedKey,
) -> Result<(), KeyError> {
    let name = format!("{}.{}.revoked", revoked.kid, revoked.algorithm);
    let text = text::of_revocation(revoked);
    write_whole(&directory.join(name), directory, handle, &text)
}

/// Takes a file away for good. It may be gone.
pub(super) fn remove(path: &Path, handle: &File) -> Result<(), KeyError> {
    let failed = |source| io_error("removing", path, source);
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        _ => handle.sync_all().map_err(failed),
    }
}

/// Whether this is a file that was being written when somebody ended.
pub(super) fn is_unfinished(path: &Path) -> bool {
    is_hidden(path) && path.extension().is_some_and(|extension| extension == "new")
}

pub(super) fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b".")
}

pub(super) fn io_error(attempted: &'static str, path: &Path, source: io::Error) -> KeyError {
    KeyError::Io {
        attempted,
        path: path.to_path_buf(),
        source,
    }
}

fn write_whole(path: &Path, directory: &Path, handle: &File, text: &str) -> Result<(), KeyError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let unfinished = directory.join(format!(".{name}.new"));
    let written = write_new(&unfinished, text)
        .and_then(|()| fs::rename(&unfinished, path))
        .and_then(|()| handle.sync_all());
    written.map_err(|source| {
        // Else a server that restarts for ever on a full disk fills it with halves. It may not be there.
        let _ = fs::remove_file(&unfinished);
        io_error("writing", path, source)
    })
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = private_file::make(path, OpenOptions::new().write(true))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn read_private(path: &Path) -> Result<(Zeroizing<String>, FileTimes), KeyError> {
    let failed = |source| io_error("reading signing key", path, source);
    let file = File::open(path).map_err(failed)?;
    // Of the opened file, not of its name: nothing can be swapped in between.
    let metadata = file.metadata().map_err(failed)?;
    refuse_exposed(path, &metadata, &CLOSED_FILE)?;
    if private_file::is_foreign(path, &metadata).map_err(failed)? {
        return Err(KeyError::Foreign {
            path: path.to_path_buf(),
        });
    }
    let text = io::read_to_string(io::Read::take(file, LIMIT_BYTES)).map_err(failed)?;
    Ok((Zeroizing::new(text), FileTimes::of(&metadata)))
}

fn refuse_exposed(path: &Path, metadata: &fs::Metadata, access: &Access) -> Result<(), KeyError> {
    let mode = metadata.permissions().mode() & 0o777;
    if mode & access.forbidden == 0 {
        return Ok(());
    }
    Err(KeyError::Exposed {
        path: path.to_path_buf(),
        mode,
        remedy: access.remedy,
    })
}
