//! The server as its operator runs it: restarted, reloaded, short of files, under attack, while partners work.

mod load;
mod nginx;
mod site;
mod tls;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::fd::OwnedFd,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use self::{load::Load, nginx::Nginx, site::Site};
use crate::{
    effort::{moment, rounds},
    static_users::{eventually, free_address, hash, token, write_users},
    wire::{body, exchange, get, status},
};

const RESTARTS: usize = 20;

#[test]
fn a_server_on_a_socket_of_the_service_manager_is_restarted_without_a_failed_request() {
    let site = Site::new("");
    let socket = TcpListener::bind(&site.address).unwrap();
    let start = || {
        let socket = OwnedFd::from(socket.try_clone().unwrap());
        let script = r#"LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" serve --config "$1" 3<&0 </dev/null"#;
        site.shell(script)
            .stdin(Stdio::from(socket))
            .spawn()
            .unwrap()
    };
    let mut server = site.up(start());
    let load = Load::on(&site.address);
    for _ in rounds(RESTARTS) {
        load.goes_on();
        // Not before it has ended does the next one begin: whoever comes meanwhile waits in the socket's queue.
        assert_eq!(server.terminate(), Some(0));
        server = site.up(start());
    }
    assert_eq!(load.end(), Vec::<String>::new());
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_socket_that_the_configuration_does_not_speak_of_is_not_taken() {
    let site = Site::new("");
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let script = r#"LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" serve --config "$1" 3<&0 </dev/null"#;
    let output = site
        .shell(script)
        .stdin(Stdio::from(OwnedFd::from(other)))
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64), "{text}");
    assert!(text.contains("ListenStream="), "{text}");
}

#[test]
fn two_servers_behind_nginx_are_restarted_in_turn_without_a_failed_request() {
    let sites = [Site::new(""), Site::new("")];
    sites[1].shares_keys_of(&sites[0]);
    let mut servers = sites
        .each_ref()
        .map(|site| site.up(site.serve().spawn().unwrap()));
    let nginx = Nginx::before(&[&sites[0].address, &sites[1].address]);
    let load = Load::on(&nginx.address);
    for turn in rounds(RESTARTS) {
        load.goes_on();
        let (site, server) = (&sites[turn % 2], &mut servers[turn % 2]);
        assert_eq!(server.terminate(), Some(0));
        *server = site.up(site.serve().spawn().unwrap());
    }
    assert_eq!(load.end(), Vec::<String>::new(), "{}", nginx.log());
}

#[test]
fn a_hundred_reloads_good_and_bad_fail_no_request() {
    let site = Site::new("");
    let mut server = site.up(site.serve().spawn().unwrap());
    let load = Load::on(&site.address);
    let mut reloads = 0;
    for _ in rounds(34) {
        for settings in [
            "[profile]\noauth_errors = \"pact\"\n",
            "[profile]\noauth_errors = \"rfc6749\"\n[token]\nlifetime = \"30m\"\n",
            "[profile]\noauth_errors = \"ileaptest\"\n[tokens]\n[data]\nmax_page = 0\n",
        ] {
            site.write_config(settings);
            server.signal("HUP");
            reloads += 1;
            eventually(|| site.count("config_reloads_total{") == reloads);
        }
    }
    // The last one was refused, and named what is wrong with it; the one before stays.
    assert_eq!(token(&site.address, "acme", "wrong").0, 401);
    assert_eq!(load.end(), Vec::<String>::new());
    let log = site.log();
    for text in [
        "tokens",
        "`data.max_page`",
        "token.lifetime",
        "restart the server",
    ] {
        assert!(log.contains(text), "{text} in {log}");
    }
    assert!(!log.contains("panicked"));
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn services_that_may_ask_about_tokens_come_change_their_secret_and_go_without_a_restart() {
    const OTHER_SECRET: &str = "marble+Harbour 1138 and more";
    let site = Site::new("");
    let write = |secret| {
        let (acme, api) = (hash(site::SECRET), hash(secret));
        let users = [("acme", acme.as_str()), ("api", &api)];
        write_users(Path::new(&site.file("users.toml")), &users);
    };
    write(site::SECRET);
    let mut server = site.up(site.serve().spawn().unwrap());
    let (_, body) = token(&site.address, "acme", site::SECRET);
    let body: Value = serde_json::from_str(&body).unwrap();
    let form = format!("token={}", body["access_token"].as_str().unwrap());
    let ask = |secret: &str| {
        let output = Command::new("curl")
            .args(["-sS", "-u", &format!("api:{secret}"), "-d", &form])
            .arg(format!("http://{}/auth/introspect", site.address))
            .output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let (active, inactive) = (r#"{"active":true,"#, r#"{"active":false}"#);
    let mut reloads = 0;
    let mut reload = |settings: &str| {
        site.write_config(settings);
        server.signal("HUP");
        reloads += 1;
        eventually(|| site.count("config_reloads_total{outcome=\"taken_on\"}") == reloads);
    };
    assert_eq!(ask(site::SECRET), inactive);
    reload("[access]\nresource_servers = [\"api\"]\n");
    assert!(ask(site::SECRET).starts_with(active));
    write(OTHER_SECRET);
    reload("[access]\nresource_servers = [\"api\", \"another\"]\n");
    eventually(|| ask(site::SECRET).contains("invalid_client"));
    assert!(ask(OTHER_SECRET).starts_with(active));
    reload("[access]\nresource_servers = [\"another\"]\n");
    assert_eq!(ask(OTHER_SECRET), inactive);
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_server_that_is_killed_while_it_reloads_comes_back_with_keys_that_verify_everything() {
    let site = Site::new("");
    let mut tokens = Vec::new();
    let mut keys = None;
    for round in rounds(8) {
        let mut server = site.up(site.serve().spawn().unwrap());
        let published = site.get("/jwks", "");
        assert_eq!(
            body(&published),
            keys.get_or_insert(body(&published).to_owned())
        );
        let (_, answer) = token(&site.address, "acme", site::SECRET);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        tokens.push(answer["access_token"].as_str().unwrap().to_owned());
        tokens.drain(..tokens.len().saturating_sub(20));
        for token in &tokens {
            assert_eq!(
                status(&site.get("/2/footprints", token)),
                200,
                "round {round}"
            );
        }
        for settings in ["", "[data]\nmax_page = 0\n", "[data]\nmax_page = 500\n"] {
            site.write_config(settings);
            server.signal("HUP");
            assert_eq!(Some(body(&site.get("/jwks", ""))), keys.as_deref());
        }
        server.signal("HUP");
        thread::sleep(moment(round, Duration::from_millis(20)));
        server.signal("KILL");
        assert_eq!(server.wait(), None);
        site.write_config("");
    }
}

#[test]
fn the_log_can_be_made_louder_without_a_restart() {
    let site = Site::new("");
    let server = site.up(site.serve().spawn().unwrap());
    let is_loud = || site.log().contains("request answered");
    assert_eq!(token(&site.address, "acme", site::SECRET).0, 200);
    assert!(!is_loud());
    site.write_config("[log]\nlevel = \"debug\"\n");
    server.signal("HUP");
    eventually(|| {
        token(&site.address, "acme", site::SECRET);
        is_loud()
    });
}

#[test]
fn with_few_files_one_processor_and_little_memory_it_goes_on_and_recovers() {
    let site = Site::new("");
    let script = r#"ulimit -n 256; ulimit -d 65536; exec taskset -c 0 "$0" serve --config "$1""#;
    let mut server = site.up(site.shell(script).spawn().unwrap());
    for _ in rounds(1) {
        // Twice as many as it has files for, and they only hold them.
        let held: Vec<_> = (0..512)
            .map(|_| TcpStream::connect(&site.address).unwrap())
            .collect();
        for _ in 0..3 {
            assert_eq!(token(&site.address, "acme", site::SECRET).0, 200);
            assert!(site.admin("/healthz").contains("200 OK"));
        }
        drop(held);
        for _ in 0..20 {
            assert_eq!(token(&site.address, "acme", site::SECRET).0, 200);
        }
    }
    assert!(site.log().contains("leaves room for fewer connections"));
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn out_of_files_it_takes_nobody_on_answers_those_it_has_and_recovers() {
    let site = Site::new("");
    let mut server = site.up(site.serve().spawn().unwrap());
    let load = Load::on(&site.address);
    let given_up = || site.log().matches("accepting a connection failed").count();
    for _ in rounds(2) {
        load.goes_on();
        let (before, began) = (given_up(), Instant::now());
        server.may_open("4");
        thread::scope(|scope| {
            let newcomer = scope.spawn(|| site.get("/jwks", ""));
            eventually(|| given_up() > before + 2);
            load.goes_on();
            server.may_open("1024");
            assert_eq!(status(&newcomer.join().unwrap()), 200);
        });
        // Ten times a second, and not as often as it could.
        let tries = given_up() - before;
        assert!(tries as u128 <= began.elapsed().as_millis() / 100 + 3);
    }
    assert_eq!(load.end(), Vec::<String>::new());
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn five_thousand_slow_heads_keep_nobody_out_and_are_closed() {
    const ADDRESSES: u8 = 25;
    let site = Site::new("");
    let mut server = site.up(site.serve().spawn().unwrap());
    let script = format!(
        "import resource, socket, sys, time\n\
         hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n\
         resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))\n\
         host, port = '{}'.split(':')\n\
         held = [socket.create_connection((host, int(port)), source_address=(f'127.0.1.{{n % {ADDRESSES} + 1}}', 0))\n\
         \x20       for n in range(5000)]\n\
         for s in held: s.sendall(b'GET /jwks HTTP/1.1\\r\\nhost: x\\r\\n')\n\
         print('held', flush=True)\n\
         closed = 0\n\
         for s in held:\n\
         \x20   s.settimeout(60)\n\
         \x20   try: closed += not s.recv(1000)\n\
         \x20   except ConnectionError: closed += 1\n\
         print(closed, flush=True)\n",
        site.address
    );
    let mut attacker = Command::new("python3")
        .args(["-c", &script])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = attacker.stdout.take().unwrap();
    let mut held = [0; 5];
    output.read_exact(&mut held).unwrap();
    for _ in 0..5 {
        assert_eq!(token(&site.address, "acme", site::SECRET).0, 200);
    }
    let mut closed = String::new();
    output.read_to_string(&mut closed).unwrap();
    assert_eq!(closed.trim(), "5000");
    attacker.wait().unwrap();
    assert!(site.count("http_connections_turned_away_total{reason=\"slow_head\"}") > 0);
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_scraper_that_keeps_its_connection_is_no_news_at_the_end() {
    let site = Site::new("");
    let mut server = site.up(site.serve().spawn().unwrap());
    let mut scraper = site.scraper();
    scraper
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    let mut begun = [0; 12];
    scraper.read_exact(&mut begun).unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200");
    server.signal("TERM");
    // The rest of the answer, and then the end.
    let mut rest = Vec::new();
    scraper.read_to_end(&mut rest).unwrap();
    assert_eq!(server.wait(), Some(0));
    let log = site.log();
    assert!(
        log.contains("\"stopped\"") && !log.contains("WARN"),
        "{log}"
    );
}

#[test]
fn while_it_says_that_it_is_not_ready_it_goes_on_for_as_long_as_it_is_told_to() {
    let site = Site::new("[listener]\nshutdown_delay = \"2s\"\n");
    let mut server = site.up(site.serve().spawn().unwrap());
    server.signal("TERM");
    eventually(|| site.admin("/readyz").contains("503"));
    assert_eq!(token(&site.address, "acme", site::SECRET).0, 200);
    assert_eq!(server.wait(), Some(0));
}
