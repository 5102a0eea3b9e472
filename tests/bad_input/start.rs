//! A start that cannot be: it ends at once, with one message.

use crate::command::{artel, refused};
use std::net::TcpListener;
use tempfile::TempDir;

/// `artel serve` with a settings file.
fn serve(settings: &str, args: &[&str], env: &[(&str, &str)], parts: &[&str]) {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("artel.toml"), settings).unwrap();
    let all: Vec<&str> = ["serve", "--config", "artel.toml"].iter().chain(args).copied().collect();
    let ended = artel(folder.path(), &all, env, "");
    refused(&ended, parts);
    assert!(!ended.stdout.contains("ready"), "{}", ended.stdout);
}

/// A free port, so that nothing but the mistake under test can fail.
const ANY: &[&str] = &["--listen", "127.0.0.1:0"];

#[test]
fn an_unknown_setting_names_the_nearest() {
    serve("dta = \"x\"\n", ANY, &[], &["dta", "did you mean data?", "artel config"]);
    serve("[server]\nlisen = \"127.0.0.1:0\"\n", ANY, &[], &["lisen", "[server]", "did you mean listen?"]);
    serve("[serving]\nworker = 2\n", ANY, &[], &["worker", "[serving]", "did you mean workers?"]);
    serve("[hub]\nsession_day = 2\n", ANY, &[], &["session_day", "[hub]", "did you mean session_days?"]);
    serve("", ANY, &[("ARTEL_SERVER__DRAIN_SECOND", "3")], &["drain_second", "did you mean drain_seconds?"]);
}

#[test]
fn a_setting_of_the_wrong_kind_is_named() {
    serve("[server]\ndrain_seconds = \"soon\"\n", ANY, &[], &["server.drain_seconds"]);
    serve("[serving]\nworkers = \"many\"\n", ANY, &[], &["serving.workers"]);
    serve("[security]\nauth = \"nobody\"\n", ANY, &[], &["security.auth", "password, none"]);
    serve("[server\n", ANY, &[], &["artel.toml", "line 1"]);
}

#[test]
fn a_settings_file_that_is_not_there() {
    let folder = TempDir::new().unwrap();
    refused(&artel(folder.path(), &["serve", "--config", "nowhere.toml"], &[], ""), &["nowhere.toml", "does not exist"]);
}

#[test]
fn a_part_that_there_is_not() {
    serve("", &["--only", "trackin"], &[], &["trackin", "tracking"]);
}

#[test]
fn a_service_that_takes_no_requests() {
    let settings = "[peers.tracking]\ngrpc = \"http://127.0.0.1:1\"\n";
    serve(settings, &["--only", "gateway", "--listen", "127.0.0.1:0"], &[], &["peers.tracking.http is empty", "the gateway must know"]);
}

#[test]
fn a_taken_port() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    serve("", &["--listen", &address], &[], &["cannot listen on", &address, "another program", "--listen"]);
    let grpc = format!("[server]\ngrpc_listen = {address:?}\n");
    serve(&grpc, ANY, &[], &["cannot listen on", &address]);
}

#[test]
fn an_address_that_is_none() {
    serve("", &["--listen", "here"], &[], &["cannot listen on here", "HOST:PORT"]);
}

#[test]
fn a_database_that_does_not_answer() {
    let url = "postgres://ada:a-secret@127.0.0.1:1/artel";
    let folder = TempDir::new().unwrap();
    let ended = artel(folder.path(), &["serve", "--listen", "127.0.0.1:0", "--database", url], &[], "");
    refused(&ended, &["cannot reach the database", "127.0.0.1:1/artel", "is it running"]);
    assert!(!ended.stderr.contains("a-secret"), "the password must not be shown: {}", ended.stderr);
    serve("", &["--listen", "127.0.0.1:0", "--database", "mysql://localhost/artel"], &[], &["mysql://", "sqlite://FOLDER or postgres://"]);
}

#[test]
fn a_bus_or_store_that_is_none() {
    serve("", &["--listen", "127.0.0.1:0", "--bus", "rabbit://x"], &[], &["rabbit://x", "local or kafka://"]);
    serve("", &["--listen", "127.0.0.1:0", "--bus", "kafka://x:9092/two/parts"], &[], &["two/parts", "letters, digits"]);
    serve("", &["--listen", "127.0.0.1:0", "--artifacts", "ftp://x"], &[], &["ftp://x", "file://FOLDER or s3://"]);
}

#[test]
fn a_data_folder_that_is_a_file() {
    serve("data = \"artel.toml/inside\"\n", ANY, &[], &["data folder", "artel.toml/inside"]);
}

#[test]
fn everybody_only_on_this_machine() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        serve("", &["--auth", "none", "--listen", address], &[], &["--auth none", address, "127.0.0.1"]);
    }
}

#[test]
fn doctor_says_what_is_wrong_and_what_is_well() {
    let folder = TempDir::new().unwrap();
    let ended = artel(folder.path(), &["doctor", "--database", "postgres://x:a-secret@127.0.0.1:1/artel"], &[], "");
    assert!(!ended.success);
    let line = |what: &str| ended.stdout.lines().find(|l| l.contains(what)).unwrap_or_default().to_owned();
    assert!(line("database").starts_with("failed") && line("artifacts").starts_with("ok"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("a-secret"), "{}", ended.stdout);
}
