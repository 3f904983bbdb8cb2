//! What is imported: a file that can be read twice, from its beginning.

use std::{
    fs::{File, Metadata},
    io::{self, BufRead, BufReader, Read, Seek as _},
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::Arc,
    time::SystemTime,
};

/// The name under which stdin is imported.
const STDIN: &str = "-";

/// How objects are written down.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// A table of transport activity data, see [`csv_header`](super::csv_header).
    Csv,
    /// An object, an array of objects, or arrays in an object as `{"data": [...]}`.
    Json,
    /// An object per line.
    Ndjson,
}

impl Format {
    fn of(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("ndjson" | "jsonl") => Self::Ndjson,
            Some("csv") => Self::Csv,
            _ => Self::Json,
        }
    }
}

/// Told how many more bytes were read. Each input is read twice.
pub type OnRead = Arc<dyn Fn(u64) + Send + Sync>;
/// Told that another process writes to the store, and has to be waited for.
pub type OnWait = Arc<dyn Fn() + Send + Sync>;

/// An open file, or what was piped in.
#[derive(Clone)]
pub struct Input {
    pub(super) format: Format,
    source: Source,
    on_read: OnRead,
    pub(super) on_wait: OnWait,
}

#[derive(Clone)]
enum Source {
    File(Arc<File>, Stamp),
    Text(&'static str),
}

/// What changes when somebody writes to a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    /// When content or anything else of it changed. Nobody can set it back, as tools do with `modified`.
    changed: (i64, i64),
}

impl Input {
    /// Opens a file; `-` is stdin. What cannot be read twice is copied to a temporary file first.
    ///
    /// Without a format, the extension decides: `.ndjson`, `.jsonl`, `.csv`, otherwise JSON.
    pub async fn open(path: &Path, format: Option<Format>) -> io::Result<Self> {
        let path = path.to_owned();
        let opening = move || {
            let source = if path.as_os_str() == STDIN {
                spooled(&mut io::stdin().lock())
            } else {
                let file = File::open(&path)?;
                if file.metadata()?.is_file() {
                    Ok(file)
                } else {
                    spooled(&mut &file)
                }
            }?;
            let stamp = Stamp::of(&source.metadata()?);
            Ok(Self {
                format: format.unwrap_or_else(|| Format::of(&path)),
                source: Source::File(Arc::new(source), stamp),
                on_read: Arc::new(|_| ()),
                on_wait: Arc::new(|| ()),
            })
        };
        let opened = tokio::task::spawn_blocking(opening).await;
        opened.map_err(io::Error::other)?
    }

    /// A JSON text of ours.
    pub(super) fn text(text: &'static str) -> Self {
        Self {
            format: Format::Json,
            source: Source::Text(text),
            on_read: Arc::new(|_| ()),
            on_wait: Arc::new(|| ()),
        }
    }

    /// The same, telling how it goes on, and what it waits for.
    #[must_use]
    pub fn reporting(self, on_read: OnRead, on_wait: OnWait) -> Self {
        Self {
            on_read,
            on_wait,
            ..self
        }
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        match &self.source {
            Source::File(_, stamp) => stamp.size,
            Source::Text(text) => text.len() as u64,
        }
    }

    /// From the beginning, past a byte order mark. One read at a time: the place in the file is shared.
    pub(super) fn reader(&self) -> io::Result<impl BufRead + use<>> {
        let bytes: Box<dyn Read> = match &self.source {
            Source::File(file, _) => {
                let mut file = Arc::clone(file);
                file.rewind()?;
                Box::new(file)
            }
            Source::Text(text) => Box::new(text.as_bytes()),
        };
        let mut reader = BufReader::with_capacity(
            BUFFER,
            Counted {
                bytes,
                on_read: Arc::clone(&self.on_read),
            },
        );
        if reader.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
            reader.consume(BYTE_ORDER_MARK.len());
        }
        Ok(reader)
    }

    /// Whether the file is still what it was when it was opened.
    pub(super) fn is_unchanged(&self) -> io::Result<bool> {
        match &self.source {
            Source::File(file, stamp) => Ok(Stamp::of(&file.metadata()?) == *stamp),
            Source::Text(_) => Ok(true),
        }
    }
}

const BUFFER: usize = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.len(),
            modified: metadata.modified().ok(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// The whole of `reader` in a file that has no name and vanishes with the process.
fn spooled(reader: &mut dyn Read) -> io::Result<File> {
    let copying = |error: io::Error| {
        let directory = std::env::temp_dir();
        let message = format!(
            "copying it to a temporary file in {}: {error}",
            directory.display()
        );
        io::Error::new(error.kind(), message)
    };
    let mut file = tempfile::tempfile().map_err(copying)?;
    io::copy(reader, &mut file).map_err(copying)?;
    Ok(file)
}

/// Tells how much is read.
struct Counted {
    bytes: Box<dyn Read>,
    on_read: OnRead,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        (self.on_read)(read as u64);
        Ok(read)
    }
}
