//! `kill -9` of the whole and of each part in the middle of work, and Kafka away and back: nothing acknowledged is
//! lost, nothing happens twice, and whatever was half done is ended by its rule.

mod harness;

#[path = "faults/chaos.rs"]
mod chaos;
#[path = "faults/database.rs"]
mod database;
#[path = "faults/kafka_away.rs"]
mod kafka_away;
#[path = "faults/kill_parts.rs"]
mod kill_parts;
#[path = "faults/kill_single.rs"]
mod kill_single;
#[path = "faults/load.rs"]
mod load;
#[path = "faults/model.rs"]
mod model;
#[path = "faults/pipeline.rs"]
mod pipeline;
#[path = "faults/replicas.rs"]
mod replicas;

/// Shorter than the defaults, so that a test need not wait half a minute for a lease to run out.
const SETTINGS: &str = "[scheduler]\nlease_seconds = 6\n";

/// Whether the servers of the split shape may be missing: not where everything is to be tested.
fn skipped() {
    assert!(std::env::var_os("CI").is_none(), "the split shape needs `make test` to start its servers");
    eprintln!("skipped: no servers for the split shape");
}
