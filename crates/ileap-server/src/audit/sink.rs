//! Where lines go.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use crate::private_file;

/// Where the trail is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target {
    /// In this file, made with mode 0600 where it is missing.
    File(PathBuf),
    /// Nowhere.
    Off,
    /// On stderr, between the log's lines.
    Stderr,
}

/// An open trail, as the thread that writes sees it.
pub(super) trait Trail: Send + 'static {
    /// Writes a line; after an error, what is still missing of it.
    fn write(&mut self, line: &mut Pending) -> io::Result<()>;

    /// Returns once what was written is on disk.
    fn sync(&self) -> io::Result<()>;
}

/// The process's standard error.
#[derive(Debug)]
pub(super) struct StandardError;

impl Trail for StandardError {
    fn write(&mut self, line: &mut Pending) -> io::Result<()> {
        line.write_to(&mut io::stderr().lock())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A file that is opened anew when another stands in its place, as after a rotation.
#[derive(Debug)]
pub(super) struct Reopened {
    file: File,
    /// Not so a pipe or a terminal.
    is_on_disk: bool,
    path: PathBuf,
}

impl Reopened {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        // Appending: other processes (`ileap access`) write to the same file, a line at a time.
        let file = private_file::make_or_open(path, OpenOptions::new().append(true))?;
        let opened = Self {
            is_on_disk: file.metadata()?.is_file(),
            file,
            path: path.to_owned(),
        };
        opened.end_torn_line()?;
        Ok(opened)
    }

    /// Ends a line that somebody could not finish for want of room before they ended: the next one must not be lost with
    /// it.
    fn end_torn_line(&self) -> io::Result<()> {
        let mut last = *b"\n";
        let length = self.file.metadata()?.len();
        if let Some(place) = length.checked_sub(1)
            && let Ok(file) = File::open(&self.path)
        {
            // Of a file that may be written only, or is being cut off, nothing is known.
            let _ = file.read_exact_at(&mut last, place);
        }
        if last != *b"\n" {
            (&self.file).write_all(b"\n")?;
        }
        Ok(())
    }

    fn is_in_place(&self) -> bool {
        let (Ok(open), Ok(named)) = (self.file.metadata(), fs::metadata(&self.path)) else {
            return false;
        };
        (open.dev(), open.ino()) == (named.dev(), named.ino())
    }
}

impl Trail for Reopened {
    fn write(&mut self, line: &mut Pending) -> io::Result<()> {
        if !self.is_in_place() {
            // A line begun in the old file is written whole in the new one.
            line.written = 0;
            let _ = self.sync();
            *self = Self::open(&self.path)?;
        }
        line.write_to(&mut self.file)
    }

    fn sync(&self) -> io::Result<()> {
        if self.is_on_disk {
            self.file.sync_data()
        } else {
            Ok(())
        }
    }
}

/// A line, and how much of it is written.
#[derive(Debug)]
pub(super) struct Pending {
    bytes: Vec<u8>,
    written: usize,
}

impl From<Vec<u8>> for Pending {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, written: 0 }
    }
}

impl Pending {
    pub(super) fn write_to(&mut self, writer: &mut impl io::Write) -> io::Result<()> {
        while let Some(rest) = self.bytes.get(self.written..)
            && !rest.is_empty()
        {
            match writer.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        writer.flush()
    }
}
