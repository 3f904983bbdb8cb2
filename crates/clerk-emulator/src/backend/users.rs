//! Finding and showing users.

use std::cmp::Ordering;

use serde_json::{Value, json};

use crate::{
    account::Account, accounts::newest_first, errors::Refusal, frontend::Call,
    frontend::params::Params,
};

/// The most values of one filter.
const MOST_VALUES: usize = 100;

/// `GET /v1/users`
pub(super) fn list(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let mut found = found(call)?;
    sort(&mut found, call.query.get("order_by"))?;
    let page = call.query.page()?;
    let users = page.of(found.into_iter());
    Ok(users
        .map(|account| call.view().backend_user(account))
        .collect())
}

/// `GET /v1/users/count`
pub(super) fn count(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let count = found(call)?.len();
    Ok(json!({"object": "total_count", "total_count": count}))
}

/// `GET /v1/users/{user_id}`
pub(super) fn get(call: &mut Call<'_>) -> Result<Value, Refusal> {
    Ok(call.view().backend_user(named(call)?))
}

/// The account whose id the path names.
pub(super) fn named<'a>(call: &'a Call<'_>) -> Result<&'a Account, Refusal> {
    let account = call.world.accounts.get(call.path_id(0));
    account.ok_or_else(|| Refusal::new("resource_not_found"))
}

/// What the query finds, the newest first. Every filter must let an account pass, by one of its values.
pub(super) fn found<'a>(call: &'a Call<'_>) -> Result<Vec<&'a Account>, Refusal> {
    let query = &call.query;
    let accounts = &call.world.accounts;
    let mut found: Option<Vec<_>> = None;
    for (name, own) in EXACT {
        let wanted = values(query, name)?;
        if !wanted.is_empty() {
            let found = found.get_or_insert_with(|| accounts.claiming(&wanted));
            found.retain(|account| {
                let own = own(account);
                own.iter()
                    .any(|own| wanted.iter().any(|wanted| same(own, wanted)))
            });
        }
    }
    let mut found = found.unwrap_or_else(|| accounts.values().collect());
    for name in ["user_id", "external_id", "organization_id"] {
        let choice = Choice::of(&values(query, name)?);
        found.retain(|account| choice.lets_pass(&ids(call, account, name)));
    }
    for (name, fields) in PARTIAL {
        if let Some(part) = query.get(name).filter(|part| !part.is_empty()) {
            let part = part.to_lowercase();
            found.retain(|account| {
                let texts = fields.iter().flat_map(|field| field(account));
                texts
                    .map(str::to_lowercase)
                    .any(|text| text.contains(&part))
            });
        }
    }
    newest_first(&mut found);
    Ok(found)
}

type Field = fn(&Account) -> Vec<&str>;

/// Filters by the whole value. An e-mail address that was never verified is found, too.
const EXACT: [(&str, Field); 4] = [
    ("email_address", emails),
    ("phone_number", phone),
    ("username", username),
    ("web3_wallet", |_| Vec::new()),
];
/// Filters by a part of a value.
const PARTIAL: [(&str, &[Field]); 5] = [
    (
        "query",
        &[
            emails,
            phone,
            username,
            |account| vec![&account.id],
            first_name,
            last_name,
        ],
    ),
    ("email_address_query", &[emails]),
    ("phone_number_query", &[phone]),
    ("username_query", &[username]),
    ("name_query", &[first_name, last_name]),
];

fn emails(account: &Account) -> Vec<&str> {
    account.emails().map(|(_, address, _)| address).collect()
}

fn phone(account: &Account) -> Vec<&str> {
    account.user.phone_number.as_deref().into_iter().collect()
}

fn username(account: &Account) -> Vec<&str> {
    account.user.username.as_deref().into_iter().collect()
}

fn first_name(account: &Account) -> Vec<&str> {
    account.user.first_name.as_deref().into_iter().collect()
}

fn last_name(account: &Account) -> Vec<&str> {
    account.user.last_name.as_deref().into_iter().collect()
}

fn same(own: &str, wanted: &str) -> bool {
    // Most are, and many are compared.
    if own.is_ascii() && wanted.is_ascii() {
        return own.eq_ignore_ascii_case(wanted);
    }
    own.to_lowercase() == wanted.to_lowercase()
}

/// The values of a repeatable filter, by its name with or without brackets.
pub(super) fn values(query: &Params, name: &str) -> Result<Vec<String>, Refusal> {
    let bracketed = format!("{name}[]");
    let values: Vec<_> = query
        .all(name)
        .chain(query.all(&bracketed))
        .map(str::to_owned)
        .collect();
    if values.len() > MOST_VALUES {
        return Err(Refusal::new("form_param_value_invalid").param(name));
    }
    Ok(values)
}

fn ids(call: &Call<'_>, account: &Account, filter: &str) -> Vec<String> {
    match filter {
        "user_id" => vec![account.id.clone()],
        "external_id" => account.user.external_id.iter().cloned().collect(),
        _ => {
            let ids = account
                .memberships
                .iter()
                .map(|found| &found.organization_id);
            let organizations = ids.filter_map(|id| call.world.organizations.find(id));
            organizations
                .map(|organization| organization.id.clone())
                .collect()
        }
    }
}

/// A filter by id, where `-` before a value excludes and `+` includes. A plus that was not percent-encoded
/// arrives as a space.
struct Choice {
    included: Vec<String>,
    excluded: Vec<String>,
}

impl Choice {
    fn of(values: &[String]) -> Self {
        let mut choice = Self {
            included: Vec::new(),
            excluded: Vec::new(),
        };
        for value in values {
            match value.strip_prefix('-') {
                Some(value) => choice.excluded.push(value.to_owned()),
                None => choice
                    .included
                    .push(value.trim_start_matches(['+', ' ']).to_owned()),
            }
        }
        choice
    }

    fn lets_pass(&self, ids: &[String]) -> bool {
        let is_in = |list: &[String]| ids.iter().any(|id| list.contains(id));
        (self.included.is_empty() || is_in(&self.included)) && !is_in(&self.excluded)
    }
}

/// Sorts by a field, downwards after `-`. Users that have no value for it come first.
fn sort(accounts: &mut [&Account], order_by: Option<&str>) -> Result<(), Refusal> {
    let order_by = order_by.unwrap_or("-created_at");
    let (descends, field) = match order_by.strip_prefix('-') {
        Some(field) => (true, field),
        None => (false, order_by.trim_start_matches(['+', ' '])),
    };
    let compare: fn(&Account, &Account) -> Ordering = match field {
        "created_at" => |one, other| one.number.cmp(&other.number),
        "updated_at" => |one, other| one.updated_at.cmp(&other.updated_at),
        "email_address" => |one, other| one.user.email.cmp(&other.user.email),
        "phone_number" => |one, other| phone(one).cmp(&phone(other)),
        "username" => |one, other| username(one).cmp(&username(other)),
        "first_name" => |one, other| first_name(one).cmp(&first_name(other)),
        "last_name" => |one, other| last_name(one).cmp(&last_name(other)),
        "last_sign_in_at" | "last_active_at" => {
            |one, other| one.last_sign_in_at.cmp(&other.last_sign_in_at)
        }
        "web3wallet" => |_, _| Ordering::Equal,
        _ => return Err(Refusal::new("form_param_value_invalid").param("order_by")),
    };
    accounts.sort_by(|one, other| {
        let order = compare(one, other);
        if descends { order.reverse() } else { order }
    });
    Ok(())
}
