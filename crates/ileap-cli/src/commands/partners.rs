//! `ileap partners`

mod received;

use std::sync::Arc;

use ileap_server::{
    audit::Event,
    clock::{Clock as _, SystemClock},
    config::{Config, Sources},
    delivery::DeliveryOptions,
    identity::{ClientCredentials, ClientSecret, Role, SecretEncoding},
    partner::{DeliveryError, PartnerClient, PartnerEndpoint, callback_base, registered_base},
    store::{
        outbox::{Outbox as _, TaskRecord},
        partners::{Partner, PartnerRecords as _},
        sql::SqlStore,
    },
};
use serde_json::{Value, json};

use super::{load_for_store, on_record::OnRecord, open_store, refused_by_store, secret};
use crate::{
    cli::{
        AddPartnerArguments, BasicEncoding, ListPartnersArguments, NamedPartnerArguments,
        PartnersCommand, RetryArguments,
    },
    exit::{Exit, Failed},
    output,
};

/// The most tasks that are listed.
const LISTED: usize = 1000;

/// Changes, shows or tries partners' hosts.
pub(crate) async fn run(command: PartnersCommand) -> Result<(), Failed> {
    match command {
        PartnersCommand::Add(arguments) => add(&arguments).await,
        PartnersCommand::List(arguments) => list(&arguments).await,
        PartnersCommand::Received(arguments) => received::run(&arguments).await,
        PartnersCommand::Remove(arguments) => remove(&arguments).await,
        PartnersCommand::Retry(arguments) => retry(&arguments).await,
        PartnersCommand::Tasks(arguments) => tasks(&arguments).await,
        PartnersCommand::Test(arguments) => test(&arguments).await,
    }
}

async fn add(arguments: &AddPartnerArguments) -> Result<(), Failed> {
    let named = &arguments.named;
    let config = load_for_store(&named.config)?;
    let base_url = base(&config, &named.url)?;
    let auth_base_url = arguments.auth_url.as_deref();
    let auth_base_url = auth_base_url.map(|url| base(&config, url)).transpose()?;
    let partner = Partner {
        recipient: named.recipient.clone(),
        base_url,
        auth_base_url,
        credentials: ClientCredentials {
            client_id: arguments.client_id.clone(),
            client_secret: client_secret()?,
        },
        basic_encoding: match arguments.basic {
            BasicEncoding::Raw => SecretEncoding::Raw,
            BasicEncoding::Rfc6749 => SecretEncoding::FormEncoded,
        },
        publish_as: arguments.publish_as,
    };
    let on_record = OnRecord::open(&config)?;
    let store = open_store(&config).await?;
    let kept = store.put_partner(&partner).await;
    kept.map_err(|error| refused_by_store(format!("registering {}", partner.base_url), &error))?;
    let change = format!("registered {}", partner.base_url);
    on_record.change(Event::Partner, &partner.recipient, &change)?;
    if named.json {
        return output::json(&as_json(&partner));
    }
    output::line(output::sanitised(&format!(
        "{} is registered for {}; `ileap partners test` logs in there",
        partner.base_url, partner.recipient
    )))
}

/// From the environment, where scripts put it; else asked for.
fn client_secret() -> Result<ClientSecret, Failed> {
    let environment = Sources::from_process(None).environment;
    let set = environment
        .into_iter()
        .find(|(name, value)| name == "ILEAP_PARTNER_SECRET" && !value.is_empty());
    let text = match set {
        Some((_, value)) => value.into(),
        None => secret::read()?,
    };
    ClientSecret::new(text.as_str()).ok_or_else(|| {
        let remedy = "it must have 1 to 1024 bytes and no control characters";
        Failed::new("reading the partner's secret", remedy)
    })
}

fn base(config: &Config, url: &str) -> Result<String, Failed> {
    let reach = DeliveryOptions::from_config(config).reach;
    let base = registered_base(url, reach);
    base.map_err(|remedy| {
        Failed::new(
            format!("reading the base URL {}", output::sanitised(url)),
            remedy,
        )
    })
}

async fn list(arguments: &ListPartnersArguments) -> Result<(), Failed> {
    let store = open_store(&load_for_store(&arguments.config)?).await?;
    let partners = store.partners(None).await;
    let partners = partners.map_err(|error| refused_by_store("reading the partners", &error))?;
    if arguments.json {
        let partners: Vec<_> = partners.iter().map(as_json).collect();
        return output::json(&json!({ "partners": partners }));
    }
    if partners.is_empty() {
        return output::line(
            "no partner has a registered host; `ileap partners add` registers one",
        );
    }
    for partner in &partners {
        let told = partner
            .publish_as
            .map(|role| format!(", told of footprints as {}", role.as_str()));
        output::line(output::sanitised(&format!(
            "{}  {}  as {}{}",
            partner.recipient,
            partner.base_url,
            partner.credentials.client_id.as_str(),
            told.unwrap_or_default()
        )))?;
    }
    Ok(())
}

fn as_json(partner: &Partner) -> Value {
    json!({
        "recipient": partner.recipient,
        "base_url": partner.base_url,
        "auth_base_url": partner.auth_base_url,
        "client_id": partner.credentials.client_id.as_str(),
        "basic": match partner.basic_encoding {
            SecretEncoding::Raw => "raw",
            SecretEncoding::FormEncoded => "rfc6749",
        },
        "publish_as": partner.publish_as.map(Role::as_str),
    })
}

async fn remove(arguments: &NamedPartnerArguments) -> Result<(), Failed> {
    let config = load_for_store(&arguments.config)?;
    let on_record = OnRecord::open(&config)?;
    let store = open_store(&config).await?;
    let partner = registered(&store, arguments).await?;
    let removed = store
        .remove_partner(&partner.recipient, &partner.base_url)
        .await;
    removed
        .map_err(|error| refused_by_store(format!("forgetting {}", partner.base_url), &error))?;
    let change = format!("removed {}", partner.base_url);
    on_record.change(Event::Partner, &partner.recipient, &change)?;
    if arguments.json {
        return output::json(&json!({ "removed": as_json(&partner) }));
    }
    output::line(output::sanitised(&format!(
        "{} is forgotten, and nothing more goes there",
        partner.base_url
    )))
}

/// The partner as it is kept; an error that lists what there is otherwise.
async fn registered(
    store: &SqlStore,
    arguments: &NamedPartnerArguments,
) -> Result<Partner, Failed> {
    let attempted = format!(
        "looking for the host {} of {}",
        arguments.url, arguments.recipient
    );
    let attempted = output::sanitised(&attempted);
    let partners = store.partners(Some(&arguments.recipient)).await;
    let partners = partners.map_err(|error| refused_by_store(attempted.as_str(), &error))?;
    // As `add` has written it.
    let base = callback_base(&arguments.url);
    let base = base.as_deref().unwrap_or(&arguments.url);
    let found = partners
        .into_iter()
        .find(|partner| partner.base_url == base);
    found.ok_or_else(|| {
        Failed::new(
            attempted,
            "it is not registered; `ileap partners list` shows those that are",
        )
    })
}

async fn test(arguments: &NamedPartnerArguments) -> Result<(), Failed> {
    let config = load_for_store(&arguments.config)?;
    let partner = registered(&open_store(&config).await?, arguments).await?;
    let reach = DeliveryOptions::from_config(&config).reach;
    let client = PartnerClient::new(reach, Arc::new(SystemClock));
    let endpoint = PartnerEndpoint {
        auth_base_url: partner
            .auth_base_url
            .clone()
            .unwrap_or_else(|| partner.base_url.clone()),
        base_url: partner.base_url.clone(),
        credentials: partner.credentials.clone(),
        basic_encoding: partner.basic_encoding,
    };
    client
        .log_in(&endpoint)
        .await
        .map_err(|error| refused(&partner, error))?;
    if arguments.json {
        return output::json(&json!({ "logged_in": true, "base_url": partner.base_url }));
    }
    output::line(output::sanitised(&format!(
        "{} has given us a token",
        endpoint.auth_base_url
    )))
}

fn refused(partner: &Partner, error: DeliveryError) -> Failed {
    let remedy = match error {
        DeliveryError::CredentialsRefused => {
            "ask the partner for id and secret, or try the other `--basic` encoding with `ileap partners add`"
        }
        DeliveryError::Guarded | DeliveryError::GuardedName => {
            "its name leads to no public address, or its token endpoint is not HTTPS; events.private_networks allows \
             private networks"
        }
        DeliveryError::KeptBack(_) | DeliveryError::Later { .. } => {
            "see that the host can be reached from here, and try again"
        }
        DeliveryError::NoToken | DeliveryError::Rejected(_) | DeliveryError::Unreadable => {
            "see that its token endpoint is below this URL, or name another with --auth-url"
        }
    };
    let failed = Failed::new(
        output::sanitised(&format!("logging in at {}", partner.base_url)),
        format!("{error}; {remedy}"),
    );
    match error {
        DeliveryError::CredentialsRefused => failed.exiting(Exit::CredentialsRefused),
        DeliveryError::Later { .. } => failed.exiting(Exit::Unavailable),
        _ => failed,
    }
}

async fn tasks(arguments: &ListPartnersArguments) -> Result<(), Failed> {
    let store = open_store(&load_for_store(&arguments.config)?).await?;
    let tasks = store.unsettled(LISTED).await;
    let tasks =
        tasks.map_err(|error| refused_by_store("reading the tasks for partners", &error))?;
    if arguments.json {
        let tasks: Vec<_> = tasks.iter().map(task_as_json).collect();
        return output::json(&json!({ "tasks": tasks }));
    }
    if tasks.is_empty() {
        return output::line("nothing is left to be done for partners");
    }
    for task in &tasks {
        let why = task
            .error
            .as_deref()
            .map(|why| format!(", last failure: {why}"));
        output::line(output::sanitised(&format!(
            "{}  {}  {} for {} at {}  since {}, {} attempts{}",
            task.id,
            task.state,
            task.kind,
            task.recipient,
            task.base_url,
            task.created_at,
            task.attempts,
            why.unwrap_or_default()
        )))?;
    }
    Ok(())
}

fn task_as_json(task: &TaskRecord) -> Value {
    json!({
        "id": task.id,
        "state": task.state,
        "task": task.kind,
        "recipient": task.recipient,
        "base_url": task.base_url,
        "attempts": task.attempts,
        "error": task.error,
        "created_at": task.created_at.to_string(),
        "due_at": task.due_at.to_string(),
    })
}

async fn retry(arguments: &RetryArguments) -> Result<(), Failed> {
    let store = open_store(&load_for_store(&arguments.config)?).await?;
    let revived = store.revive(&arguments.recipient, SystemClock.now()).await;
    let attempted = format!("trying the tasks of {} again", arguments.recipient);
    let revived =
        revived.map_err(|error| refused_by_store(output::sanitised(&attempted), &error))?;
    if arguments.json {
        return output::json(&json!({ "revived": revived }));
    }
    output::line(format!("{revived} tasks are tried again"))
}
