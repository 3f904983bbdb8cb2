//! `ileap login`, `logout` and `whoami`

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use ileap_client::{BasicEncoding, Credentials, Options};
use ileap_server::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::host::{self, FromEnvironment};
use crate::{
    cli::{self, LoginArguments, LogoutArguments, WhoamiArguments},
    exit::{Exit, Failed},
    output,
    saved::{Login, Logins},
};

/// How long a token is taken to live that does not say so.
const LIFETIME: Duration = Duration::from_secs(300);

/// Gets a token, and keeps it with the host's URL under a name.
pub(crate) async fn log_in(arguments: LoginArguments) -> Result<(), Failed> {
    let mut environment = FromEnvironment::read();
    if arguments.client_id.is_some() {
        // An id named here goes before one of the environment, whose secret may be another's.
        if environment.client_id != arguments.client_id && environment.client_id.is_some() {
            environment.client_secret = None;
        }
        environment.client_id.clone_from(&arguments.client_id);
    }
    let options = Options {
        auth_base_url: arguments.auth_url.clone(),
        authorities: host::authorities(arguments.ca_file.as_deref())?,
        basic_encoding: match arguments.basic {
            cli::BasicEncoding::Raw => BasicEncoding::Raw,
            cli::BasicEncoding::Rfc6749 => BasicEncoding::Rfc6749,
        },
        danger_plain_http: arguments.danger_plain_http,
        ..host::patient(arguments.patience)
    };
    // Nobody types a secret for a URL that cannot be used.
    host::client(&arguments.url, None::<Credentials>, options.clone())?;
    let credentials = environment.or_ask()?;
    let (client_id, client_secret) = (
        credentials.client_id().to_owned(),
        credentials.client_secret().clone(),
    );
    let client = host::client(&arguments.url, credentials, options)?;
    let response = client
        .log_in()
        .await
        .map_err(|error| host::failed(&error))?;
    let lifetime = response.expires_in.map_or(LIFETIME, Duration::from_secs);
    let login = Login {
        url: client.base_url().to_owned(),
        client_id,
        auth_url: arguments.auth_url.clone(),
        basic_rfc6749: arguments.basic == cli::BasicEncoding::Rfc6749,
        ca_file: arguments.ca_file.as_deref().map(absolute),
        danger_plain_http: arguments.danger_plain_http,
        access_token: response.access_token,
        expires_at_second: (SystemClock.now() + lifetime.min(Duration::from_hours(24))).as_second(),
        client_secret: arguments.save_secret.then_some(client_secret),
    };
    keep(&arguments.name, &login)?;
    if arguments.json {
        return output::json(&as_json(&arguments.name, &login));
    }
    output::line(output::sanitised(&format!(
        "logged in at {} as {}; the token ends in {}",
        login.url,
        login.client_id,
        minutes(lifetime)
    )))
}

fn keep(name: &str, login: &Login) -> Result<(), Failed> {
    Logins::update(|logins| {
        logins.logins.insert(name.to_owned(), login.clone());
        logins.current = Some(name.to_owned());
    })
}

fn absolute(path: &std::path::Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Forgets a login, or all.
pub(crate) fn log_out(arguments: &LogoutArguments) -> Result<(), Failed> {
    let forgotten = Logins::update(|logins| {
        if arguments.all {
            logins.current = None;
            return std::mem::take(&mut logins.logins).into_keys().collect();
        }
        let name = arguments.name.clone().or_else(|| logins.current.clone());
        let name = name.filter(|name| logins.logins.remove(name).is_some());
        if name.is_some() && logins.current == name {
            logins.current = logins.logins.keys().next().cloned();
        }
        name.into_iter().collect::<Vec<_>>()
    })?;
    match (&arguments.name, forgotten.as_slice()) {
        (Some(name), []) => {
            let remedy = format!("there is none of the name {name}; `ileap whoami` lists them");
            Err(Failed::new("logging out", remedy))
        }
        (None, []) => output::line("there was no saved login"),
        (_, names) => output::line(output::sanitised(&format!(
            "forgotten: {}",
            names.join(", ")
        ))),
    }
}

/// Lists the saved logins.
pub(crate) fn whoami(arguments: &WhoamiArguments) -> Result<(), Failed> {
    let Logins { current, logins } = Logins::load()?;
    if arguments.json {
        let logins: Vec<_> = logins
            .iter()
            .map(|(name, login)| as_json(name, login))
            .collect();
        return output::json(&json!({ "current": current, "logins": logins }));
    }
    if logins.is_empty() {
        let failed = Failed::new(
            "finding a saved login",
            "there is none; run `ileap login URL`",
        );
        return Err(failed.exiting(Exit::Failed));
    }
    for line in lines(current.as_deref(), &logins) {
        output::line(output::on_one_line(&line))?;
    }
    Ok(())
}

fn lines<'a>(
    current: Option<&'a str>,
    logins: &'a BTreeMap<String, Login>,
) -> impl Iterator<Item = String> + 'a {
    logins.iter().map(move |(name, login)| {
        let mark = if current == Some(name.as_str()) {
            '*'
        } else {
            ' '
        };
        let rest = login.expires_at().duration_since(SystemClock.now());
        let token = match Duration::try_from(rest) {
            Ok(rest) if !rest.is_zero() => format!("the token ends in {}", minutes(rest)),
            _ if login.client_secret.is_some() => "the secret is saved".to_owned(),
            _ => "the token has ended".to_owned(),
        };
        format!(
            "{mark} {name}: {} at {}, {token}",
            login.client_id, login.url
        )
    })
}

fn as_json(name: &str, login: &Login) -> Value {
    json!({
        "name": name,
        "url": login.url,
        "client_id": login.client_id,
        "expires_at": login.expires_at().to_string(),
        "has_secret": login.client_secret.is_some(),
    })
}

fn minutes(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60),
    }
}
