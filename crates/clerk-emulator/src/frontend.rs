//! The Frontend API: the checks every call passes, in Clerk's order, and the routes behind them.

use std::net::IpAddr;

use axum::http::{HeaderMap, Uri, header};
use serde_json::{Value, json};

use crate::{
    answer::Answer,
    backend::{self, body::Body},
    endpoint::Endpoint,
    errors::Refusal,
    limits::Bucket,
    options::InstanceKind,
    shapes::View,
    state::{Shared, World},
};
pub(crate) use completion::{authorized_party, renew_token};
pub(crate) use factors::TEST_CODE;
use mode::{Caller, ClientReply};
use params::Params;

pub(crate) mod browser;
mod client;
mod completion;
mod environment;
mod factors;
mod mode;
pub(crate) mod params;
mod password;
mod sessions;
mod sign_ins;
mod tickets;
mod well_known;

/// A request that has been read.
pub(crate) struct Incoming {
    pub(crate) endpoint: Endpoint,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    /// The variables of the path, in order.
    pub(crate) ids: Vec<String>,
    pub(crate) body: Vec<u8>,
    pub(crate) peer: IpAddr,
}

/// A call on its way: who asks, what for, and the world it may change.
pub(crate) struct Call<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) world: &'a mut World,
    pub(crate) incoming: &'a Incoming,
    pub(crate) now: u64,
    caller: Caller,
    pub(crate) query: Params,
    form: Params,
    /// What a call of the Backend API brings.
    pub(crate) json: Body,
    /// The client the caller proved to be.
    client_id: Option<String>,
    reply: ClientReply,
}

/// What a route answers.
pub(crate) struct Reply {
    status: u16,
    body: Value,
}

impl From<Value> for Reply {
    fn from(body: Value) -> Self {
        Self { status: 200, body }
    }
}

impl Call<'_> {
    pub(crate) fn view(&self) -> View<'_> {
        View {
            world: self.world,
            lockout: self.shared.options.lockout,
            now: self.now,
        }
    }

    /// `response` in the envelope, with the caller's client beside it.
    fn wrapped(&self, response: &Value) -> Value {
        let client = self.client_id.as_deref();
        let client = client.map_or(Value::Null, |id| self.view().client(id));
        json!({"response": response, "client": client})
    }

    /// Counts the call in a bucket, where requests are limited.
    pub(crate) fn count(&mut self, bucket: Bucket, most: u32) -> Result<(), Refusal> {
        if !self.shared.options.limits {
            return Ok(());
        }
        let passed = self.world.limits.pass(bucket, most, self.now);
        passed.map_err(|seconds| Refusal::new("too_many_requests").retry_after(Some(seconds)))
    }

    /// Whether the route knows a parameter of this name, in the version that was pinned.
    pub(crate) fn knows_param(&self, name: &str) -> bool {
        params::is_known(self, name)
    }

    /// The variable of the path at this position.
    pub(crate) fn path_id(&self, position: usize) -> &str {
        self.incoming.ids.get(position).map_or("", String::as_str)
    }
}

/// Carries a call out.
pub(crate) fn carry_out(shared: &Shared, incoming: &Incoming) -> Answer {
    answered(shared, incoming, |call| {
        check(call)?;
        route(call)
    })
}

/// Refuses a call without looking at it.
pub(crate) fn refuse(shared: &Shared, incoming: &Incoming, refusal: Refusal) -> Answer {
    answered(shared, incoming, |_| Err(refusal))
}

fn answered(
    shared: &Shared,
    incoming: &Incoming,
    work: impl FnOnce(&mut Call<'_>) -> Result<Reply, Refusal>,
) -> Answer {
    let mut world = shared.world();
    let mut call = Call {
        shared,
        world: &mut world,
        incoming,
        now: shared.clock().now_ms(),
        caller: Caller::Anonymous,
        query: Params::parse(incoming.uri.query().unwrap_or_default().as_bytes()),
        form: Params::default(),
        json: Body::default(),
        client_id: None,
        reply: ClientReply::Keep,
    };
    let result = work(&mut call);
    finish(call, result)
}

/// The order matters: it decides which of several faults a caller hears of, and what counts as an attempt.
fn check(call: &mut Call<'_>) -> Result<(), Refusal> {
    if !call
        .shared
        .is_own_host(&call.incoming.headers, &call.incoming.uri)
    {
        return Err(Refusal::new("host_invalid"));
    }
    check_maintenance(call)?;
    if call.incoming.endpoint.is_backend() {
        return backend::check(call);
    }
    if call.incoming.endpoint.identifies_client() {
        mode::identify(call)?;
    }
    params::check_version(&call.incoming.headers, &call.query)?;
    check_limit(call)?;
    call.form = params::form(call)?;
    Ok(())
}

fn check_maintenance(call: &Call<'_>) -> Result<(), Refusal> {
    let endpoint = call.incoming.endpoint;
    let is_production = call.shared.options.instance_kind == InstanceKind::Production;
    let survives = endpoint.survives_maintenance()
        || (is_production && endpoint.survives_maintenance_in_production());
    if call.world.maintenance && !survives {
        return Err(Refusal::new("maintenance_mode").retry_after(Some(60)));
    }
    Ok(())
}

fn check_limit(call: &mut Call<'_>) -> Result<(), Refusal> {
    let (caller, endpoint) = (call.incoming.peer, call.incoming.endpoint);
    match endpoint.limit() {
        Some(most) => call.count(Bucket::Address(caller, endpoint), most),
        None => Ok(()),
    }
}

fn route(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    match call.incoming.endpoint {
        Endpoint::CreateDevBrowser => Ok(browser::create_dev_browser(call).into()),
        Endpoint::GetEnvironment => Ok(environment::environment(call).into()),
        Endpoint::GetClient => client::get(call).map(Reply::from),
        Endpoint::CreateClient => client::create(call).map(Reply::from),
        Endpoint::DeleteClient => client::delete(call).map(Reply::from),
        Endpoint::CreateSignIn => sign_ins::create(call).map(Reply::from),
        Endpoint::GetSignIn => sign_ins::get(call).map(Reply::from),
        Endpoint::PrepareFirstFactor => factors::prepare_first(call).map(Reply::from),
        Endpoint::AttemptFirstFactor => factors::attempt_first(call).map(Reply::from),
        Endpoint::PrepareSecondFactor => factors::prepare_second(call).map(Reply::from),
        Endpoint::AttemptSecondFactor => factors::attempt_second(call).map(Reply::from),
        Endpoint::ResetPassword => password::reset(call).map(Reply::from),
        Endpoint::RemoveSessions => sessions::remove_all(call).map(Reply::from),
        Endpoint::GetSession => sessions::get(call).map(Reply::from),
        Endpoint::TouchSession => sessions::touch(call).map(Reply::from),
        Endpoint::EndSession => sessions::end(call).map(Reply::from),
        Endpoint::RemoveSession => sessions::remove(call).map(Reply::from),
        Endpoint::CreateSessionToken => sessions::create_token(call).map(Reply::from),
        Endpoint::CreateTemplateToken => sessions::create_template_token(call).map(Reply::from),
        Endpoint::GetMe => sessions::me(call).map(Reply::from),
        Endpoint::ListMyMemberships => sessions::my_memberships(call).map(Reply::from),
        Endpoint::GetJwks => Ok(call.world.key.key_set(&call.shared.instance_id).into()),
        Endpoint::GetOpenidConfiguration => {
            Ok(well_known::openid_configuration(&call.shared.origin).into())
        }
        Endpoint::GetAuthorizationServerMetadata => {
            Ok(well_known::authorization_server(&call.shared.origin).into())
        }
        Endpoint::GetHealth => Ok(health(call.world.maintenance)),
        _ => backend::route(call).map(Reply::from),
    }
}

fn health(maintenance: bool) -> Reply {
    if maintenance {
        let body = json!({"status": "unhealthy", "message": "under maintenance"});
        return Reply { status: 503, body };
    }
    json!({"status": "healthy"}).into()
}

fn finish(mut call: Call<'_>, result: Result<Reply, Refusal>) -> Answer {
    let trace_id = call.world.ids.trace_id();
    let mut answer = match result {
        Ok(reply) => Answer::json(reply.status, &reply.body),
        Err(refusal) => refused(&call, &refusal, &trace_id),
    };
    answer.set(
        header::HeaderName::from_static("x-clerk-trace-id"),
        &trace_id,
    );
    // The secret key has no place in a browser.
    if !call.incoming.endpoint.is_backend() {
        browser::allow_origin(&call.incoming.headers, &mut answer);
    }
    mode::hand_over_token(&mut call, &mut answer);
    answer
}

fn refused(call: &Call<'_>, refusal: &Refusal, trace_id: &str) -> Answer {
    let client = call.client_id.as_deref();
    let client = client.map(|id| call.view().client(id));
    let mut answer = Answer::json(refusal.status, &refusal.body(trace_id, client));
    if let Some(seconds) = refusal.retry_after {
        answer.set(header::RETRY_AFTER, &seconds.to_string());
    }
    answer
}
