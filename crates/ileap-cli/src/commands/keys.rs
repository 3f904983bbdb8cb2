//! `ileap keys`

use std::sync::Arc;

use ileap_server::{
    audit::{Decision, Event},
    clock::{Clock as _, SystemClock},
    config::{Config, KeyPlace},
    server::{key_location, key_policy},
    token::{
        KeyError, KeyList, KeyLocation, KeyPolicy, KeyRecord, Revoked, RevokedKey, Rotated,
        Standing, list_keys, revoke_key, rotate_keys,
    },
};
use jiff::{Timestamp, Unit};
use serde_json::{Value, json};

use super::{key_store, load_for_store, on_record::OnRecord};
use crate::{
    cli::{ConfigArguments, KeysArguments, KeysCommand, RevokeKeyArguments},
    exit::{Exit, Failed},
    output::{self, sanitised},
};

/// Lists or changes the signing keys.
pub(crate) async fn run(command: KeysCommand) -> Result<(), Failed> {
    match command {
        KeysCommand::List(arguments) => list(&arguments).await,
        KeysCommand::Revoke(arguments) => revoke(&arguments).await,
        KeysCommand::Rotate(arguments) => rotate(&arguments).await,
    }
}

/// The place of the keys, and the rules for them.
struct Keys {
    config: Config,
    location: Arc<dyn KeyLocation>,
    policy: KeyPolicy,
}

impl Keys {
    async fn open(arguments: &ConfigArguments) -> Result<Self, Failed> {
        let config = load_for_store(arguments)?;
        let location = key_location(&config, key_store(&config).await?);
        Ok(Self {
            location: location.ok_or_else(|| failed("finding", &KeyError::Missing))?,
            policy: key_policy(&config),
            config,
        })
    }

    /// Where they are, for people: a directory that depends on where the command runs is shown whole.
    fn place(&self) -> String {
        let keys = &self.config.keys;
        match keys.location {
            KeyPlace::Directory => {
                let path = std::path::absolute(&keys.directory);
                let path = path.as_ref().unwrap_or(&keys.directory);
                format!("in {}", sanitised(&path.display().to_string()))
            }
            KeyPlace::Store => "in the database".to_owned(),
        }
    }
}

async fn list(arguments: &KeysArguments) -> Result<(), Failed> {
    let keys = Keys::open(&arguments.config).await?;
    let found = list_keys(&*keys.location, &keys.policy, SystemClock.now()).await;
    let found = found.map_err(|error| failed("listing", &error))?;
    if arguments.json {
        let kept = found.keys.iter().map(kept_as_json);
        let unusable = found.unusable.iter().map(unusable_as_json);
        let revoked = found.revoked.iter().map(revoked_as_json);
        let all: Vec<_> = kept.chain(unusable).chain(revoked).collect();
        output::json(&json!({ "keys": all }))?;
    } else {
        print(&found, &keys.place())?;
    }
    match found.trouble.first() {
        Some(error) => Err(failed("listing", error)),
        None => Ok(()),
    }
}

fn print(found: &KeyList, place: &str) -> Result<(), Failed> {
    if found.keys.is_empty() && found.revoked.is_empty() && found.trouble.is_empty() {
        return output::line(format!(
            "there are no keys {place} yet; the first start of the server makes one"
        ));
    }
    for (record, standing) in &found.keys {
        let until = standing.until.map(shown).unwrap_or_default();
        let rest = match standing.state.as_str() {
            "published" => format!("signs from {until}"),
            "active" => format!(
                "signs since {}, until {until}",
                shown(record.signs_from.max(record.published_at))
            ),
            "retiring" => format!("verifies until {until}"),
            _ => "will be removed".to_owned(),
        };
        line(
            &record.kid,
            record.algorithm.as_str(),
            standing.state.as_str(),
            &rest,
        )?;
    }
    for KeyRecord { kid, algorithm, .. } in &found.unusable {
        line(
            kid,
            algorithm.as_str(),
            "unusable",
            "signs and verifies nothing",
        )?;
    }
    for revoked in &found.revoked {
        let rest = format!("since {}", shown(revoked.at));
        line(&revoked.kid, revoked.algorithm.as_str(), "revoked", &rest)?;
    }
    Ok(())
}

fn line(kid: &str, algorithm: &str, state: &str, rest: &str) -> Result<(), Failed> {
    let line = format!("{kid:<43}  {algorithm:<5}  {state:<9}  {rest}");
    output::line(sanitised(&line))
}

/// A moment to the second.
fn shown(at: Timestamp) -> String {
    at.round(Unit::Second).unwrap_or(at).to_string()
}

fn kept_as_json((record, standing): &(KeyRecord, Standing)) -> Value {
    let KeyRecord {
        kid,
        algorithm,
        published_at,
        signs_from,
    } = record;
    json!({
        "kid": kid, "algorithm": algorithm.as_str(), "state": standing.state.as_str(),
        "published_at": published_at.to_string(), "signs_from": signs_from.to_string(),
        "until": standing.until.map(|until| until.to_string()),
    })
}

fn unusable_as_json(record: &KeyRecord) -> Value {
    json!({
        "kid": record.kid, "algorithm": record.algorithm.as_str(), "state": "unusable",
    })
}

fn revoked_as_json(revoked: &RevokedKey) -> Value {
    json!({
        "kid": revoked.kid, "algorithm": revoked.algorithm.as_str(), "state": "revoked",
        "revoked_at": revoked.at.to_string(),
    })
}

async fn rotate(arguments: &KeysArguments) -> Result<(), Failed> {
    let keys = Keys::open(&arguments.config).await?;
    let on_record = OnRecord::open(&keys.config)?;
    let rotated = rotate_keys(&*keys.location, &keys.policy, SystemClock.now()).await;
    let rotated = rotated.map_err(|error| failed("rotating", &error))?;
    let (record, is_new) = match &rotated {
        Rotated::Begun(record) => (record, true),
        Rotated::UnderWay(record) => (record, false),
    };
    if is_new {
        recorded(&on_record, &format!("{} published", record.kid))?;
    }
    if is_new && record.signs_from <= record.published_at {
        let place = keys.place();
        output::note(&format!(
            "note: it signs at once, because no other key is {place}"
        ));
    }
    if arguments.json {
        return output::json(&json!({
            "kid": record.kid, "algorithm": record.algorithm.as_str(),
            "signs_from": record.signs_from.to_string(), "is_new": is_new,
        }));
    }
    let (kid, from) = (&record.kid, shown(record.signs_from));
    output::line(match rotated {
        Rotated::Begun(_) => format!("{kid} is published; it signs from {from}"),
        Rotated::UnderWay(_) => format!("{kid} has been published before; it signs from {from}"),
    })
}

async fn revoke(arguments: &RevokeKeyArguments) -> Result<(), Failed> {
    let keys = Keys::open(&arguments.config).await?;
    let now = SystemClock.now();
    let on_record = OnRecord::open(&keys.config)?;
    let revoked = revoke_key(&*keys.location, &keys.policy, &arguments.kid, now).await;
    let (revoked, successor, was_before) =
        match revoked.map_err(|error| failed("revoking", &error))? {
            Revoked::Before(revoked) => (revoked, None, true),
            Revoked::Now { revoked, successor } => (revoked, successor, false),
        };
    if !was_before {
        recorded(&on_record, &format!("{} revoked", revoked.kid))?;
    }
    if arguments.json {
        return output::json(&json!({
            "kid": revoked.kid, "revoked_at": revoked.at.to_string(), "was_revoked_before": was_before,
            "signs_now": successor.map(|successor| successor.kid),
        }));
    }
    let RevokedKey { kid, at, .. } = &revoked;
    if was_before {
        return output::line(format!("{kid} was revoked before, at {}", shown(*at)));
    }
    output::line(format!(
        "{kid} is revoked: no token that it signed counts any more"
    ))?;
    match successor {
        Some(successor) => output::line(format!("{} signs now", successor.kid)),
        None => Ok(()),
    }
}

fn recorded(on_record: &OnRecord, change: &str) -> Result<(), Failed> {
    on_record.record(&Decision {
        change: Some(change),
        ..Decision::new(Event::SigningKeys, "done")
    })
}

pub(super) fn failed(doing: &str, error: &KeyError) -> Failed {
    let exit = match error {
        KeyError::Store(_) => Exit::Unavailable,
        KeyError::Exposed { .. } | KeyError::Foreign { .. } | KeyError::Sealed { .. } => {
            Exit::Config
        }
        _ => Exit::Failed,
    };
    Failed::new(format!("{doing} the signing keys"), error.with_cause()).exiting(exit)
}
