//! Files with secrets: nobody but their owner may read them.
//!
//! What a command makes in a directory of the service's belongs to the service, though root runs the command.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, fchown},
    path::Path,
};

/// Makes a file that is not there, 0600, and opens it with `options`.
pub(crate) fn make(path: &Path, options: &OpenOptions) -> io::Result<File> {
    let file = options.clone().create_new(true).mode(0o600).open(path)?;
    let handed_over = match heir(path)? {
        Some((user, group)) => fchown(&file, Some(user), Some(group)),
        None => Ok(()),
    };
    handed_over.inspect_err(|_| _ = fs::remove_file(path))?;
    Ok(file)
}

/// Opens a file with `options`, or makes it.
pub(crate) fn make_or_open(path: &Path, options: &OpenOptions) -> io::Result<File> {
    match make(path, options) {
        // It may be gone again, or a link to where there is none yet.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            options.clone().create(true).mode(0o600).open(path)
        }
        made => made,
    }
}

/// Makes a directory, 0700, and those above it that are missing.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    let attempt = || DirBuilder::new().mode(0o700).create(path);
    let made = match attempt() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_directory(directory_of(path))?;
            attempt()
        }
        made => made,
    };
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        made => made?,
    }
    let Some((user, group)) = heir(path)? else {
        return Ok(());
    };
    // What the owner of the directory above has put in its place meanwhile is not given away.
    let (made, named) = (File::open(path)?, fs::symlink_metadata(path)?);
    let opened = made.metadata()?;
    if (opened.dev(), opened.ino()) == (named.dev(), named.ino()) {
        fchown(&made, Some(user), Some(group))?;
    }
    Ok(())
}

/// Whether root looks at a file that it would have given away: the service whose directory it is in cannot read it, and
/// must not get by root what is in it.
pub(crate) fn is_foreign(path: &Path, opened: &Metadata) -> io::Result<bool> {
    Ok(heir(path)?.is_some_and(|(user, _)| user != opened.uid()))
}

/// To whom root hands over what it has just made: the owner of the directory it is in.
fn heir(made: &Path) -> io::Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let directory = fs::metadata(directory_of(made))?;
    Ok((directory.uid() != 0).then(|| (directory.uid(), directory.gid())))
}

fn directory_of(path: &Path) -> &Path {
    let above = path.parent();
    above
        .filter(|above| !above.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Whether others than those who must may use the file.
pub(crate) fn is_exposed(metadata: &Metadata) -> bool {
    let owner = Ids {
        file: metadata.uid(),
        process: rustix::process::geteuid().as_raw(),
    };
    metadata.mode() & forbidden(owner) != 0
}

/// Who owns a file, and who reads it.
#[derive(Clone, Copy)]
struct Ids {
    file: u32,
    process: u32,
}

/// The bits that a file's mode must not have. A file of root's that is handed to a service (by systemd's credentials,
/// or as a volume of Kubernetes with `fsGroup`) is the service's by its group, which then may read it.
fn forbidden(Ids { file, process }: Ids) -> u32 {
    let is_handed_over = file == 0 && process != 0;
    if is_handed_over { 0o037 } else { 0o077 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: (u32, u32) = (54_321, 54_322);

    fn owner(path: &Path) -> (u32, u32) {
        let metadata = fs::symlink_metadata(path).unwrap();
        (metadata.uid(), metadata.gid())
    }

    #[test]
    fn what_is_made_in_a_directory_belongs_to_whom_the_directory_belongs() {
        let directory = tempfile::tempdir().unwrap();
        let ours = owner(directory.path());
        let mut expected = ours;
        if rustix::process::geteuid().is_root() {
            // As root beside a service; others only ever work in directories of their own.
            expected = SERVICE;
            std::os::unix::fs::chown(directory.path(), Some(expected.0), Some(expected.1)).unwrap();
        }
        let [made, opened, state, keys] =
            ["made", "opened", "state", "state/keys"].map(|name| directory.path().join(name));
        let writing = || OpenOptions::new().append(true).clone();
        make(&made, &writing()).unwrap();
        assert!(make(&made, &writing()).is_err(), "it is there");
        make_or_open(&opened, &writing()).unwrap();
        make_or_open(&opened, &writing()).unwrap();
        make_directory(&keys).unwrap();
        make_directory(&keys).unwrap();
        for (path, mode) in [
            (&made, 0o600),
            (&opened, 0o600),
            (&state, 0o700),
            (&keys, 0o700),
        ] {
            assert_eq!(owner(path), expected, "{}", path.display());
            let found = fs::metadata(path).unwrap().mode() & 0o777;
            assert_eq!(found, mode, "{}", path.display());
        }
        // Whom a file belongs to that is there already is nobody's business.
        std::os::unix::fs::chown(&opened, Some(ours.0), Some(ours.1)).unwrap();
        make_or_open(&opened, &writing()).unwrap();
        assert_eq!(owner(&opened), ours);
    }

    #[test]
    fn a_group_may_read_only_what_root_hands_to_a_service() {
        for (file, process, mode, is_refused) in [
            (1000, 1000, 0o600, false),
            (1000, 1000, 0o640, true),
            (0, 0, 0o400, false),
            (0, 0, 0o440, true),
            (0, 1000, 0o440, false),
            (0, 1000, 0o460, true),
            (0, 1000, 0o444, true),
            (1001, 1000, 0o440, true),
        ] {
            let found = mode & forbidden(Ids { file, process }) != 0;
            assert_eq!(found, is_refused, "{mode:o} of {file}, read by {process}");
        }
    }
}
