//! Logs of tries: in pieces in the database while the task runs, one object in the artifact service afterwards.

use crate::Scheduler;
use crate::store::instances::TaskInstance;
use crate::store::logs::{self, Piece, TaskLog};
use crate::times;
use artel_platform::Result;
use artel_platform::db::Tx;
use serde_json::{Value, json};

/// How long after its end a try may still say something.
const LAST_WORDS: i64 = 30_000;
/// Pieces read at a time.
pub(crate) const CHUNKS: i64 = 64;
/// Largest part of a log that one answer holds, in bytes.
pub(crate) const PAGE: usize = 4 << 20;

/// Which log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) dag_id: &'a str,
    pub(crate) run_id: &'a str,
    pub(crate) task_id: &'a str,
    pub(crate) map_index: i64,
    pub(crate) try_number: i64,
}

impl<'a> Place<'a> {
    pub(crate) fn of(i: &'a TaskInstance) -> Self {
        Self { dag_id: &i.dag_id, run_id: &i.run_id, task_id: &i.task_id, map_index: i.map_index, try_number: i.try_number }
    }

    /// Upstream's file name of a log (`log_filename_template`).
    pub(crate) fn file(&self) -> String {
        let map = if self.map_index >= 0 { format!("/map_index={}", self.map_index) } else { String::new() };
        format!("dag_id={}/run_id={}/task_id={}{map}/attempt={}.log", self.dag_id, self.run_id, self.task_id, self.try_number)
    }

    /// Its path in the artifact service. A run that was removed and made again has other tries: their logs are not mixed up.
    pub(crate) fn object(&self, ti_id: &str) -> String {
        format!("logs/{}_{ti_id}.log", self.file().trim_end_matches(".log"))
    }
}

/// Adds the scheduler's own last line.
pub(crate) fn append_line(tx: &mut Tx, ti_id: &str, place: &Place<'_>, level: &str, event: &str, now: i64) {
    let line = json!({"timestamp": times::shown(now), "level": level, "event": event, "logger": "artel.scheduler"});
    append_json(tx, ti_id, place, &line, now);
    logs::complete_with(tx, ti_id);
}

/// Adds a line that no process of the task said.
pub(crate) fn append_json(tx: &mut Tx, ti_id: &str, place: &Place<'_>, line: &Value, now: i64) {
    let line = format!("{line}\n");
    let piece = Piece { segment: None, byte: 0, data: line.as_bytes() };
    logs::append(tx, ti_id, &place.object(ti_id), &piece, now);
}

/// A part of a log.
pub(crate) struct LogPart {
    pub(crate) text: String,
    /// Where the next part begins.
    pub(crate) next: i64,
    /// There is no next part, and never will be.
    pub(crate) end: bool,
}

impl Scheduler {
    /// The log of a try from a byte on, whole lines only. An empty part for a try that has none.
    pub(crate) async fn read_log(&self, ti_id: &str, from: i64, finished: bool) -> Result<LogPart> {
        let Some(log) = logs::get(&self.db, ti_id).await? else {
            return Ok(LogPart { text: String::new(), next: from, end: finished });
        };
        let bytes =
            if log.is_stored { self.get_object(&log.path, from, Some(PAGE as i64)).await? } else { self.read_chunks(&log, from).await? };
        // a try that was ended from outside while it waited has no process that says its last word
        let silent = finished && log.updated_at < self.cx.clock.now() - LAST_WORDS;
        let complete = (log.is_complete || silent) && from + bytes.len() as i64 >= log.size;
        let whole = if complete { bytes.len() } else { bytes.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1) };
        Ok(LogPart { text: String::from_utf8_lossy(&bytes[..whole]).into_owned(), next: from + whole as i64, end: complete })
    }

    /// How long the log of a try is by now, and whether it is complete.
    pub(crate) async fn log_size(&self, ti_id: &str) -> Result<(i64, bool)> {
        Ok(logs::get(&self.db, ti_id).await?.map_or((0, false), |log| (log.size, log.is_complete)))
    }

    async fn read_chunks(&self, log: &TaskLog, from: i64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut position = from;
        let mut chunks = logs::chunks_around(&self.db, &log.ti_id, from, CHUNKS).await?;
        loop {
            for (start, data) in &chunks {
                let skip = (position - start).clamp(0, data.len() as i64) as usize;
                bytes.extend_from_slice(&data[skip..]);
                position = position.max(start + data.len() as i64);
            }
            if bytes.len() >= PAGE || (chunks.len() as i64) < CHUNKS {
                return Ok(bytes);
            }
            chunks = logs::chunks(&self.db, &log.ti_id, position, CHUNKS).await?;
        }
    }
}
