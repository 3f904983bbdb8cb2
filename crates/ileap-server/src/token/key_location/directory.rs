//! Keys in a directory, which several processes may share.

use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::{
    Edit, KeptKey, KeyLocation, Reading, RevokedKey,
    file::{self, FileTimes, Stamp},
    off_the_reactor,
};
use crate::token::{KeyError, KeyRecord, key_life, signing_key::SigningKey};

/// Keys in the files of a directory whose names end in `.pem` and do not begin with a dot. A file `KID.ALGORITHM.revoked`
/// says that a key counts no longer, whether it is there or not.
#[derive(Clone, Debug)]
pub struct DirectoryKeys {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    /// How long a key without a record waits before it signs, unless it is the first.
    publish_before: Duration,
    /// What was read before, and when it has to be read anew.
    known: Mutex<BTreeMap<PathBuf, Known>>,
}

#[derive(Clone, Debug)]
struct Known {
    stamp: Stamp,
    times: Times,
    key: Arc<SigningKey>,
}

#[derive(Clone, Copy, Debug)]
enum Times {
    Recorded(Timestamp, Timestamp),
    /// Only the file's own times are known.
    OfFile(FileTimes),
}

impl DirectoryKeys {
    /// The keys in `path`; nothing is made or read yet.
    pub fn new(path: &Path, publish_before: Duration) -> Self {
        Self {
            inner: Arc::new(Inner {
                path: path.to_path_buf(),
                publish_before,
                known: Mutex::default(),
            }),
        }
    }
}

#[async_trait::async_trait]
impl KeyLocation for DirectoryKeys {
    async fn read(&self) -> Result<Reading, KeyError> {
        let inner = self.inner.clone();
        off_the_reactor(move || inner.read().map(|found| found.reading)).await?
    }

    async fn apply(&self, expected: &[KeyRecord], edit: Edit) -> Result<bool, KeyError> {
        let (inner, expected) = (self.inner.clone(), expected.to_vec());
        off_the_reactor(move || inner.apply(&expected, &edit)).await?
    }

    async fn private_key(&self, kid: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let (inner, kid) = (self.inner.clone(), kid.to_owned());
        off_the_reactor(move || {
            let found = inner.read()?;
            let path = found.paths.get(&kid);
            file::read_pkcs8(path.ok_or(KeyError::Unknown { kid })?)
        })
        .await?
    }
}

/// A reading, and where each key is.
struct Found {
    reading: Reading,
    paths: BTreeMap<String, PathBuf>,
    unfinished: Vec<PathBuf>,
}

impl Inner {
    fn read(&self) -> Result<Found, KeyError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = Found {
            reading: Reading::default(),
            paths: BTreeMap::new(),
            unfinished: Vec::new(),
        };
        let (mut keys, mut unusable) = (BTreeMap::new(), Vec::new());
        for path in file::list(&self.path)? {
            let ending = path.extension().unwrap_or_default().to_owned();
            if file::is_hidden(&path) {
                if file::is_unfinished(&path) {
                    found.unfinished.push(path);
                }
            } else if ending == "revoked" {
                found.reading.revoked.extend(revocation(&path));
            } else if ending == "pem" {
                let (kept, trouble) = look(&path, known.remove(&path));
                if kept.is_none() && trouble.is_some() {
                    unusable.push(path.clone());
                }
                found.reading.trouble.extend(trouble);
                keys.extend(kept.map(|kept| (path, kept)));
            }
        }
        known.clone_from(&keys);
        drop(known);
        found.take(keys, self.publish_before);
        found.add_unusable(unusable);
        Ok(found)
    }

    /// Holds the directory's lock while it looks again and writes, so that of several processes one makes a change
    /// and the others find it.
    fn apply(&self, expected: &[KeyRecord], edit: &Edit) -> Result<bool, KeyError> {
        let handle = file::open_directory(&self.path)?;
        let failed = |source| file::io_error("locking key directory", &self.path, source);
        handle.lock().map_err(failed)?;
        let found = self.read()?;
        let is_expected = found.reading.records() == expected;
        if is_expected {
            self.write(&handle, &found, edit)?;
        }
        handle.unlock().map_err(failed)?;
        Ok(is_expected)
    }

    fn write(&self, handle: &File, found: &Found, edit: &Edit) -> Result<(), KeyError> {
        for path in &found.unfinished {
            file::remove(path, handle)?;
        }
        if let Some((kid, signs_from)) = &edit.signs_from
            && let Some(path) = found.paths.get(kid)
            && let Some(kept) = found
                .reading
                .keys
                .iter()
                .find(|kept| kept.record.kid == *kid)
        {
            let record = KeyRecord {
                signs_from: *signs_from,
                ..kept.record.clone()
            };
            let pkcs8 = file::read_pkcs8(path)?;
            file::write_as(path, &self.path, handle, &record, &pkcs8)?;
        }
        for new in &edit.add {
            file::write_key(&self.path, handle, &new.record, &new.pkcs8)?;
        }
        if let Some(revoked) = &edit.revoke {
            file::write_revocation(&self.path, handle, revoked)?;
        }
        let earlier = &found.reading.revoked;
        let revoked = earlier
            .iter()
            .chain(&edit.revoke)
            .map(|revoked| &revoked.kid);
        for kid in edit.remove.iter().chain(revoked) {
            if let Some(path) = found.paths.get(kid) {
                file::remove(path, handle)?;
            }
        }
        Ok(())
    }
}

impl Found {
    fn take(&mut self, keys: BTreeMap<PathBuf, Known>, publish_before: Duration) {
        let mut kept: Vec<(KeptKey, Option<Timestamp>)> = Vec::new();
        for (path, known) in keys {
            let (record, put) = known.record();
            if let Some(first) = self.paths.get(&record.kid) {
                self.reading.trouble.push(KeyError::Duplicate {
                    first: first.clone(),
                    second: path,
                });
                continue;
            }
            self.paths.insert(record.kid.clone(), path);
            let key = known.key;
            kept.push((KeptKey { record, key }, put));
        }
        kept.retain(|(kept, _)| !self.is_revoked(&kept.record.kid));
        key_life::sort_by(&mut kept, |(kept, _)| &kept.record);
        for (place, (kept, put)) in kept.iter_mut().enumerate() {
            // A file that was put beside others is not known to verifiers yet, however old it is.
            if place > 0
                && let Some(put) = put
            {
                kept.record.signs_from = key_life::later(*put, publish_before);
            }
        }
        self.reading.keys = kept.into_iter().map(|(kept, _)| kept).collect();
    }

    /// Files that cannot be used may say by their name which key they were.
    fn add_unusable(&mut self, paths: Vec<PathBuf>) {
        for path in paths {
            let Some((kid, algorithm)) = file::named(&path) else {
                continue;
            };
            if self.paths.contains_key(&kid) {
                continue;
            }
            if !self.is_revoked(&kid) {
                let modified = file::modified(&path);
                self.reading.unusable.push(KeyRecord {
                    kid: kid.clone(),
                    algorithm,
                    published_at: modified,
                    signs_from: modified,
                });
            }
            self.paths.insert(kid, path);
        }
    }

    fn is_revoked(&self, kid: &str) -> bool {
        let mut revoked = self.reading.revoked.iter();
        revoked.any(|revoked| revoked.kid == kid)
    }
}

impl Known {
    /// What is recorded; else the file's own time stands for both, and the moment it was put there is added.
    fn record(&self) -> (KeyRecord, Option<Timestamp>) {
        let (published_at, signs_from, put) = match self.times {
            Times::Recorded(published_at, signs_from) => (published_at, signs_from, None),
            Times::OfFile(FileTimes { modified, put }) => (modified, modified, Some(put)),
        };
        let record = KeyRecord {
            kid: self.key.kid().to_owned(),
            algorithm: self.key.algorithm(),
            published_at,
            signs_from,
        };
        (record, put)
    }
}

/// The key in a file, read anew where the file has changed. One that cannot be read any more stays as it was.
fn look(path: &Path, known: Option<Known>) -> (Option<Known>, Option<KeyError>) {
    let stamp = match Stamp::of(path) {
        Ok(stamp) => stamp,
        // Removed since the directory was listed.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return (None, None),
        Err(error) => {
            let error = file::io_error("reading signing key", path, error);
            return (known, Some(error));
        }
    };
    if known.as_ref().is_some_and(|known| known.stamp == stamp) {
        return (known, None);
    }
    match file::read(path) {
        Ok(read) => {
            let times = read.times.map_or(
                Times::OfFile(read.file_times),
                |(published_at, signs_from)| Times::Recorded(published_at, signs_from),
            );
            let key = Arc::new(read.key);
            (Some(Known { stamp, times, key }), None)
        }
        Err(error) => (known, Some(error)),
    }
}

/// The revocation that a file is, whether it can be read or not: its name says which key. `None` where that is not one
/// of ours.
fn revocation(path: &Path) -> Option<RevokedKey> {
    let (kid, algorithm) = file::named(path)?;
    let at = file::revoked_at(path);
    Some(RevokedKey { kid, algorithm, at })
}
