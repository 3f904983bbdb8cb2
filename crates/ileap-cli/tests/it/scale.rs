//! Three instances on one PostgreSQL behind nginx: they act as one, save where the manual says that each counts alone.

use std::time::{Duration, Instant};

use clerk_emulator::{ClerkEmulator, EmulatorOptions, EmulatorUser, Endpoint};
use futures_util::future::join_all;
use sqlx::Row as _;

use crate::{
    admin,
    cluster::{Cluster, Load, PARTNERS, key_of},
    static_users::eventually,
};

const INSTANCES: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_one_instance_opens_all_of_them_until_it_is_revoked_at_any() {
    let cluster = Cluster::start(INSTANCES, &[]);
    let partner = cluster.caller("127.0.0.1");
    let mut tokens = Vec::new();
    for issuer in cluster.bases() {
        let token = partner.token(&issuer).await;
        for judge in cluster.bases() {
            assert_eq!(partner.judgements(&judge, &token).await, [true; 3]);
        }
        tokens.push(token);
    }
    // The answer comes when no instance takes the token any more.
    let revoke = format!("{}/auth/revoke", cluster.public());
    partner.ask(&revoke, &tokens[0]).await;
    for base in cluster.bases() {
        assert_eq!(partner.judgements(&base, &tokens[0]).await, [false; 3]);
        assert_eq!(partner.judgements(&base, &tokens[1]).await, [true; 3]);
        assert_ne!(
            partner.token(&base).await,
            tokens[0],
            "not handed out again"
        );
    }
    // A command is there for all of them, too, and does not wait for them.
    cluster.said(&["token", "revoke", "--client", "acme"]);
    for token in &tokens {
        for base in cluster.bases() {
            while partner.judgements(&base, token).await != [false; 3] {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    let again = partner.token(&cluster.public()).await;
    for base in cluster.bases() {
        assert_eq!(partner.judgements(&base, &again).await, [true; 3]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_one_secret_reach_clerk_as_often_as_by_one_instance_alone() {
    let options = EmulatorOptions {
        users: vec![EmulatorUser::with_email(
            "ops@acme.example",
            "quartz+Lantern 4711",
        )],
        ..EmulatorOptions::default()
    };
    let locks_after = options.lockout.max_attempts;
    let clerk = ClerkEmulator::start(options).await.unwrap();
    let settings = [
        ("ILEAP_VERIFIER__KIND", "clerk_backend"),
        (
            "ILEAP_VERIFIER__CLERK__BACKEND_API_URL",
            clerk.backend_api_url(),
        ),
        (
            "ILEAP_VERIFIER__CLERK__FRONTEND_API_URL",
            clerk.frontend_api_url(),
        ),
        ("CLERK_SECRET_KEY", clerk.secret_key()),
        ("ILEAP_ACCESS__DEFAULT_ROLE", "user"),
    ];
    let cluster = Cluster::start(INSTANCES, &settings);
    let stranger = cluster.caller("127.0.0.2");
    let (partner, public) = (cluster.caller("127.0.0.3"), cluster.public());
    let right = || partner.login(&public, "ops@acme.example", "quartz+Lantern 4711");
    for base in cluster.bases() {
        let login = partner.login(&base, "ops@acme.example", "quartz+Lantern 4711");
        assert_eq!(partner.send(login).await.unwrap().status, 200);
    }
    let before = clerk.admin().calls().of(Endpoint::BackendVerifyPassword);
    let guesses = (0..4 * locks_after).map(|guess| {
        let guess = format!("guess {guess}");
        stranger.send(stranger.login(&public, "ops@acme.example", &guess))
    });
    let answers = join_all(guesses).await;
    let statuses: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.unwrap().status)
        .collect();
    assert!(
        statuses.iter().all(|status| [400, 429].contains(status)),
        "{statuses:?}"
    );
    let reached = clerk.admin().calls().of(Endpoint::BackendVerifyPassword) - before;
    let most = u64::from(locks_after / 2);
    assert!(
        (1..=most).contains(&reached),
        "{reached} guesses reached Clerk"
    );
    for base in cluster.bases() {
        let guess = stranger.login(&base, "ops@acme.example", "one more guess");
        assert_eq!(
            stranger.send(guess).await.unwrap().status,
            429,
            "each knows of it"
        );
    }
    // The partner's own machine, whose secret was right before, is kept out nowhere.
    for _ in 0..2 * INSTANCES {
        assert_eq!(partner.send(right()).await.unwrap().status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_each_instance_counts_alone_adds_up_to_no_more_than_the_manual_says() {
    const FAILURES: u64 = 2;
    const REQUESTS: u64 = 60;
    let settings = [
        ("ILEAP_VERIFIER__BUDGET__FAILURES_PER_ADDRESS", "2"),
        ("ILEAP_LISTENER__REQUESTS_PER_ADDRESS", "60"),
    ];
    let cluster = Cluster::start(INSTANCES, &settings);
    let public = cluster.public();
    // A rate refills while it is used.
    let at_most = |a_minute: u64, begin: Instant| {
        let refilled = a_minute * (begin.elapsed().as_secs() + 1) / 60 + 1;
        INSTANCES as u64 * (a_minute + refilled)
    };
    let (stranger, begin) = (cluster.caller("127.0.0.2"), Instant::now());
    let mut looked_at = 0;
    for guess in 0..2 * FAILURES * INSTANCES as u64 {
        let login = stranger.login(&public, &format!("nobody-{guess}"), "guess");
        match stranger.send(login).await.unwrap().status {
            400 => looked_at += 1,
            status => assert_eq!(status, 429),
        }
    }
    assert!(
        (FAILURES..=at_most(FAILURES, begin)).contains(&looked_at),
        "{looked_at}"
    );

    let (busy, begin) = (cluster.caller("127.0.0.3"), Instant::now());
    let url = format!("{public}/jwks");
    let mut answered = 0;
    for _ in 0..20 {
        let requests = (0..20).map(|_| busy.send(busy.get(&url, None)));
        for answer in join_all(requests).await {
            match answer.unwrap().status {
                200 => answered += 1,
                status => assert_eq!(status, 429),
            }
        }
    }
    assert!(
        (REQUESTS..=at_most(REQUESTS, begin)).contains(&answered),
        "{answered}"
    );
    // Both are the addresses' own affair.
    let other = cluster.caller("127.0.0.4");
    assert_eq!(other.send(other.get(&url, None)).await.unwrap().status, 200);
    other.token(&public).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_under_load_fails_no_verification_and_ends_with_one_key_everywhere() {
    let cluster = Cluster::start(INSTANCES, &[("ILEAP_TOKEN__REUSE", "false")]);
    let partner = cluster.caller("127.0.0.1");
    let first = key_of(&partner.token(&cluster.public()).await);
    let load = Load::on(&cluster);
    let rotated = cluster.said(&["keys", "rotate", "--json"]);
    let rotated: serde_json::Value = serde_json::from_str(&rotated).unwrap();
    let next = rotated["kid"].as_str().unwrap();
    assert_ne!(next, first);
    for base in cluster.bases() {
        while key_of(&partner.token(&base).await) != next {
            load.goes_on();
        }
    }
    load.goes_on();
    assert_eq!(load.end().await.1, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_fails_nobody_and_a_kill_only_the_posts_that_the_instance_had() {
    let mut cluster = Cluster::start(INSTANCES, &[]);
    let load = Load::on(&cluster);
    load.goes_on();
    assert_eq!(cluster.terminate(0), 0);
    load.goes_on();
    cluster.begin(0);
    cluster.is_up(0);
    load.goes_on();
    assert_eq!(load.failures(), Vec::<String>::new());

    cluster.kill(1);
    load.goes_on();
    cluster.begin(1);
    cluster.is_up(1);
    let admin = cluster.instances[1].admin.clone();
    eventually(|| admin::count(&admin, "http_requests_total{") > 0);
    load.goes_on();
    let (acknowledged, failures) = load.end().await;
    // nginx asks another instance what it may ask twice. A login or an event that had reached the one that was killed
    // is answered 502, and comes again by whoever sent it.
    let is_stated = |failure: &String| {
        ["POST /auth/token: 502", "POST /2/events: 502"].contains(&failure.as_str())
    };
    assert!(failures.iter().all(is_stated), "{failures:?}");
    assert!(failures.len() <= PARTNERS, "{failures:?}");
    let events = sqlx::query("SELECT count(*) FROM events");
    let kept = events
        .fetch_one(&mut cluster.database().await)
        .await
        .unwrap();
    let kept = u64::try_from(kept.get::<i64, _>(0)).unwrap();
    let unclear = failures.len() as u64;
    assert!(
        (acknowledged..=acknowledged + unclear).contains(&kept),
        "{kept} of {acknowledged}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_three_that_is_left_answers_everybody() {
    let mut cluster = Cluster::start(INSTANCES, &[]);
    cluster.kill(0);
    cluster.kill(1);
    let load = Load::on(&cluster);
    load.goes_on();
    load.goes_on();
    assert_eq!(load.end().await.1, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_ends_takes_leave_of_the_database() {
    let mut cluster = Cluster::start(1, &[]);
    let partner = cluster.caller("127.0.0.1");
    partner.token(&cluster.bases()[0]).await;
    assert_eq!(cluster.terminate(0), 0);
    let mut database = cluster.database().await;
    let mut count = async |what: &'static str| {
        let counted = sqlx::query_scalar::<_, i64>(what);
        counted.fetch_one(&mut database).await.unwrap()
    };
    let ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ileap'";
    while count(ours).await != 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let abandoned =
        "SELECT sessions_abandoned FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(count(abandoned).await, 0);
}
