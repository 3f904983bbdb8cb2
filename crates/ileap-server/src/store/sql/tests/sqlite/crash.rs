//! Events that were acknowledged outlive a process that is killed.

use std::{
    io::{BufRead as _, BufReader, Write as _, stdin},
    process::{Child, Command, Stdio},
};

use ileap_types::pact::event::CloudEvent;
use jiff::Timestamp;

use super::*;

/// What the child writes before the id of an event that is kept.
const KEPT: &str = "kept:";

#[tokio::test]
async fn events_that_were_acknowledged_outlive_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("ileap.db").display());
    let mut acknowledged = Vec::new();
    for round in 0..8 {
        let mut child = spawn(&url, round);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let kept = lines.filter_map(|line| line.unwrap().strip_prefix(KEPT).map(str::to_owned));
        for (number, id) in kept.enumerate() {
            acknowledged.push(id);
            if number == round * 3 {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(acknowledged.len() > round * 3, "round {round} kept events");
    }
    let store = SqlStore::open(&url).await.unwrap();
    let rows = sql("SELECT id FROM events")
        .fetch_all(&store.readers)
        .await
        .unwrap();
    let found: Vec<String> = rows.iter().map(|row| row.text(0).unwrap()).collect();
    let lost = acknowledged.iter().filter(|id| !found.contains(id));
    assert_eq!(lost.collect::<Vec<_>>(), Vec::<&String>::new());
}

/// This test binary again, to run [`keep_events_until_killed`] alone.
fn spawn(url: &str, round: usize) -> Child {
    let name = "store::sql::tests::sqlite::crash::keep_events_until_killed";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", name, "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{url}\n{round}").unwrap();
    child
}

#[tokio::test]
#[ignore = "the process that is killed, started by the test above"]
async fn keep_events_until_killed() {
    let mut lines = stdin().lines().map_while(Result::ok);
    let (Some(url), Some(round)) = (lines.next(), lines.next()) else {
        return;
    };
    let store = SqlStore::open(&url).await.unwrap();
    let sender = contract::principal(&[Role::User], "org");
    // Bounded, so that it ends even if nobody kills it.
    for number in 0..5_000 {
        let id = format!("{round}-{number}");
        let body = Bytes::from(
            json!({
                "specversion": "1.0", "id": id, "source": "https://partner.example",
                "type": "org.wbcsd.pathfinder.ProductFootprint.Published.v1",
                "data": {"pfIds": ["3893bb5d-da16-4dc1-9185-11d97476c254"]},
            })
            .to_string(),
        );
        let received = ReceivedEvent {
            event: &CloudEvent::parse_v2(&body).unwrap(),
            body: &body,
            sender: &sender,
            received_at: Timestamp::UNIX_EPOCH,
        };
        assert_eq!(
            store.record_event(&received, &[]).await.unwrap(),
            EventReceipt::Stored
        );
        println!("\n{KEPT}{id}");
    }
}
