//! Private keys on disk: PKCS#8 in PEM (RFC 7468 §10), one file per key, nobody else's business.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use zeroize::{Zeroize, Zeroizing};

use super::{Algorithm, signing_key::SigningKey};

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

/// Permissions that must not be there.
struct Access {
    forbidden: u32,
    remedy: &'static str,
}

/// Keys could not be made, kept or read. Start-up ends with it.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The same key is in two files.
    #[error("reading signing keys: {} and {} hold the same key: remove one", first.display(), second.display())]
    Duplicate {
        /// The file read first.
        first: PathBuf,
        /// The other one.
        second: PathBuf,
    },
    /// Group or others may read a key, or put keys into the directory.
    #[error("reading signing keys: {} is open to others (mode {mode:03o}): run `chmod {remedy} {}`", path.display(), path.display())]
    Exposed {
        /// The file or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What they must be, as `chmod` takes it.
        remedy: &'static str,
    },
    /// The crypto library could not make a key.
    #[error(
        "making a signing key for {algorithm}: the random source or the crypto library gave none"
    )]
    Generation {
        /// The kind asked for.
        algorithm: Algorithm,
    },
    /// The file system did not do as it was asked.
    #[error("{attempted} {}", path.display())]
    Io {
        /// What was attempted, as a phrase that the path completes.
        attempted: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// A file that should hold a key holds none that may be used.
    #[error("reading signing key {}: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// A key with its place on disk.
pub(super) struct KeyFile {
    pub(super) path: PathBuf,
    pub(super) modified: SystemTime,
    pub(super) key: SigningKey,
}

/// Makes the directory if there is none, for its owner only, and opens it.
pub(super) fn open_directory(path: &Path) -> Result<File, KeyError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| io_error("making key directory", path, source))?;
    let failed = |source| io_error("opening key directory", path, source);
    let directory = File::open(path).map_err(failed)?;
    refuse_exposed(path, &directory.metadata().map_err(failed)?, &OWN_DIRECTORY)?;
    Ok(directory)
}

/// Whether there is a directory; one that others may write to is refused.
pub(super) fn is_directory(path: &Path) -> Result<bool, KeyError> {
    match fs::metadata(path) {
        Ok(metadata) => refuse_exposed(path, &metadata, &OWN_DIRECTORY).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io_error("opening key directory", path, error)),
    }
}

/// Every key in `directory`: the files whose names end in `.pem` and do not begin with a dot.
pub(super) fn read_all(directory: &Path) -> Result<Vec<KeyFile>, KeyError> {
    let failed = |source| io_error("listing key directory", directory, source);
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let path = entry.path();
        if !hidden && path.extension().is_some_and(|extension| extension == "pem") {
            files.push(read(path)?);
        }
    }
    Ok(files)
}

/// Puts a new key into the directory whole or not at all: a crash leaves a hidden file at most.
pub(super) fn write(directory: &Path, handle: &File, pkcs8: &[u8]) -> Result<(), KeyError> {
    let key = SigningKey::from_pkcs8(pkcs8).map_err(|reason| KeyError::Unusable {
        path: directory.to_path_buf(),
        reason: reason.to_string(),
    })?;
    let name = format!("{}.{}.pem", key.kid(), key.algorithm());
    let path = directory.join(&name);
    let unfinished = directory.join(format!(".{name}.new"));
    let written = write_new(&unfinished, &to_pem(pkcs8))
        .and_then(|()| fs::rename(&unfinished, &path))
        .and_then(|()| handle.sync_all());
    written.map_err(|source| {
        // Else a server that restarts for ever on a full disk fills it with halves. It may not be there.
        let _ = fs::remove_file(&unfinished);
        io_error("writing signing key", &path, source)
    })
}

pub(super) fn io_error(attempted: &'static str, path: &Path, source: io::Error) -> KeyError {
    KeyError::Io {
        attempted,
        path: path.to_path_buf(),
        source,
    }
}

fn write_new(path: &Path, pem: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(pem.as_bytes())?;
    file.sync_all()
}

fn read(path: PathBuf) -> Result<KeyFile, KeyError> {
    let failed = |source| io_error("reading signing key", &path, source);
    let file = File::open(&path).map_err(failed)?;
    // Of the opened file, not of its name: nothing can be swapped in between.
    let metadata = file.metadata().map_err(failed)?;
    refuse_exposed(&path, &metadata, &CLOSED_FILE)?;
    let modified = metadata.modified().map_err(failed)?;
    let pem = Zeroizing::new(io::read_to_string(file).map_err(failed)?);
    match from_pem(&pem) {
        Ok(key) => Ok(KeyFile {
            path,
            modified,
            key,
        }),
        Err(reason) => Err(KeyError::Unusable { path, reason }),
    }
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

fn from_pem(pem: &str) -> Result<SigningKey, String> {
    let mut der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| "it is not a whole PKCS#8 key in PEM (`BEGIN PRIVATE KEY`)".to_owned())?;
    let key = SigningKey::from_pkcs8(der.secret_pkcs8_der());
    der.zeroize();
    key.map_err(|reason| reason.to_string())
}

fn to_pem(pkcs8: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(pkcs8));
    let mut pem = Zeroizing::new(String::with_capacity(body.len() + body.len() / 64 + 64));
    pem.push_str("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    pem
}
