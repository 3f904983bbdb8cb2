//! `ileap token`

mod revoke;

use std::{
    io::{self, IsTerminal as _, Read as _},
    path::Path,
    sync::Arc,
    time::Duration,
};

use ileap_server::{
    audit::{Decision, Event},
    clock::{Clock, SystemClock},
    config::Config,
    doctor::Doctor,
    identity::{ClientId, Organization, Principal, Scopes},
    server::{kept_signing_keys, public_base_url, signing_keys, token_options},
    telemetry::Metrics,
    token::{
        Inspection, Judgement, KeyError, MintOptions, SigningKeys, TokenIssuer, TokenValidator,
        UnverifiedToken, inspect,
    },
};
use serde::Serialize;

use super::{kept_key_store, key_store, load, on_record::OnRecord};
use crate::{
    cli::{ConfigArguments, InspectArguments, MintArguments, TokenCommand},
    exit::Failed,
    output,
};

/// The longest input read for one token, in bytes.
const TOKEN_FILE_LIMIT: u64 = 64 * 1024;

/// Inspects, mints or revokes.
pub(crate) async fn run(command: TokenCommand) -> Result<(), Failed> {
    match command {
        TokenCommand::Inspect(arguments) => inspect_token(&arguments).await,
        TokenCommand::Mint(arguments) => mint(&arguments).await,
        TokenCommand::Revoke(arguments) => revoke::run(arguments).await,
    }
}

/// The server's own view of tokens: what they say, and the keys.
struct Tokens {
    config: Config,
    base_url: String,
    keys: Arc<SigningKeys>,
}

impl Tokens {
    /// With the keys there are.
    async fn load(arguments: &ConfigArguments) -> Result<Self, Failed> {
        let config = load(arguments)?;
        let store = kept_key_store(&config).await?;
        let keys = kept_signing_keys(&config, store).await;
        Self::with(config, keys)
    }

    /// The same for whoever signs: where there is no key, the first one is made.
    async fn begin(arguments: &ConfigArguments) -> Result<Self, Failed> {
        let config = load(arguments)?;
        let store = key_store(&config).await?;
        let (clock, metrics) = (Arc::new(SystemClock), Arc::new(Metrics::new()));
        let keys = signing_keys(&config, store, clock, metrics).await;
        Self::with(config, keys)
    }

    fn with(config: Config, keys: Result<SigningKeys, KeyError>) -> Result<Self, Failed> {
        let base_url = public_base_url(&config, config.listener.bind);
        Ok(Self {
            keys: Arc::new(keys.map_err(|error| super::keys::failed("reading", &error))?),
            config,
            base_url,
        })
    }

    /// What judges them.
    fn validator(self) -> TokenValidator {
        let (_, options) = token_options(&self.config, &self.base_url);
        TokenValidator::new(options, self.keys, Arc::new(SystemClock))
    }
}

/// What `inspect` found; with `--json` printed as it is.
#[derive(Serialize)]
struct Inspected {
    #[serde(flatten)]
    inspection: Inspection,
    /// Whether the judgement heeds what was revoked.
    revocations_looked_up: bool,
}

async fn inspect_token(arguments: &InspectArguments) -> Result<(), Failed> {
    let text = read(arguments.file.as_deref())?;
    let (validator, revocations_looked_up) = match Tokens::load(&arguments.config).await {
        Ok(tokens) => heeding_revocations(tokens).await,
        Err(failed) if arguments.config.config.is_some() => return Err(failed),
        Err(_) => {
            output::note(
                "note: without a configuration the token is decoded, but not judged, nor looked up among revoked ones",
            );
            (None, false)
        }
    };
    let inspected = Inspected {
        inspection: inspect(UnverifiedToken::new(text.trim()), validator.as_ref()),
        revocations_looked_up,
    };
    if arguments.json {
        output::json(&inspected)
    } else {
        print(&inspected)
    }
}

/// What judges tokens, and whether it knows the revoked ones.
async fn heeding_revocations(tokens: Tokens) -> (Option<TokenValidator>, bool) {
    let cutoffs = Doctor::new(&tokens.config).cutoffs().await;
    let validator = tokens.validator();
    match cutoffs {
        Ok(cutoffs) => (Some(validator.heeding(Arc::new(cutoffs))), true),
        Err(error) => {
            let note = format!("note: whether the token was revoked was not looked up: {error}");
            output::note(&output::sanitised(&note));
            (Some(validator), false)
        }
    }
}

fn print(inspected: &Inspected) -> Result<(), Failed> {
    let pretty = |value: &serde_json::Map<String, serde_json::Value>| {
        output::sanitised(&serde_json::to_string_pretty(value).unwrap_or_default())
    };
    let inspection = &inspected.inspection;
    if let Some(header) = &inspection.header {
        output::line(format_args!("header  {}", pretty(header)))?;
    }
    if let Some(claims) = &inspection.claims {
        output::line(format_args!("claims  {}", pretty(claims)))?;
    }
    output::line(match inspection.judgement {
        Judgement::Expired => "expired: good in every respect until its time ran out".to_owned(),
        Judgement::Invalid(reason) => format!("invalid: {}", reason.as_str()),
        Judgement::Unjudged => "not judged".to_owned(),
        Judgement::Valid if inspected.revocations_looked_up => "valid, and not revoked".to_owned(),
        Judgement::Valid => "valid, unless it was revoked".to_owned(),
    })
}

/// The token in `file` or on stdin: a token is a secret, and a command line is not.
fn read(file: Option<&Path>) -> Result<String, Failed> {
    let mut text = String::new();
    let (attempted, read) = if let Some(path) = file.filter(|file| *file != Path::new("-")) {
        let opened = std::fs::File::open(path);
        let read = opened.and_then(|file| file.take(TOKEN_FILE_LIMIT).read_to_string(&mut text));
        (format!("reading the token in {}", path.display()), read)
    } else {
        if io::stdin().is_terminal() {
            output::note("paste the token, then press Enter and Ctrl-D:");
        }
        let read = io::stdin()
            .lock()
            .take(TOKEN_FILE_LIMIT)
            .read_to_string(&mut text);
        ("reading the token on stdin".to_owned(), read)
    };
    read.map(|_| text)
        .map_err(|error| Failed::new(attempted, error))
}

/// What `mint --json` prints.
#[derive(Serialize)]
struct Minted<'a> {
    access_token: &'a str,
    expires_in: u64,
}

async fn mint(arguments: &MintArguments) -> Result<(), Failed> {
    let principal = principal(arguments)?;
    let Tokens {
        config,
        base_url,
        keys,
    } = Tokens::begin(&arguments.config).await?;
    let on_record = OnRecord::open(&config)?;
    let (options, _) = token_options(&config, &base_url);
    let clock = Arc::new(SystemClock);
    // An expired token has had the same length of life as any other, and ended one life ago.
    let age = if arguments.expired {
        options.lifetime * 2
    } else {
        Duration::ZERO
    };
    let options_of_token = MintOptions {
        issued_at: clock.now() - age,
        lifetime: options.lifetime,
    };
    let minted = TokenIssuer::new(options, keys, clock).mint(&principal, options_of_token);
    let minted = minted.map_err(|error| Failed::new("minting a token", error))?;
    let organization = principal.organization.as_ref();
    on_record.record(&Decision {
        client_id: Some(principal.client_id.as_str()),
        subject: Some(&principal.subject),
        organization: organization.map(|organization| organization.id.as_str()),
        ..Decision::new(Event::TokenMint, "done")
    })?;
    if arguments.json {
        return output::json(&Minted {
            access_token: minted.access_token.expose(),
            expires_in: minted.expires_in.as_secs(),
        });
    }
    output::line(minted.access_token.expose())
}

fn principal(arguments: &MintArguments) -> Result<Principal, Failed> {
    let failed = |what: &str| Failed::new("minting a token", what);
    let client_id = ClientId::new(arguments.client_id.as_str())
        .ok_or_else(|| failed("--client-id must have 1 to 256 bytes and no control characters"))?;
    let roles = arguments.roles.iter().map(|role| role.parse());
    let roles = roles
        .collect::<Result<_, _>>()
        .map_err(|error| Failed::new("reading --role", error))?;
    Ok(Principal {
        subject: format!("minted|{}", client_id.as_str()),
        client_id,
        organization: arguments
            .organization
            .clone()
            .map(|id| Organization { id, slug: None }),
        roles,
        scopes: Scopes::granted(arguments.scope.as_deref()),
    })
}
