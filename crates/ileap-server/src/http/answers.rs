//! What answers the requests of a listener.

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, body::Body, response::Response};
use http::Request;
use hyper::body::Incoming;
use tower::ServiceExt as _;

use super::layers::Layers;

/// Routes, with or without our layers.
#[derive(Clone)]
pub(crate) enum Answers {
    /// For strangers: within every layer.
    Guarded(Arc<Layers>),
    /// For probes and scrapers.
    Plain(Router),
}

impl Answers {
    /// The answer to one request of `peer`.
    pub(crate) async fn to(&self, peer: SocketAddr, request: Request<Incoming>) -> Response {
        let request = request.map(Body::new);
        match self {
            Self::Guarded(layers) => layers.answer(peer, request).await,
            Self::Plain(router) => match router.clone().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            },
        }
    }
}
