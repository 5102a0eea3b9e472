//! What is in the tables of events, read past the program.

use crate::harness::{Installation, Shape, eventually};
use std::process::Command;

const READ_SQLITE: &str =
    "import sqlite3, sys\nprint(sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True, timeout=20).execute(sys.argv[2]).fetchone()[0])";

/// The one number that a query of `service`'s tables gives.
pub fn number(artel: &Installation, service: &str, sql: &str) -> Result<i64, String> {
    let mut command = match artel.shape {
        Shape::Single => {
            let file = artel.folder.join(format!("data/db/{service}.db"));
            let mut command = Command::new("python3");
            command.args(["-c", READ_SQLITE, file.to_str().unwrap(), sql]);
            command
        }
        Shape::Split => {
            let settings: toml::Table = std::fs::read_to_string(artel.folder.join(format!("{service}.toml"))).unwrap().parse().unwrap();
            let mut command = Command::new("psql");
            command.args([settings["database"].as_str().unwrap(), "-Atqc", sql]).env("PGOPTIONS", format!("-c search_path={service}"));
            command
        }
    };
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    text.parse().map_err(|_| format!("{sql}: {text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// Waits until no event of `services` waits, and none was set aside.
pub async fn delivered(artel: &Installation, services: &[&str]) {
    for service in services {
        eventually(&format!("every event of {service} is delivered"), 60, async || {
            match number(artel, service, "SELECT COUNT(*) FROM outbox")? {
                0 => Ok(()),
                waiting => Err(format!("{waiting} wait")),
            }
        })
        .await;
        assert_eq!(
            number(artel, service, "SELECT COUNT(*) FROM inbox WHERE error IS NOT NULL").unwrap(),
            0,
            "{service} has set events aside"
        );
    }
}
