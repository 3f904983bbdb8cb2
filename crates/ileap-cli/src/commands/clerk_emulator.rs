//! `ileap clerk-emulator`

use clerk_emulator::{ClerkEmulator, EmulatorOptions, load_users};
use serde::Serialize;

use super::serve::told_to_stop;
use crate::{cli::EmulatorArguments, exit::Failed, output};

/// What `--json` prints.
#[derive(Serialize)]
struct Ready<'a> {
    frontend_api_url: &'a str,
    backend_api_url: &'a str,
    publishable_key: &'a str,
    secret_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_signing_secret: Option<&'a str>,
}

/// Runs the emulator until told to stop.
pub(crate) async fn run(arguments: EmulatorArguments) -> Result<(), Failed> {
    let stop = told_to_stop()?;
    let mut options = EmulatorOptions::default();
    options.bind.set_port(arguments.port);
    options.webhook_url.clone_from(&arguments.webhook_url);
    if let Some(path) = &arguments.users {
        let attempted = || format!("reading the users in {}", path.display());
        let users =
            std::fs::read_to_string(path).map_err(|error| Failed::new(attempted(), error))?;
        options.users = load_users(&users).map_err(|error| Failed::new(attempted(), error))?;
    }
    let clerk = ClerkEmulator::start(options).await;
    let clerk = clerk.map_err(|error| Failed::new("starting the Clerk emulator", error))?;
    announce(&arguments, &clerk)?;
    stop.await;
    clerk.stop().await;
    Ok(())
}

fn announce(arguments: &EmulatorArguments, clerk: &ClerkEmulator) -> Result<(), Failed> {
    let ready = Ready {
        frontend_api_url: clerk.frontend_api_url(),
        backend_api_url: clerk.backend_api_url(),
        publishable_key: clerk.publishable_key(),
        secret_key: clerk.secret_key(),
        webhook_signing_secret: arguments
            .webhook_url
            .as_ref()
            .map(|_| clerk.webhook_signing_secret()),
    };
    if arguments.json {
        return output::json(&ready);
    }
    let webhooks = match (&arguments.webhook_url, ready.webhook_signing_secret) {
        (Some(url), Some(secret)) => {
            format!("  webhook secret   {secret}  (webhooks go to {url})\n")
        }
        _ => String::new(),
    };
    output::line(format_args!(
        "Clerk emulator at {} (Frontend API) and {} (Backend API)\n\n  publishable key  {}\n  secret key       {}\n{webhooks}\n\
         Users, keys and ids are gone when it ends. Ctrl-C ends it.",
        ready.frontend_api_url, ready.backend_api_url, ready.publishable_key, ready.secret_key
    ))
}
