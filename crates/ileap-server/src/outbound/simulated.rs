//! A network that exists in a test only: what would leave this thread is carried by it.

use std::{cell::RefCell, rc::Rc};

use futures_util::future::BoxFuture;
use reqwest::{Request, Response};

use super::OutboundError;

/// A request on its way, and what comes back.
pub(crate) type Carried = BoxFuture<'static, Result<Response, OutboundError>>;

type Network = Rc<dyn Fn(Request) -> Carried>;

thread_local! {
    static LAID: RefCell<Option<Network>> = const { RefCell::new(None) };
}

/// A network in place; gone when dropped.
pub(crate) struct Laid;

/// Has `network` carry whatever this thread sends from now on.
pub(crate) fn lay(network: impl Fn(Request) -> Carried + 'static) -> Laid {
    LAID.set(Some(Rc::new(network)));
    Laid
}

/// Whether this thread has one.
pub(crate) fn is_laid() -> bool {
    LAID.with_borrow(Option::is_some)
}

/// Hands `request` over to it.
pub(super) fn carry(request: Request) -> Carried {
    let network = LAID.with_borrow(Clone::clone);
    match network {
        Some(network) => network(request),
        None => Box::pin(std::future::ready(Err(OutboundError::Connect))),
    }
}

impl Drop for Laid {
    fn drop(&mut self) {
        LAID.set(None);
    }
}
