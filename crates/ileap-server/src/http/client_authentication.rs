//! Who the client is that presents itself: one way for every endpoint of OAuth.

use std::time::Duration;

use tokio::time::Instant;
use tracing::Instrument as _;

use super::{
    extract::client_form::ClientForm,
    failure::{Cause, Failure},
    layers::RequestContext,
    state::AppState,
};
use crate::{
    telemetry::{VerifyOutcome, traces},
    verify::{Verdict, VerifiedClient, VerifyError, encodings::verify_presented},
};

/// The client behind the form's credentials, if they are right. A refusal comes no sooner than its floor.
pub(crate) async fn authenticate(
    state: &AppState,
    context: &RequestContext,
    form: &ClientForm,
) -> Result<VerifiedClient, Failure> {
    match verify(state, context, form).await {
        Ok(verified) => Ok(verified),
        Err(cause) => {
            hold_back(state.edge.refusal_floor, form.read_at, &cause).await;
            let presented = form.credentials.raw.client_id.as_str();
            Err(Failure::from(cause).of_client(presented))
        }
    }
}

async fn verify(
    state: &AppState,
    context: &RequestContext,
    form: &ClientForm,
) -> Result<VerifiedClient, Cause> {
    let began = state.clock.monotonic();
    let span = traces::verification(state.verifier.kind());
    let verdict = verify_presented(
        &*state.verifier,
        &form.credentials,
        context.client_address,
        &state.encodings,
    )
    .instrument(span.clone())
    .await;
    let outcome = match &verdict {
        Ok(Verdict::Accept(_)) => VerifyOutcome::Accepted,
        Ok(Verdict::Reject(_)) => VerifyOutcome::Refused,
        Err(VerifyError::OverBudget { .. }) => VerifyOutcome::HeldBack,
        Err(_) => VerifyOutcome::Unavailable,
    };
    traces::verified(&span, outcome);
    let elapsed = state.clock.monotonic().saturating_duration_since(began);
    state
        .metrics
        .verified(state.verifier.kind(), outcome, elapsed);
    match verdict? {
        Verdict::Accept(verified) => Ok(verified),
        Verdict::Reject(reason) => Err(Cause::ClientRefused(reason)),
    }
}

/// Keeps a refusal until a whole number of floors has passed since the request was there, so that how long
/// it took says nothing about the account: what takes longer than one floor is not told apart by a little more
/// or less. The jitter comes on top.
async fn hold_back(floor: Duration, read_at: Instant, cause: &Cause) {
    if !matches!(cause, Cause::ClientRefused(_)) || floor.is_zero() {
        return;
    }
    let floors = read_at.elapsed().as_nanos() / floor.as_nanos() + 1;
    let floors = u32::try_from(floors).unwrap_or(u32::MAX);
    let mut random = [0_u8; 1];
    let jitter = match aws_lc_rs::rand::fill(&mut random) {
        Ok(()) => floor.mul_f32(f32::from(random[0]) / 1024.0),
        Err(_) => Duration::ZERO,
    };
    tokio::time::sleep_until(read_at + floor.saturating_mul(floors) + jitter).await;
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;
    use crate::verify::RejectReason;

    const FLOOR: Duration = Duration::from_millis(40);

    /// How long after its request a refusal is there that was ready when the request was `age` old.
    async fn held_back(floor: Duration, age: Duration, cause: Cause) -> Duration {
        let read_at = Instant::now().checked_sub(age).unwrap();
        let held = hold_back(floor, read_at, &cause);
        timeout(Duration::from_secs(5), held).await.unwrap();
        read_at.elapsed()
    }

    fn refused() -> Cause {
        Cause::ClientRefused(RejectReason::WrongSecret)
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_takes_whole_floors_and_never_much_longer() {
        // Several, for the jitter is drawn.
        for _ in 0..10 {
            for floors in 0..3 {
                let age = FLOOR * floors + FLOOR / 2;
                let held = held_back(FLOOR, age, refused()).await;
                assert!(held >= FLOOR * (floors + 1), "{held:?}");
                assert!(held < FLOOR * (floors + 1) + FLOOR / 2, "{held:?}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_else_is_held_back_nor_anything_without_a_floor() {
        let long = Duration::from_mins(1);
        assert!(held_back(long, Duration::ZERO, Cause::TokenMissing).await < long);
        assert!(held_back(Duration::ZERO, Duration::ZERO, refused()).await < long);
    }
}
