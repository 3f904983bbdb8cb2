//! `ileap access`

use ileap_server::{
    access::{AccessRule, Opened, Period},
    audit::Event,
    config::{Config, VerifierKind},
    store::{StoreError, access::AccessRules as _, sql::SqlStore},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{load_for_store, on_record::OnRecord, open_store, patiently, refused_by_store};
use crate::{
    cli::{
        AccessArguments, AccessCommand, AllowArguments, DisallowArguments, ListAccessArguments,
        NamedObjects,
    },
    exit::Failed,
    output,
};

/// What `--json` prints.
#[derive(Serialize)]
struct Allowed<'a> {
    recipient: &'a str,
    everything: bool,
    rules: Vec<Value>,
    opens: Opened,
}

/// Changes or shows who is allowed what.
pub(crate) async fn run(command: AccessCommand) -> Result<(), Failed> {
    match command {
        AccessCommand::Allow(arguments) => allow(&arguments).await,
        AccessCommand::Disallow(arguments) => disallow(&arguments).await,
        AccessCommand::List(arguments) => list(&arguments).await,
        AccessCommand::Show(arguments) => {
            let config = load_for_store(&arguments.config)?;
            check_recipient(&config, &arguments.recipient)?;
            show(&open_store(&config).await?, &arguments).await
        }
    }
}

async fn allow(arguments: &AllowArguments) -> Result<(), Failed> {
    let recipient = &arguments.whose.recipient;
    let config = load_for_store(&arguments.whose.config)?;
    check_recipient(&config, recipient)?;
    let rules = rules(&arguments.named)?;
    let on_record = OnRecord::open(&config)?;
    let store = open_store(&config).await?;
    let added = patiently(async || store.allow(recipient, &rules).await).await;
    added.map_err(|error| unchanged(recipient, &error))?;
    on_record.change(Event::AccessRules, recipient, &change("allowed", &rules))?;
    show(&store, &arguments.whose).await
}

async fn disallow(arguments: &DisallowArguments) -> Result<(), Failed> {
    let recipient = &arguments.whose.recipient;
    let config = load_for_store(&arguments.whose.config)?;
    check_recipient(&config, recipient)?;
    let rules = rules(&arguments.named)?;
    let on_record = OnRecord::open(&config)?;
    let store = open_store(&config).await?;
    let removed = patiently(async || {
        if arguments.all {
            store.disallow_all(recipient).await
        } else {
            store.disallow(recipient, &rules).await
        }
    });
    let removed = removed
        .await
        .map_err(|error| unchanged(recipient, &error))?;
    let what = if arguments.all {
        "disallowed all".to_owned()
    } else {
        change("disallowed", &rules)
    };
    on_record.change(Event::AccessRules, recipient, &what)?;
    if removed < rules.len() {
        let missing = rules.len() - removed;
        output::note(&format!(
            "{missing} of the rules to take away were not there; `ileap access show` lists those that are"
        ));
    }
    show(&store, &arguments.whose).await
}

/// What was changed, in the words of the command line.
fn change(verb: &str, rules: &[AccessRule]) -> String {
    let rules: Vec<_> = rules.iter().map(as_text).collect();
    format!("{verb} {}", rules.join(" "))
}

fn unchanged(recipient: &str, error: &StoreError) -> Failed {
    refused_by_store(format!("changing the access of {recipient}"), error)
}

fn check_recipient(config: &Config, recipient: &str) -> Result<(), Failed> {
    // The organizations of static users are named as their file's author likes.
    let is_clerk = config.verifier.kind != VerifierKind::StaticUsers;
    if is_clerk && !recipient.starts_with("org_") && !recipient.contains('|') {
        let remedy = "write an organization id (org_...) or a subject (clerk|user_...)";
        return Err(Failed::new(
            format!("reading the recipient {recipient}"),
            remedy,
        ));
    }
    let prefixes = ["org_", "clerk|", "static|"];
    if !prefixes.iter().any(|prefix| recipient.starts_with(prefix)) {
        output::note(&output::sanitised(&format!(
            "note: {recipient} is neither an organization id (org_...) nor a subject (clerk|user_..., \
             static|CLIENT_ID); its rules are for users whose organization is called so in the file of static users"
        )));
    }
    Ok(())
}

fn rules(named: &NamedObjects) -> Result<Vec<AccessRule>, Failed> {
    let mut rules: Vec<_> = named
        .footprint
        .iter()
        .copied()
        .map(AccessRule::Footprint)
        .collect();
    rules.extend(named.shipment.iter().cloned().map(AccessRule::Shipment));
    rules.extend(named.toc.iter().cloned().map(AccessRule::Toc));
    rules.extend(named.hoc.iter().cloned().map(AccessRule::Hoc));
    rules.extend(
        named
            .consignment
            .iter()
            .cloned()
            .map(AccessRule::Consignment),
    );
    rules.extend(named.tad.iter().cloned().map(AccessRule::Tad));
    let period = Period {
        from: named.from,
        until: named.until,
    };
    if let (Some(from), Some(until)) = (period.from, period.until)
        && from >= until
    {
        let remedy =
            "--from must be before --until; the latter is the first moment that is left out";
        return Err(Failed::new("reading the time of the rule", remedy));
    }
    if period != Period::default() {
        rules.push(AccessRule::Period(period));
    }
    if named.everything {
        rules.push(AccessRule::Everything);
    }
    Ok(rules)
}

async fn show(store: &SqlStore, arguments: &AccessArguments) -> Result<(), Failed> {
    let recipient = arguments.recipient.as_str();
    let failed = |error| refused_by_store(format!("reading the access of {recipient}"), &error);
    let rules = store.access_rules(recipient).await.map_err(failed)?;
    let opens = store.opened(recipient).await.map_err(failed)?;
    let everything = rules.contains(&AccessRule::Everything);
    if arguments.json {
        return output::json(&Allowed {
            recipient,
            everything,
            rules: rules.iter().map(as_json).collect(),
            opens,
        });
    }
    if rules.is_empty() {
        let nothing = format!("{recipient} sees nothing, unless its role is all");
        return output::line(output::sanitised(&nothing));
    }
    if everything {
        let line = format!("{recipient} sees everything its roles open");
        output::line(output::sanitised(&line))?;
    } else {
        let line = format!(
            "{recipient} sees, as far as its roles open them: {}, {}, {}, {}",
            counted(opens.shipments, "shipment"),
            counted(opens.tocs, "TOC"),
            counted(opens.hocs, "HOC"),
            counted(opens.tads, "transport activity"),
        );
        output::line(output::sanitised(&line))?;
    }
    for rule in rules.iter().filter(|rule| **rule != AccessRule::Everything) {
        output::line(output::sanitised(&format!("  {}", as_text(rule))))?;
    }
    Ok(())
}

fn counted(count: u64, what: &str) -> String {
    match (count, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {what}s"),
    }
}

/// A rule as the flags that make it.
fn as_text(rule: &AccessRule) -> String {
    match rule {
        AccessRule::Everything => "--everything".to_owned(),
        AccessRule::Footprint(id) => format!("--footprint {id}"),
        AccessRule::Shipment(id) => format!("--shipment {id}"),
        AccessRule::Toc(id) => format!("--toc {id}"),
        AccessRule::Hoc(id) => format!("--hoc {id}"),
        AccessRule::Consignment(id) => format!("--consignment {id}"),
        AccessRule::Tad(id) => format!("--tad {id}"),
        AccessRule::Period(Period { from, until }) => {
            let from = from.map(|from| format!("--from {from}"));
            let until = until.map(|until| format!("--until {until}"));
            let ends: Vec<_> = [from, until].into_iter().flatten().collect();
            ends.join(" ")
        }
    }
}

fn as_json(rule: &AccessRule) -> Value {
    match rule {
        AccessRule::Everything => json!({ "everything": true }),
        AccessRule::Footprint(id) => json!({ "footprint": id }),
        AccessRule::Shipment(id) => json!({ "shipment": id }),
        AccessRule::Toc(id) => json!({ "toc": id }),
        AccessRule::Hoc(id) => json!({ "hoc": id }),
        AccessRule::Consignment(id) => json!({ "consignment": id }),
        AccessRule::Tad(id) => json!({ "tad": id }),
        AccessRule::Period(Period { from, until }) => {
            let [from, until] = [from, until].map(|end| end.map(|end| end.to_string()));
            json!({ "from": from, "until": until })
        }
    }
}

async fn list(arguments: &ListAccessArguments) -> Result<(), Failed> {
    let config = load_for_store(&arguments.config)?;
    let store = open_store(&config).await?;
    let recipients = store.recipients().await;
    let recipients =
        recipients.map_err(|error| refused_by_store("reading who has access rules", &error))?;
    if arguments.json {
        let entry =
            |(recipient, rules): &(String, u64)| json!({ "recipient": recipient, "rules": rules });
        let recipients: Vec<_> = recipients.iter().map(entry).collect();
        return output::json(&json!({ "recipients": recipients }));
    }
    if recipients.is_empty() {
        return output::line(
            "nobody has access rules; `ileap access allow RECIPIENT --everything` adds one",
        );
    }
    for (recipient, rules) in &recipients {
        let line = format!("{recipient}  {}", counted(*rules, "rule"));
        output::line(output::sanitised(&line))?;
    }
    Ok(())
}
