//! A whole list in a file, in as many attempts as it takes.

use std::{
    borrow::Cow,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use futures_util::TryStreamExt as _;
use ileap_client::{ErrorKind, List, Page, Readable};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use url::Url;

use super::host;
use crate::{
    exit::{Exit, Failed},
    output,
    progress::Progress,
};

/// How far an interrupted download came: everything before `bytes` is whole.
#[derive(Debug, Deserialize, Serialize)]
struct Mark {
    /// The list's first page and whose it is: another list, or what another account sees, does not go on here.
    list: String,
    client_id: String,
    next: String,
    objects: usize,
    bytes: u64,
}

/// Writes NDJSON beside `file` and, when all of it is there, puts it in its place.
pub(super) async fn to_file<T>(list: List<T>, client_id: &str, file: &Path) -> Result<(), Failed>
where
    T: Readable + Send + 'static,
{
    let failed = |error: io::Error| Failed::new(format!("writing {}", file.display()), error);
    let mut part = Part::open(file, list.place(), client_id).map_err(failed)?;
    let list = part.resume(list)?;
    let progress = Progress::counting("written");
    progress.add(part.mark.as_ref().map_or(0, |mark| mark.objects));
    let mut pages = list.pages();
    loop {
        match pages.try_next().await {
            Ok(Some(page)) if !page.is_complete => {
                progress.clear();
                output::note("what was written is kept: the same command goes on from there");
                let happened = "the host had not finished filtering, however often it was asked";
                return Err(Failed::new("reading the list", happened).exiting(Exit::Unavailable));
            }
            Ok(Some(page)) => {
                part.write(&page).map_err(failed)?;
                progress.add(page.items.len());
            }
            Ok(None) => break,
            Err(error) => {
                progress.clear();
                let is_lost = matches!(error.kind(), ErrorKind::Refused(refusal) if matches!(refusal.status, 400 | 404 | 410));
                if is_lost && part.is_resumed {
                    part.forget().map_err(failed)?;
                    output::note(
                        "the host does not know the place any longer where it was left: run the command again",
                    );
                } else {
                    output::note("what was written is kept: the same command goes on from there");
                }
                return Err(host::failed(&error));
            }
        }
    }
    progress.clear();
    let objects = part.finish(file).map_err(failed)?;
    output::line(format_args!("{objects} written to {}", file.display()))
}

/// The file in the making.
struct Part {
    path: PathBuf,
    mark_path: PathBuf,
    writer: BufWriter<File>,
    list: String,
    client_id: String,
    mark: Option<Mark>,
    objects: usize,
    bytes: u64,
    is_resumed: bool,
}

impl Part {
    fn open(file: &Path, list: Option<&Url>, client_id: &str) -> io::Result<Self> {
        let list = list.map_or_else(String::new, Url::to_string);
        let beside = |ending: &str| {
            let mut name = file.file_name().unwrap_or_default().to_owned();
            name.push(ending);
            file.with_file_name(name)
        };
        let (path, mark_path) = (beside(".part"), beside(".part.json"));
        let mark =
            read_mark(&mark_path).filter(|mark| mark.list == list && mark.client_id == client_id);
        let mut opened = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&path)?;
        let is_whole = |mark: &Mark| {
            opened
                .metadata()
                .is_ok_and(|found| found.len() >= mark.bytes)
        };
        let mark = mark.filter(is_whole);
        let bytes = mark.as_ref().map_or(0, |mark| mark.bytes);
        opened.set_len(bytes)?;
        opened.seek(SeekFrom::End(0))?;
        Ok(Self {
            path,
            mark_path,
            writer: BufWriter::new(opened),
            list,
            client_id: client_id.to_owned(),
            objects: mark.as_ref().map_or(0, |mark| mark.objects),
            bytes,
            mark,
            is_resumed: false,
        })
    }

    /// The list from where the last attempt ended.
    fn resume<T: Send + 'static>(&mut self, list: List<T>) -> Result<List<T>, Failed> {
        let Some(mark) = &self.mark else {
            return Ok(list);
        };
        self.is_resumed = true;
        output::note(&format!("going on after {} objects", mark.objects));
        match Url::parse(&mark.next) {
            Ok(next) => list.at(next).map_err(|error| host::failed(&error)),
            Err(error) => Err(Failed::new("going on with the list", error)),
        }
    }

    fn write<T>(&mut self, page: &Page<T>) -> io::Result<()> {
        for item in &page.items {
            let line = one_line(item.json());
            self.writer.write_all(line.as_bytes())?;
            self.writer.write_all(b"\n")?;
            self.bytes += line.len() as u64 + 1;
            self.objects += 1;
        }
        self.writer.flush()?;
        if let Some(next) = &page.next {
            // First the data, then the word that it is there.
            self.writer.get_ref().sync_data()?;
            let mark = Mark {
                list: self.list.clone(),
                client_id: self.client_id.clone(),
                next: next.to_string(),
                objects: self.objects,
                bytes: self.bytes,
            };
            let directory = self
                .mark_path
                .parent()
                .filter(|path| !path.as_os_str().is_empty());
            let mut file = NamedTempFile::new_in(directory.unwrap_or(Path::new(".")))?;
            serde_json::to_writer(&mut file, &mark)?;
            file.persist(&self.mark_path).map_err(|error| error.error)?;
        }
        Ok(())
    }

    fn forget(&self) -> io::Result<()> {
        fs::remove_file(&self.mark_path)
    }

    fn finish(self, file: &Path) -> io::Result<usize> {
        self.writer.get_ref().sync_all()?;
        fs::rename(&self.path, file)?;
        match fs::remove_file(&self.mark_path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(self.objects),
        }
    }
}

fn read_mark(path: &Path) -> Option<Mark> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// JSON on one line, otherwise as it was sent: white space between tokens goes, nothing else.
pub(super) fn one_line(json: &str) -> Cow<'_, str> {
    let mut line = String::new();
    // What stands before this place is in `line`, or white space.
    let mut done = 0;
    let (mut is_text, mut is_escaped) = (false, false);
    for (place, byte) in json.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b' ' | b'\t' | b'\r' | b'\n' if !is_text => {
                line.push_str(json.get(done..place).unwrap_or_default());
                done = place + 1;
            }
            _ => {}
        }
    }
    if done == 0 {
        return Cow::Borrowed(json);
    }
    line.push_str(json.get(done..).unwrap_or_default());
    Cow::Owned(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_gets_a_line_of_its_own_and_keeps_its_text_and_numbers() {
        let json = "{\n \"a b\" : \"c \\\" d\\\\\" ,\r\n\t\"n\": 1.10, \"e\": [ ] }";
        assert_eq!(one_line(json), r#"{"a b":"c \" d\\","n":1.10,"e":[]}"#);
        for json in [r#"{"a b":"ä \" \\","n":1.10}"#, ""] {
            assert!(matches!(one_line(json), Cow::Borrowed(same) if same == json));
        }
    }
}
