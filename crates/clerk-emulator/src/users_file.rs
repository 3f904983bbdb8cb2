//! Accounts from TOML.

use serde::Deserialize as _;
use toml::{Table, Value};

use crate::users::{EmulatorMembership, EmulatorUser, Password, Scenario};

/// The short forms of roles.
const ROLES: [&str; 4] = ["user", "organizer", "operator", "all"];

/// Why a users file is refused. Users are counted from 0. No message repeats a password.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// Not TOML.
    #[error("reading the users: not valid TOML{}", at_line(*.line))]
    Syntax {
        /// The line, counted from 1, where that is known.
        line: Option<usize>,
    },
    /// Something else than `[[user]]` tables at the top.
    #[error("reading the users: `{key}` is not known; accounts are `[[user]]` tables")]
    UnknownTopLevelKey {
        /// The key.
        key: String,
    },
    /// A key no user has.
    #[error(
        "reading user {index}: `{key}` is not known; known are email, username, password, organization, role, scenario, \
         bypass_client_trust"
    )]
    UnknownKey {
        /// Which user.
        index: usize,
        /// The key.
        key: String,
    },
    /// A value that does not fit its key.
    #[error("reading user {index}: `{key}` {problem}")]
    Value {
        /// Which user.
        index: usize,
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Reads accounts from `[[user]]` tables with the keys `email` or `username`, `password`, `organization`
/// (a slug), `role` (`user`, `organizer`, `operator`, `all` or a key that starts with `org:`), `scenario`
/// and `bypass_client_trust`.
///
/// ```
/// let users = clerk_emulator::load_users(r#"
///     [[user]]
///     email = "ops@acme.example"
///     password = "correct horse"
///     organization = "acme"
///     role = "operator"
/// "#)?;
/// assert_eq!(users.len(), 1);
/// # Ok::<(), clerk_emulator::UsersError>(())
/// ```
pub fn load_users(toml: &str) -> Result<Vec<EmulatorUser>, UsersError> {
    let document: Table = toml.parse().map_err(|error| syntax(toml, &error))?;
    let mut users = Vec::new();
    for (key, value) in document {
        let Value::Array(tables) = value else {
            return Err(UsersError::UnknownTopLevelKey { key });
        };
        if key != "user" {
            return Err(UsersError::UnknownTopLevelKey { key });
        }
        for (index, table) in tables.into_iter().enumerate() {
            let Value::Table(table) = table else {
                return Err(UsersError::UnknownTopLevelKey { key });
            };
            users.push(user(index, table)?);
        }
    }
    refuse_twins(&users)?;
    Ok(users)
}

fn user(index: usize, table: Table) -> Result<EmulatorUser, UsersError> {
    let wrong = |key, problem| UsersError::Value {
        index,
        key,
        problem,
    };
    let mut user = EmulatorUser::default();
    let (mut organization, mut role) = (None, None);
    for (key, value) in table {
        match key.as_str() {
            "email" => user.email = Some(text(index, "email", value)?),
            "username" => user.username = Some(text(index, "username", value)?),
            "password" => user.password = Some(Password::new(text(index, "password", value)?)),
            "organization" => organization = Some(text(index, "organization", value)?),
            "role" => role = Some(text(index, "role", value)?),
            "scenario" => {
                user.scenario = Scenario::deserialize(value)
                    .map_err(|_| wrong("scenario", "is not a known scenario"))?;
            }
            "bypass_client_trust" => {
                user.bypass_client_trust = value
                    .as_bool()
                    .ok_or(wrong("bypass_client_trust", "must be true or false"))?;
            }
            _ => return Err(UsersError::UnknownKey { index, key }),
        }
    }
    if user.email.is_none() && user.username.is_none() {
        return Err(wrong("email", "or `username` is missing"));
    }
    if user.password.is_none() && user.scenario != Scenario::Passwordless {
        return Err(wrong("password", "is missing"));
    }
    user.memberships = membership(index, organization, role)?.into_iter().collect();
    Ok(user)
}

fn membership(
    index: usize,
    organization: Option<String>,
    role: Option<String>,
) -> Result<Option<EmulatorMembership>, UsersError> {
    let wrong = |key, problem| UsersError::Value {
        index,
        key,
        problem,
    };
    match (organization, role) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(wrong("organization", "is missing, a role is held in one")),
        (Some(_), None) => Err(wrong("role", "is missing, members have one")),
        (Some(_), Some(role)) if !role.starts_with("org:") && !ROLES.contains(&role.as_str()) => {
            Err(wrong(
                "role",
                "is neither user, organizer, operator, all nor a key that starts with org:",
            ))
        }
        (Some(organization), Some(role)) => Ok(Some(EmulatorMembership::new(&organization, &role))),
    }
}

fn text(index: usize, key: &'static str, value: Value) -> Result<String, UsersError> {
    match value {
        Value::String(text) if !text.is_empty() => Ok(text),
        Value::String(_) => Err(UsersError::Value {
            index,
            key,
            problem: "is empty",
        }),
        _ => Err(UsersError::Value {
            index,
            key,
            problem: "must be a string",
        }),
    }
}

/// Two accounts of one name could not be told apart.
pub(crate) fn twin(users: &[EmulatorUser]) -> Option<(usize, &'static str)> {
    let mut seen = std::collections::HashSet::new();
    for (index, user) in users.iter().enumerate() {
        for (key, name) in user.names() {
            if !seen.insert(name.to_lowercase()) {
                return Some((index, key));
            }
        }
    }
    None
}

fn refuse_twins(users: &[EmulatorUser]) -> Result<(), UsersError> {
    match twin(users) {
        Some((index, key)) => Err(UsersError::Value {
            index,
            key,
            problem: "is taken by an earlier user",
        }),
        None => Ok(()),
    }
}

/// The parser's own message is not passed on: it may quote the line, and with it a password.
fn syntax(toml: &str, error: &toml::de::Error) -> UsersError {
    let line = error
        .span()
        .and_then(|span| toml.get(..span.start))
        .map(|before| before.matches('\n').count() + 1);
    UsersError::Syntax { line }
}

fn at_line(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(" at line {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(toml: &str) -> String {
        load_users(toml).unwrap_err().to_string()
    }

    #[test]
    fn a_user_is_read_with_its_role_and_scenario() {
        let users = load_users(
            "[[user]]\nusername = \"hello\"\npassword = \"pathfinder\"\norganization = \"acme\"\nrole = \"operator\"\n\
             scenario = \"needs_new_password\"\n[[user]]\nemail = \"a@b.example\"\nscenario = \"passwordless\"\n",
        )
        .unwrap();
        assert_eq!(users[0].memberships[0].role, "org:ileap_operator");
        assert_eq!(users[0].scenario, Scenario::NeedsNewPassword);
        assert!(users[1].password.is_none());
    }

    #[test]
    fn an_error_names_the_user_and_the_key() {
        let good = "[[user]]\nusername = \"a\"\npassword = \"p\"\n";
        for (bad, expected) in [
            ("pasword = \"p\"", "reading user 1: `pasword` is not known"),
            (
                "password = 5\nusername = \"b\"",
                "reading user 1: `password` must be a string",
            ),
            ("username = \"b\"", "reading user 1: `password` is missing"),
            (
                "password = \"p\"",
                "reading user 1: `email` or `username` is missing",
            ),
            (
                "username = \"A\"\npassword = \"p\"",
                "reading user 1: `username` is taken",
            ),
            (
                "username = \"b\"\npassword = \"p\"\nscenario = \"nope\"",
                "reading user 1: `scenario` is not a known scenario",
            ),
            (
                "username = \"b\"\npassword = \"p\"\norganization = \"o\"\nrole = \"boss\"",
                "reading user 1: `role` is neither",
            ),
            (
                "username = \"b\"\npassword = \"p\"\nrole = \"all\"",
                "reading user 1: `organization` is missing",
            ),
        ] {
            let message = refusal(&format!("{good}[[user]]\n{bad}\n"));
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn only_user_tables_stand_at_the_top() {
        for toml in ["[[users]]\n", "user = 5\n", "user = [5]\n", "limit = 3\n"] {
            assert!(refusal(toml).contains("`[[user]]` tables"), "{toml}");
        }
    }

    #[test]
    fn a_syntax_error_names_the_line_and_quotes_nothing() {
        let message = refusal("[[user]]\nusername = \"a\"\npassword = \"s3cret\" oops\n");
        assert_eq!(message, "reading the users: not valid TOML at line 3");
    }
}
