//! The settings that clients may read: `GET /v1/environment`.
//!
//! Whether Device Trust is on cannot be read here, with Clerk neither.

use serde_json::{Map, Value, json};

use super::Call;
use crate::{
    answer::with,
    options::{EnumerationProtection, InstanceKind},
};

const PROVIDERS: [&str; 31] = [
    "oauth_apple",
    "oauth_atlassian",
    "oauth_bitbucket",
    "oauth_box",
    "oauth_coinbase",
    "oauth_custom_mock",
    "oauth_discord",
    "oauth_dropbox",
    "oauth_enstall",
    "oauth_expressen",
    "oauth_facebook",
    "oauth_github",
    "oauth_gitlab",
    "oauth_google",
    "oauth_hubspot",
    "oauth_huggingface",
    "oauth_instagram",
    "oauth_line",
    "oauth_linear",
    "oauth_linkedin",
    "oauth_linkedin_oidc",
    "oauth_microsoft",
    "oauth_mock",
    "oauth_notion",
    "oauth_slack",
    "oauth_spotify",
    "oauth_tiktok",
    "oauth_twitch",
    "oauth_twitter",
    "oauth_x",
    "oauth_xero",
];

/// The whole document, without an envelope.
pub(crate) fn environment(call: &Call<'_>) -> Value {
    json!({
        "auth_config": auth_config(call),
        "display_config": display_config(call),
        "user_settings": user_settings(call),
        "organization_settings": {
            "enabled": true,
            "max_allowed_memberships": 5,
            "actions": {"admin_delete": true},
            "domains": {"enabled": false, "enrollment_modes": [], "default_role": "org:member"},
            "slug": {"disabled": false},
            "creator_role": "org:admin",
        },
        "fraud_settings": {
            "object": "fraud_settings",
            "native": {"device_attestation_mode": "disabled"},
        },
        "commerce_settings": {"billing": {
            "stripe_publishable_key": null,
            "user": {"enabled": false, "has_paid_plans": false},
            "organization": {"enabled": false, "has_paid_plans": false},
        }},
        "api_keys_settings": {
            "enabled": false,
            "user_api_keys_enabled": false,
            "orgs_api_keys_enabled": false,
            "usage_alerts_enabled": false,
            "usage_alerts_monthly_limit_cents": null,
        },
        "protect_config": {"loaders": []},
        "client_debug_mode": false,
        "partitioned_cookies": false,
        "maintenance_mode": call.world.maintenance,
    })
}

fn auth_config(call: &Call<'_>) -> Value {
    let options = &call.shared.options;
    json!({
        "object": "auth_config",
        "id": call.shared.instance_id.replacen("ins_", "aconf_", 1),
        "first_name": "off",
        "last_name": "off",
        "email_address": "on",
        "phone_number": "off",
        "username": "on",
        "password": "required",
        "identification_requirements": [["email_address", "username"]],
        "identification_strategies": ["email_address", "username"],
        "first_factors": ["password", "email_code", "reset_password_email_code"],
        "second_factors": ["totp", "backup_code", "phone_code"],
        "email_address_verification_strategies": ["email_code"],
        "single_session_mode": options.single_session,
        "enhanced_email_deliverability": false,
        "test_mode": options.instance_kind == InstanceKind::Development,
        "cookieless_dev": true,
        "url_based_session_syncing": true,
        "claimed_at": null,
        "reverification": false,
        "native_settings": {
            "object": "native_settings",
            "api_enabled": options.native_api,
            "trusted_device_sign_in_enabled": false,
            "trusted_device_enrollment_prompt_after_sign_in_enabled": false,
            "trusted_device_enrollment_prompt_after_sign_up_enabled": false,
        },
    })
}

fn display_config(call: &Call<'_>) -> Value {
    let is_development = call.shared.options.instance_kind == InstanceKind::Development;
    let mut config = json!({
        "object": "display_config",
        "id": call.shared.instance_id.replacen("ins_", "display_config_", 1),
        "instance_environment_type": if is_development { "development" } else { "production" },
        "application_name": "Clerk emulator",
        "theme": {},
        "preferred_sign_in_strategy": "password",
        "branded": false,
        "experimental_force_oauth_first": false,
        "show_devmode_warning": is_development,
        "captcha_oauth_bypass": [],
        "captcha_heartbeat": false,
    });
    for name in [
        "logo_image_url",
        "favicon_image_url",
        "support_email",
        "clerk_js_version",
        "google_one_tap_client_id",
        "help_url",
        "privacy_policy_url",
        "terms_url",
        "logo_url",
        "favicon_url",
        "logo_image",
        "favicon_image",
        "captcha_public_key",
        "captcha_widget_type",
        "captcha_public_key_invisible",
        "captcha_provider",
    ] {
        config = with(config, name, Value::Null);
    }
    for name in [
        "home_url",
        "sign_in_url",
        "sign_up_url",
        "user_profile_url",
        "waitlist_url",
        "after_sign_in_url",
        "after_sign_up_url",
        "after_sign_out_one_url",
        "after_sign_out_all_url",
        "after_switch_session_url",
        "after_join_waitlist_url",
        "organization_profile_url",
        "create_organization_url",
        "after_leave_organization_url",
        "after_create_organization_url",
        "logo_link_url",
        "oauth_consent_url",
    ] {
        config = with(config, name, json!(call.shared.origin));
    }
    config
}

fn user_settings(call: &Call<'_>) -> Value {
    json!({
        "attributes": attributes(),
        "social": PROVIDERS.map(|name| (name.to_owned(), provider(name))).into_iter().collect::<Map<_, _>>(),
        "saml": {"enabled": false},
        "enterprise_sso": {"enabled": false, "self_serve_sso": false},
        "sign_in": {"second_factor": {"required": false}},
        "sign_up": {
            "captcha_enabled": false,
            "captcha_widget_type": "smart",
            "custom_action_required": false,
            "progressive": true,
            "mode": "restricted",
            "legal_consent_enabled": false,
        },
        "restrictions": {
            "allowlist": {"enabled": false},
            "blocklist": {"enabled": false},
            "allowlist_blocklist_disabled_on_sign_in": {"enabled": false},
            "block_email_subaddresses": {"enabled": false},
            "block_disposable_email_domains": {"enabled": false},
        },
        "password_settings": {
            "disable_hibp": false,
            "min_length": 8,
            "max_length": 72,
            "require_special_char": false,
            "require_numbers": false,
            "require_uppercase": false,
            "require_lowercase": false,
            "show_zxcvbn": false,
            "min_zxcvbn_strength": 0,
            "enforce_hibp_on_sign_in": true,
            "disable_password_reverification": false,
            "allowed_special_characters": "",
        },
        "username_settings": {
            "min_length": 1,
            "max_length": 64,
            "allow_extended_special_characters": false,
            "allow_numeric_usernames": false,
        },
        "actions": {
            "delete_self": true,
            "create_organization": true,
            "create_organizations_limit": null,
        },
        "attack_protection": attack_protection(call),
        "passkey_settings": {
            "allow_autofill": false,
            "show_sign_in_button": false,
            "satisfies_second_factor": true,
        },
    })
}

fn attack_protection(call: &Call<'_>) -> Value {
    let options = &call.shared.options;
    let is_strict = options.enumeration_protection == EnumerationProtection::Strict;
    json!({
        "user_lockout": {
            "enabled": options.lockout.enabled,
            "max_attempts": options.lockout.max_attempts,
            "duration_in_minutes": options.lockout.minutes,
        },
        "pii": {"enabled": true},
        "email_link": {"require_same_client": false},
        "enumeration_protection": {"enabled": is_strict},
    })
}

fn attributes() -> Value {
    let off = || attribute(&[], &[], &[]);
    json!({
        "email_address": attribute(&["email_code"], &[], &["email_code"]),
        "phone_number": attribute(&[], &["phone_code"], &[]),
        "username": attribute(&["password"], &[], &[]),
        "web3_wallet": off(),
        "first_name": off(),
        "last_name": off(),
        "password": attribute(&["password"], &[], &[]),
        "authenticator_app": attribute(&[], &["totp"], &[]),
        "ticket": off(),
        "backup_code": attribute(&[], &["backup_code"], &[]),
        "passkey": off(),
    })
}

fn attribute(first: &[&str], second: &[&str], verifications: &[&str]) -> Value {
    json!({
        "enabled": !(first.is_empty() && second.is_empty()),
        "required": false,
        "used_for_first_factor": !first.is_empty(),
        "first_factors": first,
        "used_for_second_factor": !second.is_empty(),
        "second_factors": second,
        "verifications": verifications,
        "verify_at_sign_up": !verifications.is_empty(),
        "immutable": false,
    })
}

fn provider(strategy: &str) -> Value {
    json!({
        "enabled": false,
        "required": false,
        "authenticatable": false,
        "block_email_subaddresses": false,
        "strategy": strategy,
        "not_selectable": true,
        "deprecated": false,
    })
}
