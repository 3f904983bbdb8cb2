//! Making, changing and deleting users.

use serde_json::{Value, json};

use super::users::named;
use crate::{
    account::Account,
    endpoint::Endpoint,
    errors::Refusal,
    frontend::Call,
    session::SessionStatus,
    state::World,
    users::{EmulatorEmail, EmulatorUser, Password},
};

/// `POST /v1/users`
pub(super) fn create(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let user = new_user(call)?;
    let skips_password = call.json.flag("skip_password_requirement")? == Some(true);
    if user.identifier().is_empty() {
        return Err(Refusal::new("form_data_missing").param("email_address"));
    }
    if user.password.is_none() && !skips_password {
        return Err(Refusal::new("form_data_missing").param("password"));
    }
    check_free(call.world, &user, None)?;
    let change = Change::read(call)?;
    let (lockout, now) = (call.shared.options.lockout, call.now);
    let id = call.world.create_user(user, lockout, now);
    call.world
        .update_user(&id, now, |account| change.noted(account));
    shown(call, &id)
}

/// `PATCH /v1/users/{user_id}`
pub(super) fn update(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let account = named(call)?;
    let id = account.id.clone();
    let user = changed_user(call, account)?;
    check_free(call.world, &user, Some(&id))?;
    let password = password(call)?;
    let signs_out = call.json.flag("sign_out_of_other_sessions")? == Some(true);
    let change = Change::read(call)?;
    let now = call.now;
    if signs_out && password.is_some() {
        call.world
            .end_sessions_of_user(&id, SessionStatus::Ended, now);
    }
    call.world.update_user(&id, now, |account| {
        account.user = user;
        if let Some(password) = password {
            account.replace_password(password, now);
        }
        change.noted(account);
    });
    shown(call, &id)
}

/// `DELETE /v1/users/{user_id}`
pub(super) fn delete(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let id = named(call)?.id.clone();
    call.world.delete_user(&id, call.now);
    Ok(json!({"object": "user", "id": id, "deleted": true}))
}

/// `POST /v1/users/{user_id}/lock`, `unlock`, `ban` and `unban`
pub(super) fn change_state(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let id = named(call)?.id.clone();
    let (lockout, now) = (call.shared.options.lockout, call.now);
    match call.incoming.endpoint {
        Endpoint::BackendLockUser => call
            .world
            .update_user(&id, now, |account| account.lock_for(lockout, now)),
        Endpoint::BackendUnlockUser => call.world.update_user(&id, now, Account::unlock),
        Endpoint::BackendBanUser => call.world.ban_user(&id, now),
        _ => call
            .world
            .update_user(&id, now, |account| account.banned = false),
    }
    shown(call, &id)
}

fn shown(call: &Call<'_>, id: &str) -> Result<Value, Refusal> {
    let account = call.world.accounts.get(id).ok_or_else(Refusal::internal)?;
    Ok(call.view().backend_user(account))
}

/// The user that was described. Its first e-mail address is the primary one, and the Backend API is believed
/// that all of them are verified.
fn new_user(call: &Call<'_>) -> Result<EmulatorUser, Refusal> {
    let mut emails = identifiers(call, "email_address")?.into_iter();
    let email = emails.next();
    let other_emails = emails.map(|address| EmulatorEmail {
        address,
        verified: true,
    });
    let text = |name| -> Result<_, Refusal> { Ok(call.json.filled(name)?.map(str::to_owned)) };
    Ok(EmulatorUser {
        email,
        other_emails: other_emails.collect(),
        phone_number: phone_number(call)?,
        username: text("username")?,
        password: password(call)?,
        external_id: text("external_id")?,
        first_name: text("first_name")?,
        last_name: text("last_name")?,
        bypass_client_trust: call.json.flag("bypass_client_trust")?.unwrap_or_default(),
        ..EmulatorUser::default()
    })
}

/// The user with the changes that were asked for.
fn changed_user(call: &Call<'_>, account: &Account) -> Result<EmulatorUser, Refusal> {
    let mut user = account.user.clone();
    for primary in ["primary_email_address_id", "primary_phone_number_id"] {
        let wanted = call.json.text(primary)?;
        if wanted.is_some_and(|wanted| wanted != account.identification_id) {
            return Err(Refusal::new("form_resource_not_found").param(primary));
        }
    }
    for (name, own) in [
        ("username", &mut user.username),
        ("external_id", &mut user.external_id),
        ("first_name", &mut user.first_name),
        ("last_name", &mut user.last_name),
    ] {
        // Null and nothing at all differ: null takes away.
        if call.json.has(name) {
            let text = call.json.text(name)?;
            *own = text.filter(|text| !text.is_empty()).map(str::to_owned);
        }
    }
    if let Some(trusted) = call.json.flag("bypass_client_trust")? {
        user.bypass_client_trust = trusted;
    }
    if user.identifier().is_empty() {
        return Err(Refusal::new("form_data_missing").param("username"));
    }
    Ok(user)
}

/// The e-mail addresses or telephone numbers of a new user.
fn identifiers(call: &Call<'_>, name: &str) -> Result<Vec<String>, Refusal> {
    let identifiers = call.json.texts(name)?.unwrap_or_default();
    let is_sound = |text: &String| match name {
        "email_address" => {
            let domain = text.split_once('@').map(|(_, domain)| domain);
            domain.is_some_and(|domain| domain.contains('.'))
        }
        _ => text.starts_with('+'),
    };
    if !identifiers.iter().all(is_sound) {
        return Err(Refusal::new("form_param_format_invalid").param(name));
    }
    Ok(identifiers)
}

/// The one telephone number that a user can have here.
fn phone_number(call: &Call<'_>) -> Result<Option<String>, Refusal> {
    let mut numbers = identifiers(call, "phone_number")?;
    if numbers.len() > 1 {
        return Err(Refusal::new("form_param_value_invalid").param("phone_number"));
    }
    Ok(numbers.pop())
}

/// The new password, if it is one. Hashes are not taken.
fn password(call: &Call<'_>) -> Result<Option<Password>, Refusal> {
    if call.json.text("password_digest")?.is_some() {
        return Err(Refusal::new("form_param_value_invalid").param("password_digest"));
    }
    let Some(password) = call.json.filled("password")? else {
        return Ok(None);
    };
    let skips_checks = call.json.flag("skip_password_checks")? == Some(true);
    if !skips_checks && password.chars().count() < Password::FEWEST_CHARS {
        return Err(Refusal::new("form_password_length_too_short").param("password"));
    }
    if password.len() > Password::MOST_BYTES {
        return Err(Refusal::new("form_password_size_in_bytes_exceeded").param("password"));
    }
    Ok(Some(Password::new(password)))
}

/// No two users share a name.
fn check_free(world: &World, user: &EmulatorUser, own_id: Option<&str>) -> Result<(), Refusal> {
    let taken = |name| Err(Refusal::new("form_identifier_exists").param(name));
    for (key, name) in user.names() {
        let other = world.accounts.find(name);
        if other.is_some_and(|other| Some(other.id.as_str()) != own_id) {
            return taken(if key == "email" { "email_address" } else { key });
        }
    }
    let mut others = world.accounts.values();
    let shares_external_id = |other: &Account| {
        other.user.external_id == user.external_id && Some(other.id.as_str()) != own_id
    };
    if user.external_id.is_some() && others.any(shares_external_id) {
        return taken("external_id");
    }
    Ok(())
}

/// What is noted about a user besides names and password.
struct Change {
    metadata: [Option<serde_json::Map<String, Value>>; 3],
    has_totp: bool,
    backup_codes: Option<Vec<String>>,
}

impl Change {
    fn read(call: &Call<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            metadata: [
                call.json.object("public_metadata")?,
                call.json.object("private_metadata")?,
                call.json.object("unsafe_metadata")?,
            ],
            has_totp: call.json.filled("totp_secret")?.is_some(),
            backup_codes: call.json.texts("backup_codes")?,
        })
    }

    fn noted(self, account: &mut Account) {
        account.metadata.replace(self.metadata);
        if self.has_totp && !account.has_mfa() {
            account.set_up_mfa();
        }
        if let (Some(own), Some(codes)) = (&mut account.mfa, self.backup_codes) {
            *own = codes;
        }
    }
}
