//! No more requests at once than can be worked on. A request whose body is on its way takes no place: a few
//! hundred slow senders would keep everybody else out.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use axum::{
    BoxError,
    body::{Body, HttpBody},
    extract::Request,
};
use bytes::Bytes;
use http::Method;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places.
pub(super) struct InFlight(Arc<Semaphore>);

/// A request's place, given back when it is dropped.
pub(super) enum Place {
    /// Its body is there.
    Taken { _permit: OwnedSemaphorePermit },
    /// It has one from the moment on at which its body is there.
    Awaited { _permit: LatePermit },
}

type LatePermit = Arc<OnceLock<OwnedSemaphorePermit>>;

/// There are as many requests as can be worked on.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("too many requests in flight")]
pub(crate) struct NoRoom;

impl InFlight {
    pub(super) fn new(most: usize) -> Self {
        Self(Arc::new(Semaphore::new(most)))
    }

    /// Takes a place for a request that is there as a whole; for another, the end of its body will. What no POST
    /// brings along is read by nobody, and need not come for the answer to be worked on.
    pub(super) fn enter(&self, request: Request) -> Result<(Place, Request), NoRoom> {
        if request.body().is_end_stream() || request.method() != Method::POST {
            let permit = take(&self.0)?;
            return Ok((Place::Taken { _permit: permit }, request));
        }
        let permit = LatePermit::default();
        let arriving = |body| {
            Body::new(Arriving {
                body,
                permit: permit.clone(),
                places: self.0.clone(),
            })
        };
        let request = request.map(arriving);
        Ok((Place::Awaited { _permit: permit }, request))
    }
}

fn take(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, NoRoom> {
    places.clone().try_acquire_owned().map_err(|_| NoRoom)
}

/// A body on its way; its end takes the place, or fails with [`NoRoom`].
struct Arriving {
    body: Body,
    permit: LatePermit,
    places: Arc<Semaphore>,
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Err(error)) = frame {
            return Poll::Ready(Some(Err(error.into())));
        }
        let is_end = frame.is_none() || self.body.is_end_stream();
        if is_end && self.permit.get().is_none() {
            match take(&self.places) {
                // Taken before: then this one goes back.
                Ok(permit) => drop(self.permit.set(permit)),
                Err(no_room) => return Poll::Ready(Some(Err(no_room.into()))),
            }
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    fn with_body(body: Body) -> Request {
        Request::post("/").body(body).unwrap()
    }

    fn in_pieces(pieces: &'static [&'static str]) -> Body {
        let frames = pieces
            .iter()
            .map(|piece| Ok::<_, BoxError>(Frame::data(Bytes::from(*piece))));
        Body::new(StreamBody::new(futures_util::stream::iter(frames)))
    }

    #[tokio::test]
    async fn a_place_is_taken_when_the_body_is_there_and_given_back_at_the_end() {
        let places = InFlight::new(1);
        let (slow, request) = places.enter(with_body(in_pieces(&["a", "b"]))).unwrap();
        let (other, _) = places.enter(with_body(Body::empty())).unwrap();
        let read = request.into_body().collect().await;
        assert!(read.unwrap_err().into_inner().is::<NoRoom>());
        drop((slow, other));
        let (place, request) = places.enter(with_body(in_pieces(&["a", "b"]))).unwrap();
        let read = request.into_body().collect().await.unwrap();
        assert_eq!(read.to_bytes(), "ab");
        assert!(places.enter(with_body(Body::empty())).is_err());
        drop(place);
        assert!(places.enter(with_body(Body::empty())).is_ok());
    }

    #[tokio::test]
    async fn a_request_whose_body_nobody_reads_takes_its_place_at_once() {
        let places = InFlight::new(1);
        let get = Request::new(in_pieces(&["never read"]));
        let (_place, _) = places.enter(get).unwrap();
        let another = Request::new(in_pieces(&["never read"]));
        assert!(places.enter(another).is_err());
    }
}
