//! From arguments, environment and saved logins to a client of a host.

use std::{
    io::{self, IsTerminal as _},
    path::Path,
    time::Duration,
};

use ileap_client::{Client, Credentials, Error, ErrorKind, Options};
use ileap_server::{
    clock::{Clock as _, SystemClock},
    config::Sources,
};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use secrecy::SecretString;
use url::Url;

use super::secret;
use crate::{
    cli::{HostArguments, Patience},
    exit::{Exit, Failed},
    output, progress,
    saved::{Login, Logins},
};

/// What to do when a token has ended and no secret is there to get another.
const LOG_IN_AGAIN: &str = "run `ileap login` again, with --save-secret for longer jobs";

/// Credentials from the environment, as far as they are set.
pub(super) struct FromEnvironment {
    pub(super) client_id: Option<String>,
    pub(super) client_secret: Option<SecretString>,
}

impl FromEnvironment {
    pub(super) fn read() -> Self {
        let environment = Sources::from_process(None).environment;
        let value = |wanted: &str| {
            let found = environment.iter().find(|(name, _)| name == wanted);
            found
                .map(|(_, value)| value.clone())
                .filter(|value| !value.is_empty())
        };
        Self {
            client_id: value("ILEAP_CLIENT_ID"),
            client_secret: value("ILEAP_CLIENT_SECRET").map(SecretString::from),
        }
    }

    /// Both or nothing.
    fn credentials(self) -> Option<Credentials> {
        Some(Credentials::new(self.client_id?, self.client_secret?))
    }

    /// What is missing is asked for on a terminal; scripts set the environment.
    pub(super) fn or_ask(self) -> Result<Credentials, Failed> {
        let (client_id, client_secret) = self.pair_or_ask()?;
        Ok(Credentials::new(client_id, client_secret))
    }

    fn pair_or_ask(self) -> Result<(String, SecretString), Failed> {
        let is_complete = self.client_id.is_some() && self.client_secret.is_some();
        if !is_complete && !io::stdin().is_terminal() {
            let remedy = "set ILEAP_CLIENT_ID and ILEAP_CLIENT_SECRET, or run `ileap login URL --save-secret` on a terminal first";
            return Err(Failed::new("finding the credentials", remedy));
        }
        let client_id = match self.client_id {
            Some(client_id) => client_id,
            None => secret::ask_client_id()?,
        };
        let client_secret = match self.client_secret {
            Some(client_secret) => client_secret,
            None => secret::ask_once(&format!("Secret of {client_id}: "))?,
        };
        Ok((client_id, client_secret))
    }
}

/// Who we are at a host, and the saved login there.
pub(super) struct Who {
    pub(super) client_id: String,
    pub(super) client_secret: SecretString,
    pub(super) login: Option<Login>,
}

/// Id and secret for the host at `url`: of the environment, of a saved login there, or asked for.
pub(super) fn who(url: &str) -> Result<Who, Failed> {
    let environment = FromEnvironment::read();
    let logins = Logins::load()?.logins.into_values();
    let mut here: Vec<_> = logins.filter(|login| is_same(&login.url, url)).collect();
    // One with a secret, if there is one.
    here.sort_by_key(|login| login.client_secret.is_none());
    let login = here.into_iter().next();
    let saved = login.as_ref().filter(|_| environment.client_id.is_none());
    let saved =
        saved.and_then(|login| Some((login.client_id.clone(), login.client_secret.clone()?)));
    let (client_id, client_secret) = match saved {
        Some(pair) => pair,
        None => environment.pair_or_ask()?,
    };
    Ok(Who {
        client_id,
        client_secret,
        login,
    })
}

/// Whether two spellings are of one URL.
fn is_same(left: &str, right: &str) -> bool {
    let parsed = |text: &str| {
        let url = Url::parse(text).ok()?;
        Some(url.as_str().trim_end_matches('/').to_owned())
    };
    parsed(left) == parsed(right)
}

/// A host to call, and who we are there.
pub(super) struct Account {
    pub(super) client: Client,
    pub(super) client_id: String,
}

impl Account {
    fn new(url: &str, credentials: Credentials, options: Options) -> Result<Self, Failed> {
        let client_id = credentials.client_id().to_owned();
        let client = client(url, credentials, options)?;
        Ok(Self { client, client_id })
    }
}

/// A client of the host that the arguments name, else of that of a saved login.
///
/// Credentials of the environment go before saved ones.
pub(super) async fn find(arguments: &HostArguments) -> Result<Account, Failed> {
    let logins = Logins::load()?;
    let saved = logins.choose(arguments.login.as_deref());
    if let (Some(name), None) = (&arguments.login, &saved) {
        let remedy = format!("there is none of the name {name}; `ileap whoami` lists them");
        return Err(Failed::new("finding the saved login", remedy));
    }
    let environment = FromEnvironment::read();
    if let Some(url) = &arguments.host {
        match saved.filter(|(_, login)| is_same(&login.url, url)) {
            Some((_, login)) => client_of(login, environment, arguments).await,
            None => Account::new(url, environment.or_ask()?, options(arguments)?),
        }
    } else if let Some((_, login)) = saved {
        client_of(login, environment, arguments).await
    } else {
        let remedy = "run `ileap login URL` first, or name it with --host URL";
        Err(Failed::new("finding the host", remedy))
    }
}

async fn client_of(
    login: &Login,
    environment: FromEnvironment,
    arguments: &HostArguments,
) -> Result<Account, Failed> {
    let options = login_options(login, arguments)?;
    if let Some(credentials) = environment.credentials() {
        return Account::new(&login.url, credentials, options);
    }
    let rest = login.expires_at().duration_since(SystemClock.now());
    let rest = Duration::try_from(rest).unwrap_or_default();
    let client = client(&login.url, login.credentials(), options)?;
    if rest.is_zero() && login.client_secret.is_none() {
        let happened = format!("the saved token has ended: {LOG_IN_AGAIN}");
        let failed = Failed::new(format!("calling {}", login.url), happened);
        return Err(failed.exiting(Exit::CredentialsRefused));
    }
    if !rest.is_zero() {
        client.keep_token(&login.access_token, rest).await;
    }
    Ok(Account {
        client,
        client_id: login.client_id.clone(),
    })
}

pub(super) fn client(
    url: &str,
    credentials: impl Into<Option<Credentials>>,
    options: Options,
) -> Result<Client, Failed> {
    Client::with_options(url, credentials, options).map_err(|error| failed(&error))
}

fn options(arguments: &HostArguments) -> Result<Options, Failed> {
    Ok(Options {
        authorities: authorities(arguments.ca_file.as_deref())?,
        ..patient(arguments.patience)
    })
}

/// The options that a login was made with; another CA file may be named.
fn login_options(login: &Login, arguments: &HostArguments) -> Result<Options, Failed> {
    let ca_file = arguments.ca_file.as_deref();
    Ok(Options {
        auth_base_url: login.auth_url.clone(),
        authorities: authorities(ca_file.or(login.ca_file.as_deref()))?,
        basic_encoding: login.basic_encoding(),
        danger_plain_http: login.danger_plain_http,
        ..patient(arguments.patience)
    })
}

/// As patient as the user, who is told why it takes long.
pub(super) fn patient(patience: Patience) -> Options {
    Options {
        call_timeout: Duration::from_secs(patience.timeout.get().into()),
        on_retry: Some(|error, pause| {
            let pause = pause.as_secs_f32();
            let text = format!("{error}; trying again in {pause:.1} s");
            progress::note(&output::sanitised(&text));
        }),
        ..Options::default()
    }
}

/// The certificates in a PEM file.
pub(super) fn authorities(file: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, Failed> {
    let Some(file) = file else {
        return Ok(Vec::new());
    };
    let attempted = format!("reading the CA certificates in {}", file.display());
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| Failed::new(&attempted, error))?;
    if certificates.is_empty() {
        return Err(Failed::new(
            attempted,
            "it holds none; a PEM file is needed",
        ));
    }
    Ok(certificates)
}

/// The exit code that fits a failed call.
pub(super) fn failed(error: &Error) -> Failed {
    let exit = match error.kind() {
        ErrorKind::CredentialsMissing | ErrorKind::CredentialsRefused(_) => {
            Exit::CredentialsRefused
        }
        ErrorKind::Connect | ErrorKind::Interrupted | ErrorKind::Timeout | ErrorKind::Tls(_) => {
            Exit::Unavailable
        }
        ErrorKind::Refused(_) if error.is_temporary() => Exit::Unavailable,
        _ => Exit::Failed,
    };
    let remedy = match error.kind() {
        ErrorKind::CredentialsMissing => Some(LOG_IN_AGAIN),
        _ => error.remedy(),
    };
    let happened = match remedy {
        Some(remedy) => format!("{} ({remedy})", error.kind()),
        None => error.kind().to_string(),
    };
    Failed::new(error.attempted(), happened).exiting(exit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_known_in_every_spelling() {
        let saved = "https://ileap.example.com/api";
        for url in [
            "https://ileap.example.com/api/",
            "HTTPS://ILEAP.example.com/api",
            "https://ileap.example.com:443/api",
        ] {
            assert!(is_same(saved, url), "{url}");
        }
        for url in [
            "https://ileap.example.com",
            "http://ileap.example.com/api",
            "https://ileap.example.com/API",
        ] {
            assert!(!is_same(saved, url), "{url}");
        }
    }
}
