//! Two schedulers and two workers on a PostgreSQL server of their own, with hundreds of tasks under way: one after the
//! other, whatever chance chooses is killed. The DAG run ends as an undisturbed one, and no try happens twice.

use crate::harness::{Client, Installation, OwnServer, Split, eventually};
use crate::{SETTINGS, pipeline, skipped};
use serde_json::json;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::Command;

const TASKS: usize = 500;
const KILLS: usize = 20;
/// Tasks at a time, of each worker.
const SLOTS: &str = "16";

#[tokio::test(flavor = "multi_thread")]
async fn chance_kills_twenty_times() {
    if std::env::var_os("ARTEL_TEST_POSTGRES").is_none() {
        return skipped();
    }
    let folder = tempfile::tempdir().unwrap();
    let postgres = OwnServer::postgres(folder.path());
    let worker = vec!["--slots".to_owned(), SLOTS.to_owned()];
    let split = Split { postgres: Some(postgres.url.clone()), copies: &[("scheduler", 2), ("worker", 2)], worker, ..Split::default() };
    let Some(mut artel) = Installation::start_split(split, SETTINGS).await else { return skipped() };
    let admin = artel.admin().await;
    let marks = install(&artel, &admin).await;
    admin.post("/api/v2/dags/chaos/dagRuns", json!({"dag_run_id": "killed", "logical_date": null})).await;
    let notes = Notes(marks.join("killed.notes"));
    notes.grow_by(10).await;

    let mut chance = Chance(u64::from(std::process::id()));
    let mut killed = BTreeMap::new();
    for number in 0..KILLS {
        let victim = chance.choose(&["scheduler", "scheduler-2", "worker", "worker-2", "zygote", "database"]);
        eprintln!("kill {number}: {victim}");
        *killed.entry(victim).or_insert(0) += 1;
        kill(&mut artel, &postgres, victim).await;
        notes.grow_by(3 + chance.below(12)).await;
    }
    eprintln!("killed: {killed:?}");

    ends_well(&admin).await;
    let tries = notes.tries();
    let interruptions =
        killed.iter().filter(|(victim, _)| matches!(**victim, "worker" | "worker-2" | "zygote")).map(|(_, count)| count).sum::<usize>();
    for (index, tries) in &tries {
        assert!(tries.len() <= 1 + interruptions, "task {index} was tried {} times, with {interruptions} kills", tries.len());
    }
    assert_eq!(tries.len(), TASKS, "every task worked");
    let children = artel.children();
    artel.stop();
    for child in children {
        pipeline::is_gone("a child", child).await;
    }
}

async fn install(artel: &Installation, admin: &Client) -> PathBuf {
    let marks = artel.folder.join("marks");
    std::fs::create_dir_all(&marks).unwrap();
    std::fs::create_dir_all(artel.dags()).unwrap();
    let text = include_str!("chaos.py").replace("@MARKS@", marks.to_str().unwrap()).replace("@TASKS@", &TASKS.to_string());
    std::fs::write(artel.dags().join("chaos.py"), text).unwrap();
    eventually("the DAG is listed", 300, async || admin.try_get("/api/v2/dags/chaos").await).await;
    marks
}

/// Kills one part and starts it again.
async fn kill(artel: &mut Installation, postgres: &OwnServer, victim: &str) {
    match victim {
        "zygote" => {
            // whichever worker's: its tasks die with it, the worker starts another
            let zygotes =
                Command::new("pkill").args(["-KILL", "-f", "-o", "artel_side.zygote"]).arg("--parent").arg(workers(artel)).status();
            zygotes.unwrap();
        }
        "database" => {
            postgres.kill9();
            eventually("PostgreSQL is back", 60, async || postgres.resume()).await;
        }
        part => {
            artel.part(part).kill9();
            artel.restart(part).await;
        }
    }
}

/// Process ids of the workers, as `pkill` takes them.
fn workers(artel: &mut Installation) -> String {
    ["worker", "worker-2"].map(|name| artel.part(name).pid().to_string()).join(",")
}

/// The run and all of its tasks succeed, with the result of an undisturbed run.
async fn ends_well(admin: &Client) {
    let run = "/api/v2/dags/chaos/dagRuns/killed";
    eventually("the run ends", 600, async || {
        let state = admin.try_get(run).await?["state"].to_string();
        if state == "\"success\"" || state == "\"failed\"" { Ok(()) } else { Err(state) }
    })
    .await;
    assert_eq!(admin.get(run).await["state"], "success");
    let tasks = admin.get(&format!("{run}/taskInstances?limit=1000&state=success")).await;
    assert_eq!(tasks["total_entries"], TASKS + 2);
    let total = admin.get(&format!("{run}/taskInstances/total/xcomEntries/return_value")).await;
    let expected = (0..TASKS).sum::<usize>();
    assert!(total["value"] == json!(expected) || total["value"] == json!(expected.to_string()), "{total}");
}

/// What the tasks have noted.
struct Notes(PathBuf);

impl Notes {
    fn lines(&self) -> Vec<String> {
        read(&self.0).lines().map(Into::into).collect()
    }

    fn ended(&self) -> usize {
        self.lines().iter().filter(|line| line.starts_with("end")).count()
    }

    /// Waits until so many more tries have ended, or everything has.
    async fn grow_by(&self, count: usize) {
        let goal = (self.ended() + count).min(TASKS);
        eventually("tasks go on", 180, async || {
            let ended = self.ended();
            if ended >= goal { Ok(()) } else { Err(format!("{ended} of {goal}")) }
        })
        .await;
    }

    /// The tries of each map index. Every try started once, and after one that ended and could tell there is no other.
    fn tries(&self) -> BTreeMap<u32, Vec<u32>> {
        let mut seen = HashSet::new();
        let mut tries: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for line in self.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let (index, number) = (words[1].parse().unwrap(), words[2].parse().unwrap());
            assert!(seen.insert((words[0].to_owned(), index, number)), "twice: {line}");
            if words[0] == "start" {
                tries.entry(index).or_default().push(number);
            }
        }
        tries
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Numbers by chance (xorshift): which ones is printed with each kill, so a failure can be understood.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn choose<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}
