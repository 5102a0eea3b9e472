//! The table of leaves, which has the points of metrics (see `migrations/0007_leaves.sql`): points join it.

use super::leaf::{divide, merge, pack, unpack};
use super::point::Place;
use artel_platform::db::{Dialect, Row, Tx, Value};
use artel_platform::{Result, args};

/// One number for "somebody adds points": leaves are read, changed and written.
const LEAVES_LOCK: i64 = 0x6172_7465_6c02;

/// Points of one metric of one run, sorted.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) run: i64,
    pub(crate) key: i64,
    pub(crate) places: Vec<Place>,
}

/// A leaf that points will join.
struct Target {
    bound: Vec<u8>,
    points: Vec<Place>,
    /// Bound of the leaf after it.
    next: Option<Vec<u8>>,
}

/// Adds the points of groups, each of another metric; returns how many were not there yet. The turn has to be taken.
pub(crate) async fn add(tx: &mut Tx, mut groups: Vec<Group>) -> Result<usize> {
    let mut fresh = 0;
    while !groups.is_empty() {
        let targets = targets(tx, &groups).await?;
        let mut written = Vec::new();
        let mut beyond = Vec::new();
        for (mut group, target) in groups.into_iter().zip(targets) {
            let ends = target.next.as_ref().map_or(group.places.len(), |next| group.places.partition_point(|p| p.bytes() < *next));
            let later = group.places.split_off(ends);
            let before = target.points.len();
            let all = merge(target.points, &group.places);
            if all.len() > before {
                fresh += all.len() - before;
                let leaves = divide(&all, target.next.is_none()).enumerate();
                written.extend(leaves.map(|(n, leaf)| row(&group, if n == 0 { target.bound.clone() } else { leaf[0].bytes() }, leaf)));
            }
            if !later.is_empty() {
                beyond.push(Group { places: later, ..group });
            }
        }
        write(tx, written).await?;
        groups = beyond;
    }
    Ok(fresh)
}

/// Waits until no other process is adding points: what is read after this does not change before the transaction ends.
pub(crate) async fn take_turn(tx: &mut Tx) -> Result<()> {
    if tx.dialect() == Dialect::Postgres {
        tx.fetch_all("SELECT pg_advisory_xact_lock($1) AS locked", args![LEAVES_LOCK]).await?;
    }
    Ok(())
}

/// The leaf that the first point of each group belongs to; an empty one where the metric has none.
async fn targets(tx: &mut Tx, groups: &[Group]) -> Result<Vec<Target>> {
    let first = |group: &Group| group.places.first().map(|p| p.bytes()).unwrap_or_default();
    let wanted = groups.iter().enumerate().map(|(n, group)| args![n, group.run, group.key, first(group)]).collect();
    let rows = tx
        .fetch_many(
            "WITH wanted (n, run, key, bound) AS (",
            ") SELECT w.n, l.bound, l.points,
                 (SELECT a.bound FROM metric_leaves a WHERE a.run = w.run AND a.key = w.key AND a.bound > l.bound ORDER BY a.bound LIMIT 1) AS next
             FROM wanted w CROSS JOIN metric_leaves l WHERE l.run = w.run AND l.key = w.key AND l.bound =
                 (SELECT b.bound FROM metric_leaves b WHERE b.run = w.run AND b.key = w.key AND b.bound <= w.bound ORDER BY b.bound DESC LIMIT 1)",
            wanted,
        )
        .await?;
    let mut targets: Vec<Target> = groups.iter().map(|_| Target { bound: Vec::new(), points: Vec::new(), next: None }).collect();
    for row in &rows {
        let n: i64 = row.at(0)?;
        targets[n as usize] = Target { bound: row.at(1)?, points: unpack(&row.at::<Vec<u8>>(2)?)?, next: row.opt("next")? };
    }
    Ok(targets)
}

fn row(group: &Group, bound: Vec<u8>, leaf: &[Place]) -> Vec<Value> {
    let steps = || leaf.iter().map(|p| p.step);
    args![group.run, group.key, bound, leaf.len(), steps().min().unwrap_or(0), steps().max().unwrap_or(0), pack(leaf)]
}

async fn write(tx: &mut Tx, rows: Vec<Vec<Value>>) -> Result<()> {
    tx.insert_many(
        "INSERT INTO metric_leaves (run, key, bound, count, first_step, last_step, points)",
        "ON CONFLICT (run, key, bound) DO UPDATE SET count = excluded.count, first_step = excluded.first_step, last_step = excluded.last_step, points = excluded.points",
        rows,
    )
    .await
    .map(drop)
}

/// Moves points out of the table that had a row for each, at most `limit`; returns how many are moved. Which is the
/// latest of a metric is noted already.
pub(crate) async fn move_rows(tx: &mut Tx, limit: usize) -> Result<usize> {
    take_turn(tx).await?;
    let sql = "DELETE FROM metrics_by_row WHERE (run, key, timestamp, step, value) IN
               (SELECT run, key, timestamp, step, value FROM metrics_by_row ORDER BY run, key, timestamp, step, value LIMIT $1)
               RETURNING run, key, timestamp, step, value";
    let read = |row: &Row| -> Result<(i64, i64, Place)> {
        Ok((row.at(0)?, row.at(1)?, Place { timestamp: row.at(2)?, step: row.at(3)?, value: row.at(4)? }))
    };
    let mut points: Vec<(i64, i64, Place)> = tx.fetch_all(sql, args![limit]).await?.iter().map(read).collect::<Result<_>>()?;
    points.sort_unstable();
    let moved = points.len();
    let group = |points: &[(i64, i64, Place)]| Group {
        run: points[0].0,
        key: points[0].1,
        places: points.iter().map(|(_, _, place)| *place).collect(),
    };
    add(tx, points.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).map(group).collect()).await?;
    Ok(moved)
}
