//! Reading a body within limits of size and time.

use std::{error::Error, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::http::{failure::Cause, layers::NoRoom};

/// How long a whole body may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// Reads the whole body, unless it is larger than `limit_bytes` or slower than ten seconds.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    limit_bytes: usize,
) -> Result<Bytes, Cause> {
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if declared
        .is_some_and(|length: u64| usize::try_from(length).is_ok_and(|length| length > limit_bytes))
    {
        return Err(Cause::BodyTooLarge { limit_bytes });
    }
    let collected =
        tokio::time::timeout(BODY_DEADLINE, Limited::new(body, limit_bytes).collect()).await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Cause::BodyTooLarge { limit_bytes })
        }
        Ok(Err(error)) if is_no_room(&*error) => Err(Cause::Overloaded),
        Ok(Err(_)) => Err(Cause::BodyUnreadable),
        Err(_) => Err(Cause::BodyTooSlow),
    }
}

/// Whether, at the end of the body, there was no place to work on the request; wrappers of bodies wrap errors.
fn is_no_room(error: &(dyn Error + 'static)) -> bool {
    error.is::<NoRoom>() || error.source().is_some_and(is_no_room)
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_end_is_waited_for_ten_seconds() {
        let first: Result<_, std::io::Error> = Ok(Bytes::from_static(b"grant_type="));
        let chunks = futures_util::stream::iter([first]);
        let endless = futures_util::StreamExt::chain(chunks, futures_util::stream::pending());
        let began = Instant::now();
        let read = read(&HeaderMap::new(), Body::from_stream(endless), 100).await;
        assert!(matches!(read, Err(Cause::BodyTooSlow)), "{read:?}");
        assert_eq!(began.elapsed(), BODY_DEADLINE);
    }
}
