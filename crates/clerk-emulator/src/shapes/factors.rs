//! The factors a sign-in offers.

use serde_json::{Value, json};

use crate::{account::Account, sign_in::Strategy};

/// The ways to sign in. An identifier that must not be told from a known one has a password only.
pub(super) fn first_factors(account: Option<&Account>) -> Vec<Value> {
    let mut factors = Vec::new();
    if account.is_none_or(Account::has_password) {
        factors.push(json!({"strategy": "password"}));
    }
    if let Some(account) = account
        && account.has_verified_email()
    {
        factors.push(email_factor(account, Strategy::EmailCode));
        if account.has_password() {
            factors.push(email_factor(account, Strategy::ResetPasswordEmailCode));
        }
    }
    factors
}

/// The ways to prove a second thing: those the user set up, else, for Device Trust, the mailbox.
pub(super) fn second_factors(account: &Account) -> Vec<Value> {
    if !account.has_mfa() && account.has_verified_email() {
        return vec![email_factor(account, Strategy::EmailCode)];
    }
    let phone = json!({
        "strategy": "phone_code",
        "safe_identifier": "+*******0105",
        "phone_number_id": account.identification_id,
        "default": true,
    });
    if account.has_mfa() {
        return vec![
            json!({"strategy": "totp"}),
            json!({"strategy": "backup_code"}),
            phone,
        ];
    }
    vec![phone]
}

fn email_factor(account: &Account, strategy: Strategy) -> Value {
    let (name, domain) = account.identifier().split_once('@').unwrap_or_default();
    let initial: String = name.chars().take(1).collect();
    json!({
        "strategy": strategy.as_str(),
        "safe_identifier": format!("{initial}**@{domain}"),
        "email_address_id": account.identification_id,
        "primary": true,
    })
}
