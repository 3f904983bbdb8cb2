//! The file of users: TOML, `[[user]]` tables, private to its owner.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use toml::de::DeTable;

use super::{read_user, secret_hash::SecretHash};
use crate::{
    config::Violation,
    identity::{ClientId, Role},
    private_file::is_exposed,
};

/// The largest file that is read, in bytes.
const LIMIT_BYTES: u64 = 32 * 1024 * 1024;
/// The most violations that are told one by one: more help nobody.
const LIMIT_VIOLATIONS: usize = 100;

/// The users of one reading of the file; at least one.
#[derive(Debug)]
pub(super) struct Users {
    by_id: HashMap<ClientId, User>,
    decoy: SecretHash,
}

/// One `[[user]]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct User {
    pub(super) hash: SecretHash,
    pub(super) organization: Option<String>,
    pub(super) role: Role,
}

impl Users {
    /// `None` without any user.
    pub(super) fn new(by_id: HashMap<ClientId, User>) -> Option<Self> {
        let mut counts = HashMap::new();
        for user in by_id.values() {
            *counts.entry(user.hash.costs()).or_insert(0_usize) += 1;
        }
        let (usual, _) = counts
            .into_iter()
            .max_by_key(|(costs, count)| (*count, *costs))?;
        Some(Self {
            by_id,
            decoy: SecretHash::decoy(usual),
        })
    }

    pub(super) fn get(&self, client_id: &ClientId) -> Option<&User> {
        self.by_id.get(client_id)
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// What an unknown client's secret is compared with: as costly as what most users have.
    pub(super) fn decoy(&self) -> &SecretHash {
        &self.decoy
    }

    /// How many users are costlier or cheaper to verify than the decoy.
    pub(super) fn unusual(&self) -> usize {
        let usual = self.decoy.costs();
        let is_unusual = |user: &&User| user.hash.costs() != usual;
        self.by_id.values().filter(is_unusual).count()
    }

    /// Whose entry here is another one in `newer`, or none any more.
    pub(super) fn outdated_by<'a>(
        &'a self,
        newer: &'a Self,
    ) -> impl Iterator<Item = &'a ClientId> + 'a {
        self.by_id
            .iter()
            .filter(|(id, user)| newer.get(id) != Some(user))
            .map(|(id, _)| id)
    }
}

/// What tells one state of the file from another without reading it. A program may set the time of
/// modification, not that of the last change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stamp {
    device_and_inode: (u64, u64),
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// `None` where there is no file that could be asked.
    pub(super) fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata| Self::new(&metadata))
    }

    fn new(metadata: &fs::Metadata) -> Self {
        Self {
            device_and_inode: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Reads the file, or says everything that is wrong with it. No hash or other content of it is repeated.
pub(super) fn read(path: &Path) -> Result<Users, Vec<Violation>> {
    let name = path.display().to_string();
    let text = read_text(path, &name).map_err(|violation| vec![violation])?;
    let mut report = Report::new(&name, &text);
    let users = match DeTable::parse(&text) {
        Ok(table) => read_user::users(table.into_inner(), &mut report),
        Err(error) => {
            // The parser's own message would quote the line, and a hash with it.
            let offset = error.span().map_or(0, |span| span.start);
            report.violate(offset, error.message(), "correct the TOML there");
            return Err(report.violations());
        }
    };
    match Users::new(users) {
        Some(users) if report.found.is_empty() => Ok(users),
        Some(_) => Err(report.violations()),
        None => {
            if report.found.is_empty() {
                let remedy = "write a [[user]] table with client_id, secret_hash and role";
                report.violate(0, "there is no user in it", remedy);
            }
            Err(report.violations())
        }
    }
}

/// What is wrong with a text, by place.
pub(super) struct Report<'t> {
    name: &'t str,
    /// Where they end, in bytes.
    lines: Vec<usize>,
    found: Vec<(usize, String, String)>,
}

impl<'t> Report<'t> {
    fn new(name: &'t str, text: &str) -> Self {
        Self {
            name,
            lines: text.match_indices('\n').map(|(end, _)| end).collect(),
            found: Vec::new(),
        }
    }

    /// Notes a violation at an offset in bytes.
    pub(super) fn violate(
        &mut self,
        offset: usize,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.found.push((offset, problem.into(), remedy.into()));
    }

    /// The line, from 1, that an offset in bytes lies in.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|end| *end < offset) + 1
    }

    /// From the first line to the last; what is over the limit is only counted.
    fn violations(mut self) -> Vec<Violation> {
        self.found.sort_by_key(|(offset, ..)| *offset);
        let rest = self.found.split_off(self.found.len().min(LIMIT_VIOLATIONS));
        let found = std::mem::take(&mut self.found);
        let mut violations: Vec<_> = found
            .into_iter()
            .map(|(offset, problem, remedy)| Violation {
                place: format!("{}:{}", self.name, self.line(offset)),
                problem,
                remedy,
            })
            .collect();
        if !rest.is_empty() {
            violations.push(Violation {
                place: self.name.to_owned(),
                problem: format!("{} more problems", rest.len()),
                remedy: "correct those above first".to_owned(),
            });
        }
        violations
    }
}

fn read_text(path: &Path, name: &str) -> Result<String, Violation> {
    let violation = |problem: String, remedy: &str| Violation {
        place: name.to_owned(),
        problem,
        remedy: remedy.to_owned(),
    };
    let unreadable = |error: io::Error| {
        violation(
            format!("it cannot be read: {error}"),
            "name a file that can be read",
        )
    };
    let mut file = open(path).map_err(unreadable)?;
    // Asked of the open file: the name may mean another one by now.
    let metadata = file.metadata().map_err(unreadable)?;
    if is_exposed(&metadata) {
        let remedy = format!("run: chmod 600 {name}");
        return Err(violation(
            "others than its owner may use it".to_owned(),
            &remedy,
        ));
    }
    let mut bytes = Vec::new();
    file.by_ref()
        .take(LIMIT_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > LIMIT_BYTES {
        let problem = format!("it has more than {LIMIT_BYTES} bytes");
        return Err(violation(
            problem,
            "keep fewer users in it, or their users in Clerk",
        ));
    }
    let after = file.metadata().map_err(unreadable)?;
    if Stamp::new(&after) != Stamp::new(&metadata) {
        return Err(violation(
            "it changed while it was read".to_owned(),
            "write it to another name, then rename it",
        ));
    }
    String::from_utf8(bytes)
        .map_err(|_| violation("it is not UTF-8".to_owned(), "save it as UTF-8"))
}

fn open(path: &Path) -> io::Result<File> {
    // Opening a pipe would wait for its writer.
    if fs::metadata(path)?.is_file() {
        File::open(path)
    } else {
        Err(io::Error::other("it is not a file"))
    }
}

#[cfg(test)]
mod tests;
