//! From TOML to users, with every problem noted on the way.

use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    file::{Report, User},
    secret_hash::{self, SecretHash},
};
use crate::identity::{ClientId, Role};

/// The most users in a file.
const LIMIT_USERS: usize = 100_000;
/// The longest organization id, in bytes.
const ORGANIZATION_LIMIT_BYTES: usize = 256;
/// The most edits that a mistyped key is away from the one that was meant.
const NEAR: usize = 3;

const KEYS: [&str; 4] = [CLIENT_ID, SECRET_HASH, ROLE, ORGANIZATION];
const CLIENT_ID: &str = "client_id";
const SECRET_HASH: &str = "secret_hash";
const ROLE: &str = "role";
const ORGANIZATION: &str = "organization";

/// The users in `table`. One that something is wrong with is left out, and noted.
pub(super) fn users(table: DeTable<'_>, report: &mut Report<'_>) -> HashMap<ClientId, User> {
    let mut users = HashMap::new();
    let mut places = HashMap::new();
    for value in user_tables(table, report) {
        let offset = value.span().start;
        let (client_id, user) = user(value, report);
        let Some(client_id) = client_id else { continue };
        match places.entry(client_id.clone()) {
            Entry::Occupied(first) => {
                let line = report.line(*first.get());
                let problem = format!("its client_id is that of the user in line {line}");
                report.violate(offset, problem, "keep one of them");
            }
            Entry::Vacant(place) => {
                place.insert(offset);
            }
        }
        if let Some(user) = user {
            users.insert(client_id, user);
        }
    }
    users
}

fn user_tables<'i>(table: DeTable<'i>, report: &mut Report<'_>) -> Vec<Spanned<DeValue<'i>>> {
    let mut users = Vec::new();
    for (name, value) in table {
        let offset = name.span().start;
        match value.into_inner() {
            DeValue::Array(tables) if name.get_ref() == "user" => {
                if tables.len() > LIMIT_USERS {
                    let problem = format!("there are more than {LIMIT_USERS} users");
                    report.violate(offset, problem, "keep fewer in it");
                } else {
                    users.extend(tables);
                }
            }
            _ => report.violate(
                offset,
                "it is no [[user]] table",
                "keep nothing but those, each with its keys below",
            ),
        }
    }
    users
}

/// The client id, for itself too: that it is there twice can be said whatever else is wrong.
fn user(value: Spanned<DeValue<'_>>, report: &mut Report<'_>) -> (Option<ClientId>, Option<User>) {
    let offset = value.span().start;
    let DeValue::Table(table) = value.into_inner() else {
        let remedy = "write [[user]] and its keys below";
        report.violate(offset, "it is no table", remedy);
        return (None, None);
    };
    let mut fields = Fields::read(table, offset, report);
    let client_id = fields.client_id(report);
    let hash = fields.secret_hash(report);
    let role = fields.role(report);
    let organization = fields.organization(report);
    let user = hash.zip(role).map(|(hash, role)| User {
        hash,
        organization,
        role,
    });
    (client_id, user)
}

/// The texts of one table, with their places. `None` for one that is there and no text.
struct Fields {
    offset: usize,
    found: BTreeMap<&'static str, (usize, Option<String>)>,
}

impl Fields {
    fn read(table: DeTable<'_>, offset: usize, report: &mut Report<'_>) -> Self {
        let mut found = BTreeMap::new();
        for (name, value) in table {
            let offset = name.span().start;
            let Some(key) = KEYS.into_iter().find(|key| key == name.get_ref()) else {
                report.violate(offset, "there is no such key", nearest(name.get_ref()));
                continue;
            };
            let text = value.get_ref().as_str().map(ToOwned::to_owned);
            if text.is_none() {
                let problem = format!("{key} is no text");
                report.violate(offset, problem, format!("write {key} = \"...\""));
            }
            found.insert(key, (offset, text));
        }
        Self { offset, found }
    }

    /// A text that must be there.
    fn take(&mut self, key: &'static str, report: &mut Report<'_>) -> Option<(usize, String)> {
        if let Some((offset, text)) = self.found.remove(key) {
            return text.map(|text| (offset, text));
        }
        let problem = format!("the user has no {key}");
        report.violate(self.offset, problem, format!("write {key} = \"...\""));
        None
    }

    fn client_id(&mut self, report: &mut Report<'_>) -> Option<ClientId> {
        let (offset, text) = self.take(CLIENT_ID, report)?;
        let client_id = ClientId::new(text);
        if client_id.is_none() {
            let problem = "client_id is empty, over 256 bytes long, or has control characters";
            report.violate(offset, problem, "give the partner another one");
        }
        client_id
    }

    fn secret_hash(&mut self, report: &mut Report<'_>) -> Option<SecretHash> {
        let (offset, text) = self.take(SECRET_HASH, report)?;
        let problems = match SecretHash::parse(&text) {
            Ok(hash) => return Some(hash),
            Err(problems) => problems,
        };
        for problem in problems {
            let problem = format!("secret_hash cannot be used: {problem}");
            report.violate(offset, problem, secret_hash::REMEDY);
        }
        None
    }

    fn role(&mut self, report: &mut Report<'_>) -> Option<Role> {
        let (offset, text) = self.take(ROLE, report)?;
        let role = text.parse().ok();
        if role.is_none() {
            let remedy = "write user, organizer, operator or all";
            report.violate(offset, "there is no such role", remedy);
        }
        role
    }

    /// `None` when there is none, and when it cannot be used: with a violation noted, no user counts.
    fn organization(&mut self, report: &mut Report<'_>) -> Option<String> {
        let (offset, text) = self.found.remove(ORGANIZATION)?;
        let text = text?;
        let fits = !text.is_empty() && text.len() <= ORGANIZATION_LIMIT_BYTES;
        // A `|` makes a subject, and access rules name organizations and subjects alike.
        if !fits || text.chars().any(|char| char.is_control() || char == '|') {
            let problem =
                "organization is empty, over 256 bytes long, or has control characters or a |";
            report.violate(offset, problem, "write an id such as \"org_acme\"");
            return None;
        }
        Some(text)
    }
}

fn nearest(name: &str) -> String {
    let distance = |key: &&str| strsim::damerau_levenshtein(key, name);
    let near = KEYS.into_iter().min_by_key(distance);
    match near.filter(|key| distance(key) <= NEAR) {
        Some(key) => format!("did you mean {key}?"),
        None => format!("a user has {}", KEYS.join(", ")),
    }
}
