//! The client: what holds the sessions of one browser or app.

use serde_json::{Value, json};

use super::{Call, completion::renew_token, mode::ClientReply};
use crate::errors::Refusal;

/// `GET /v1/client`: the sessions come with fresh tokens.
pub(crate) fn get(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let Some(id) = call.client_id.clone() else {
        return Ok(json!({"response": null, "client": null}));
    };
    let client = call.world.clients.get(&id);
    let session_ids = client.map(|client| client.session_ids.clone());
    for session_id in session_ids.unwrap_or_default() {
        let session = call.world.sessions.get(&session_id);
        if session.is_some_and(|session| session.is_live(call.now)) {
            renew_token(call, &session_id)?;
        }
    }
    Ok(json!({"response": call.view().client(&id), "client": null}))
}

/// `POST` and `PUT /v1/client`
pub(crate) fn create(call: &mut Call<'_>) -> Result<Value, Refusal> {
    if call.client_id.is_none() {
        call.client_id = Some(call.world.create_client(call.now));
        call.reply = ClientReply::Send;
    }
    get(call)
}

/// `DELETE /v1/client`
pub(crate) fn delete(call: &mut Call<'_>) -> Result<Value, Refusal> {
    let id = call.client_id.take();
    let id = id.ok_or_else(|| Refusal::new("resource_not_found"))?;
    call.world.delete_client(&id, call.now);
    call.reply = ClientReply::Clear;
    Ok(json!({"response": null, "client": null}))
}
