use std::{sync::mpsc, time::Duration};

use super::*;
use crate::{data::upstream::room::Room, import::SAMPLE_TADS};

async fn list(body: String) -> List {
    List {
        body: body.into(),
        next: None,
        _room: Room::new().take().await.unwrap(),
    }
}

async fn sample_list() -> List {
    list(format!("{{\"data\":{SAMPLE_TADS}}}")).await
}

/// On a runtime of one thread, a judge that waits for another task would wait forever if it kept that thread.
#[tokio::test]
async fn judging_does_not_keep_other_requests_waiting() {
    let (sender, receiver) = mpsc::channel();
    let receiver = std::sync::Mutex::new(receiver);
    let judge = Judge::of_tads(move |_| {
        let heard = receiver
            .lock()
            .unwrap()
            .recv_timeout(Duration::from_secs(60));
        heard.is_ok()
    });
    let judge = Arc::new(judge);
    let filling = Found::up_to(3, 0).fill(sample_list().await, 0, judge);
    let other = async move {
        for () in [(); 3] {
            tokio::task::yield_now().await;
            sender.send(()).unwrap();
        }
        sender
    };
    let (filled, _sender) = tokio::join!(filling, other);
    let (found, rest) = filled.unwrap();
    assert!(found.is_full());
    assert_eq!(rest, Some(3));
}

#[tokio::test]
async fn judging_ends_when_nobody_waits_any_longer() {
    let (begun, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
    let (go, wait) = mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let judge = Judge::of_tads(move |_| {
        let _ = begun.send(());
        // Goes on when the other end is gone.
        let _ = wait.lock().unwrap().recv();
        true
    });
    let list = sample_list().await;
    let filling = tokio::spawn(Found::up_to(50, 0).fill(list, 0, Arc::new(judge)));
    has_begun.recv().await.unwrap();
    filling.abort();
    let ended = filling.await;
    assert!(ended.is_err_and(|error| error.is_cancelled()));
    drop(go);
    // The judge is dropped after the object it was at, and not after all of them.
    let mut judged = 1;
    while has_begun.recv().await.is_some() {
        judged += 1;
    }
    assert_eq!(judged, 1);
}

#[tokio::test]
async fn a_list_is_read_to_its_end_whatever_is_taken_from_it() {
    let objects = SAMPLE_TADS.trim().trim_end_matches(']');
    for body in [
        format!("{{\"data\":{objects}"),
        format!("{{\"data\":{objects}, nonsense]}}"),
        format!("{{\"data\":{SAMPLE_TADS}}} more"),
        format!("{{\"data\":{SAMPLE_TADS},\"data\":[]}}"),
        "{\"other\":[]}".to_owned(),
        "[]".to_owned(),
    ] {
        let judge = Arc::new(Judge::of_tads(|_| true));
        let filled = Found::up_to(1, 0).fill(list(body).await, 0, judge).await;
        let Err(SourceError::Unavailable { why, .. }) = filled.map(|_| ()) else {
            panic!("it was taken for a list")
        };
        assert_eq!(why, "it answered no list of PACT's form");
    }
}
