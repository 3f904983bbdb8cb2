//! Files that nobody but their owner may read.

use std::{
    fs::{self, File},
    io::{self, Read as _},
};

use secrecy::{SecretString, zeroize::Zeroizing};

use super::{reader::Reader, violation::shown};
use crate::private_file::is_exposed;

/// The longest secret file that is read, in bytes; the longest secret in use has a few hundred.
const LIMIT_BYTES: u64 = 64 * 1024;

/// The content of the file that `path` names, without a line break at its end. What stands in the way is a violation.
pub(super) fn read(reader: &mut Reader, path: &'static str) -> Option<SecretString> {
    let name = reader.text(path)?;
    let mut file = open_private(reader, path, &name)?;
    let mut text = Zeroizing::new(String::new());
    match file.by_ref().take(LIMIT_BYTES).read_to_string(&mut text) {
        Ok(_) => {
            let line = text.strip_suffix('\n').unwrap_or(&text);
            Some(line.strip_suffix('\r').unwrap_or(line).into())
        }
        Err(error) => {
            unreadable(reader, path, &name, &error);
            None
        }
    }
}

/// Notes a violation unless the file that `path` names can be read by its owner alone.
pub(super) fn check(reader: &mut Reader, path: &'static str) {
    if let Some(name) = reader.text(path) {
        open_private(reader, path, &name);
    }
}

/// Notes a violation unless the file that `path` names can be read.
pub(super) fn check_public(reader: &mut Reader, path: &'static str) {
    if let Some(name) = reader.text(path) {
        open(reader, path, &name);
    }
}

fn open_private(reader: &mut Reader, path: &'static str, name: &str) -> Option<File> {
    let file = open(reader, path, name)?;
    // Asked of the open file: the name may mean another one by now.
    match file.metadata() {
        Ok(metadata) if is_exposed(&metadata) => {
            reader.violate_key(
                path,
                format!("others than its owner may use {}", shown(name)),
                format!("run: chmod 600 {}", shown(name)),
            );
            None
        }
        Ok(_) => Some(file),
        Err(error) => {
            unreadable(reader, path, name, &error);
            None
        }
    }
}

fn open(reader: &mut Reader, path: &'static str, name: &str) -> Option<File> {
    // Opening a pipe would wait for its writer.
    let file = fs::metadata(name).and_then(|metadata| {
        if metadata.is_file() {
            File::open(name)
        } else {
            Err(io::Error::other("it is not a file"))
        }
    });
    file.map_err(|error| unreadable(reader, path, name, &error))
        .ok()
}

fn unreadable(reader: &mut Reader, path: &'static str, name: &str, error: &io::Error) {
    let name = shown(name);
    let remedy = if error.kind() == io::ErrorKind::PermissionDenied {
        let user = rustix::process::geteuid().as_raw();
        format!(
            "run this as the file's owner or as root, or give it to this user: chown {user} {name}"
        )
    } else {
        "name a file that can be read".to_owned()
    };
    reader.violate_key(path, format!("{name} cannot be read: {error}"), remedy);
}
