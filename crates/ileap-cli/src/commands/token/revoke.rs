//! `ileap token revoke`

use ileap_server::{
    audit::Event,
    clock::{Clock as _, SystemClock},
    config::Config,
    doctor::{Doctor, SubjectError},
    identity::ClientId,
    invalidation::{leave_cut_off, leave_revocation},
    store::tokens::Revocation,
    token::{RevokedToken, TokenError, UnverifiedToken},
    verify::VerifyError,
};
use serde::Serialize;

use super::{Tokens, read};
use crate::{
    cli::RevokeArguments,
    commands::{load, load_for_store, on_record::OnRecord, open_kept_store, refused_by_store},
    exit::{Exit, Failed},
    output::{self, sanitised},
};

const FOLLOW: &str = "running servers follow within two seconds";

/// What was revoked; with `--json` printed as it is.
#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "revoked")]
enum Revoked {
    /// The token had expired.
    Nothing,
    /// Every token of the account up to now.
    Subject { subject: String },
    /// One token.
    Token { subject: String, token_id: String },
}

/// Revokes, in the store that the servers follow.
pub(super) async fn run(arguments: RevokeArguments) -> Result<(), Failed> {
    let revoked = match (arguments.subject.as_deref(), &arguments.client) {
        (Some(subject), _) => {
            check(subject)?;
            cut_off(&load_for_store(&arguments.config)?, subject).await?
        }
        (None, Some(client_id)) => {
            let config = load(&arguments.config)?;
            let subject = subject_of(&config, client_id).await?;
            cut_off(&config, &subject).await?
        }
        (None, None) => revoke_one(&arguments).await?,
    };
    if arguments.json {
        return output::json(&revoked);
    }
    output::line(match revoked {
        Revoked::Nothing => "nothing to revoke: the token has expired".to_owned(),
        Revoked::Subject { subject } => {
            let subject = sanitised(&subject);
            format!("revoked every token of {subject} up to now; {FOLLOW}")
        }
        Revoked::Token { subject, token_id } => {
            let (subject, id) = (sanitised(&subject), sanitised(&token_id));
            format!("revoked token {id} of {subject}; {FOLLOW}")
        }
    })
}

async fn revoke_one(arguments: &RevokeArguments) -> Result<Revoked, Failed> {
    const ATTEMPTED: &str = "revoking the token";
    let text = read(arguments.file.as_deref())?;
    let tokens = Tokens::load(&arguments.config).await?;
    let config = tokens.config.clone();
    let examined = tokens
        .validator()
        .examine(UnverifiedToken::new(text.trim()));
    let token = match examined {
        Ok(token) => token,
        Err(TokenError::Expired) => return Ok(Revoked::Nothing),
        Err(TokenError::Invalid(reason)) => {
            let why = format!(
                "it does not count anyway ({}); is it of this server, with these keys and this public_base_url?",
                reason.as_str()
            );
            return Err(Failed::new(ATTEMPTED, why));
        }
    };
    let on_record = OnRecord::open(&config)?;
    let store = open_kept_store(&config).await?;
    let revoked = RevokedToken::from(&*token);
    let revocation = leave_revocation(&store, &revoked, SystemClock.now()).await;
    let RevokedToken { id, subject, .. } = revoked;
    let revocation = revocation.map_err(|error| refused_by_store(ATTEMPTED, &error))?;
    on_record.change(Event::Revocation, &subject, &revocation.change(&id))?;
    Ok(match revocation {
        Revocation::OfSubject(_) => Revoked::Subject { subject },
        Revocation::OfToken => Revoked::Token {
            subject,
            token_id: id,
        },
    })
}

/// What no token carries would be cut off without effect.
fn check(subject: &str) -> Result<(), Failed> {
    // The last: those of `ileap token mint`.
    let kinds = ["clerk", "static", "minted"];
    let parts = subject.split_once('|');
    if parts.is_some_and(|(kind, name)| kinds.contains(&kind) && !name.is_empty()) {
        return Ok(());
    }
    let attempted = format!("revoking the tokens of {}", sanitised(subject));
    let why = "that is no subject of a token: write clerk|user_... or static|<client id>, as the log line \"token \
               issued\" does, or name the client with --client";
    Err(Failed::new(attempted, why).exiting(Exit::Usage))
}

async fn cut_off(config: &Config, subject: &str) -> Result<Revoked, Failed> {
    let on_record = OnRecord::open(config)?;
    let store = open_kept_store(config).await?;
    let cut_off = leave_cut_off(&store, subject, SystemClock.now()).await;
    cut_off
        .map_err(|error| refused_by_store(format!("revoking the tokens of {subject}"), &error))?;
    on_record.change(Event::Revocation, subject, Revocation::ALL)?;
    Ok(Revoked::Subject {
        subject: subject.to_owned(),
    })
}

async fn subject_of(config: &Config, client_id: &ClientId) -> Result<String, Failed> {
    let found = Doctor::new(config).subject(client_id).await;
    found.map_err(|error| {
        let exit = match &error {
            SubjectError::Clerk(VerifyError::Misconfigured { .. }) | SubjectError::NotAsked => {
                Exit::Config
            }
            SubjectError::Clerk(_) => Exit::Unavailable,
            SubjectError::Nobody | SubjectError::Several(_) => Exit::Failed,
        };
        let attempted = format!("finding the account of {}", client_id.as_str());
        let remedy = "name it with --subject, as the log line \"token issued\" does";
        Failed::new(attempted, format!("{error}; {remedy}")).exiting(exit)
    })
}
