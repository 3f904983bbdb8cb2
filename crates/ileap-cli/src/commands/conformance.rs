//! `ileap conformance`

use std::{
    collections::BTreeSet,
    fs,
    io::{self, ErrorKind},
    path::Path,
    time::Duration,
};

use anstyle::Style;
use ileap_conformance::{CaseReport, Options, Report, case::Verdict, options, report};
use ileap_server::clock::{Clock as _, SystemClock};
use secrecy::SecretString;
use url::{Host, Url};

use super::{host, serve::told_to_stop};
use crate::{
    cli::{BasicEncoding, ConformanceArguments},
    exit::{Exit, Failed},
    output, style,
};

/// A token is shorter.
const TOKEN_LIMIT_BYTES: u64 = 16 * 1024;

/// Judges a host, or lists what it would be judged by.
pub(crate) async fn run(arguments: ConformanceArguments) -> Result<Exit, Failed> {
    let cases = options::select(&arguments.profiles, &arguments.cases);
    if cases.is_empty() {
        let remedy =
            "none has such an address in these profiles; `ileap conformance --list` shows all";
        return Err(Failed::new("choosing the cases", remedy).exiting(Exit::Usage));
    }
    let Some(url) = arguments.url.as_deref().filter(|_| !arguments.list) else {
        let all = arguments.profiles.is_empty() && arguments.cases.is_empty();
        let cases = if all { ileap_conformance::all() } else { cases };
        if arguments.json {
            output::json(&report::list_json(&cases))?;
        } else {
            output::line(report::list(&cases))?;
        }
        return Ok(Exit::Ok);
    };
    let options = options_of(url, &arguments)?;
    for path in [&arguments.junit, &arguments.html].into_iter().flatten() {
        may_write(path)?;
    }
    let stop = told_to_stop()?;
    let mut told = Ok(());
    let mut teller = Teller::new(arguments.json);
    let tell = |case: &CaseReport| {
        if told.is_ok() {
            told = teller.tell(case);
        }
    };
    let attempted = || format!("testing {url}");
    let report = ileap_conformance::run(&options, tell, stop).await;
    let report = report.map_err(|error| Failed::new(attempted(), error))?;
    told?;
    let written = [
        write(arguments.junit.as_deref(), || report::junit(&report)),
        write(arguments.html.as_deref(), || report::html(&report)),
    ];
    if arguments.json {
        output::json(&report::json(&report))?;
    } else {
        output::styled(format!("\n{}", summary(&report)))?;
    }
    written.into_iter().collect::<Result<(), _>>()?;
    Ok(exit(&report))
}

fn exit(report: &Report) -> Exit {
    if report.is_conformant() {
        Exit::Ok
    } else if report.is_unanswered() {
        Exit::Unavailable
    } else {
        Exit::Failed
    }
}

/// Tells of cases as they finish, and of what shows that they failed.
struct Teller {
    /// On stderr, as stdout is for machines.
    is_aside: bool,
    /// Reasons that were shown with their exchange: many cases may wait for one thing.
    shown: BTreeSet<String>,
}

impl Teller {
    fn new(is_aside: bool) -> Self {
        Self {
            is_aside,
            shown: BTreeSet::new(),
        }
    }

    fn tell(&mut self, case: &CaseReport) -> Result<(), Failed> {
        let line = report::case_line(case);
        let (word, rest) = line.split_at(report::verdict_word(case.verdict).len());
        let mut text = format!("{}{rest}", style::painted(style_of(case.verdict), word));
        let is_worth_it = matches!(case.verdict, Verdict::Fail | Verdict::Warn)
            || (case.is_against() && !self.shown.contains(&case.reason));
        if is_worth_it {
            self.shown.insert(case.reason.clone());
            let details = report::details(case);
            text = format!("{text}\n{}", style::painted(style::DIM, details.trim_end()));
        }
        if self.is_aside {
            output::styled_note(&text);
            return Ok(());
        }
        output::styled(text)
    }
}

fn style_of(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Fail => style::BAD,
        Verdict::Inconclusive | Verdict::Warn => style::DOUBTFUL,
        Verdict::Skip => style::DIM,
        Verdict::Pass => style::GOOD,
    }
}

/// The end of a run, with the verdict standing out.
fn summary(report: &Report) -> String {
    let summary = report::summary(report);
    let sentence = report.sentence();
    let style = if report.is_conformant() {
        style::GOOD
    } else {
        style::BAD
    };
    let heading = style::painted(style::BOLD, report::FIX_FIRST);
    summary
        .replacen(&sentence, &style::painted(style, &sentence), 1)
        .replacen(report::FIX_FIRST, &heading, 1)
}

fn options_of(url: &str, arguments: &ConformanceArguments) -> Result<Options, Failed> {
    let base = base(url, arguments.danger_plain_http)?;
    let who = host::who(url)?;
    let mut options = Options::new(base, who.client_id, who.client_secret, SystemClock.now());
    // As the login was made, unless the arguments say otherwise.
    let login = who.login.as_ref();
    let encoding = arguments.basic;
    options.is_form_encoded = encoding.map_or_else(
        || login.is_some_and(|login| login.basic_rfc6749),
        |encoding| encoding == BasicEncoding::Rfc6749,
    );
    let auth_url = login.and_then(|login| login.auth_url.as_deref());
    options.auth_base = auth_url.and_then(|url| Url::parse(url).ok());
    let ca_file = arguments.ca_file.as_deref();
    let ca_file = ca_file.or(login.and_then(|login| login.ca_file.as_deref()));
    options.profiles.clone_from(&arguments.profiles);
    options.cases.clone_from(&arguments.cases);
    options.expired_token = arguments.expired_token.as_deref().map(token).transpose()?;
    options.authorities = host::authorities(ca_file)?;
    options.callback_url.clone_from(&arguments.callback_url);
    options.callback_bind = arguments.callback_bind;
    options.auth_hosts.clone_from(&arguments.auth_hosts);
    options.is_intrusive = arguments.intrusive;
    options.timing.call = Duration::from_secs(arguments.timeout.get().into());
    Ok(options)
}

fn base(text: &str, danger_plain_http: bool) -> Result<Url, Failed> {
    let failed = |happened: &str| {
        Failed::new("reading the host's URL", happened.to_owned()).exiting(Exit::Usage)
    };
    let url = Url::parse(text).map_err(|_| failed("write it like https://ileap.example.com"))?;
    if !["http", "https"].contains(&url.scheme()) || url.cannot_be_a_base() {
        return Err(failed("it begins with https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(failed(
            "credentials come from ILEAP_CLIENT_ID and ILEAP_CLIENT_SECRET",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(failed("a base URL has no query and no fragment"));
    }
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() == "http" && !is_loopback && !danger_plain_http {
        return Err(failed(
            "the secret would travel unprotected: use https, or --danger-plain-http",
        ));
    }
    Ok(url)
}

fn token(path: &Path) -> Result<SecretString, Failed> {
    let attempted = || format!("reading the expired token in {}", path.display());
    let size = fs::metadata(path)
        .map_err(|error| Failed::new(attempted(), error))?
        .len();
    if size > TOKEN_LIMIT_BYTES {
        return Err(Failed::new(attempted(), "it is too large for a token"));
    }
    let text = fs::read_to_string(path).map_err(|error| Failed::new(attempted(), error))?;
    let token = text.trim();
    let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_token {
        return Err(Failed::new(attempted(), "it holds no token"));
    }
    Ok(SecretString::from(token))
}

/// Told before the host is asked, and not after half an hour. Whatever is there stays as it is.
fn may_write(path: &Path) -> Result<(), Failed> {
    let tried = match fs::metadata(path) {
        // Opened once, a pipe would be at its end.
        Ok(found) if !found.is_file() && !found.is_dir() => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => try_to_create(path),
        _ => fs::OpenOptions::new().append(true).open(path).map(drop),
    };
    tried.map_err(|error| Failed::new(format!("writing {}", path.display()), error))
}

fn try_to_create(path: &Path) -> io::Result<()> {
    match fs::File::create_new(path) {
        Ok(_) => fs::remove_file(path),
        // A link to what is not there yet.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn write(path: Option<&Path>, text: impl Fn() -> String) -> Result<(), Failed> {
    let Some(path) = path else {
        return Ok(());
    };
    let written = fs::write(path, text());
    written.map_err(|error| Failed::new(format!("writing {}", path.display()), error))
}
