//! Points that were logged and are not among the metrics yet: a row for each request. Their order is that of the points
//! themselves, not that in which they came.

use super::point::{Logged, Place, Point};
use crate::experiments::ACTIVE;
use artel_platform::db::{Db, Dialect, Row, Tx};
use artel_platform::{Error, Result, args};
use prost::Message;

/// The points of a request, column by column.
#[derive(Clone, PartialEq, Message)]
struct Packed {
    #[prost(int64, repeated, tag = "1")]
    keys: Vec<i64>,
    #[prost(int64, repeated, tag = "2")]
    timestamps: Vec<i64>,
    #[prost(sint64, repeated, tag = "3")]
    steps: Vec<i64>,
    /// As [`Place`] has them.
    #[prost(sfixed64, repeated, tag = "4")]
    values: Vec<i64>,
}

fn pack(points: &[Point]) -> Vec<u8> {
    let packed = Packed {
        keys: points.iter().map(|p| p.key).collect(),
        timestamps: points.iter().map(|p| p.timestamp).collect(),
        steps: points.iter().map(|p| p.step).collect(),
        values: points.iter().map(|p| p.place().value).collect(),
    };
    packed.encode_to_vec()
}

/// Notes points of an active run, in a transaction of its own. `false`, and nothing is changed, where the workspace has
/// no such run or it is not active.
pub(crate) async fn append(db: &Db, workspace: &str, run_id: &str, points: &[Point]) -> Result<bool> {
    let sql = "INSERT INTO metric_journal (run, experiment, points)
               SELECT r.id, r.experiment, $1 FROM runs r WHERE r.run_id = $2 AND r.workspace = $3 AND r.lifecycle_stage = $4";
    Ok(db.execute(sql, args![pack(points), run_id, workspace, ACTIVE]).await? > 0)
}

/// Notes points beside other changes.
pub(crate) async fn append_in(tx: &mut Tx, run: i64, experiment: i64, points: &[Point]) -> Result<()> {
    let sql = "INSERT INTO metric_journal (run, experiment, points) VALUES ($1, $2, $3)";
    tx.execute(sql, args![run, experiment, pack(points)]).await.map(drop)
}

/// How many requests wait.
pub(crate) async fn count(db: &Db) -> Result<u64> {
    let count: i64 = db.fetch_one("SELECT COUNT(*) FROM metric_journal", vec![]).await?.at(0)?;
    Ok(count.unsigned_abs())
}

/// Takes requests out, at most `limit`: how many they were, and their points. The turn of the leaves has to be taken: two
/// that do the same would take the same rows.
pub(crate) async fn take(tx: &mut Tx, limit: usize) -> Result<(u64, Vec<Logged>)> {
    let sql = match tx.dialect() {
        Dialect::Sqlite => {
            "DELETE FROM metric_journal WHERE rowid IN (SELECT rowid FROM metric_journal LIMIT $1) RETURNING run, experiment, points"
        }
        Dialect::Postgres => {
            "DELETE FROM metric_journal WHERE ctid = ANY (ARRAY(SELECT ctid FROM metric_journal LIMIT $1)) RETURNING run, experiment, points"
        }
    };
    let rows = tx.fetch_all(sql, args![limit]).await?;
    let mut points = Vec::new();
    for row in &rows {
        unpack(row, &mut points)?;
    }
    Ok((rows.len() as u64, points))
}

fn unpack(row: &Row, points: &mut Vec<Logged>) -> Result<()> {
    let (run, experiment): (i64, i64) = (row.at(0)?, row.at(1)?);
    let packed =
        Packed::decode(&*row.at::<Vec<u8>>(2)?).map_err(|e| Error::internal("noted points cannot be read").because(e.to_string()))?;
    let places = packed.timestamps.iter().zip(&packed.steps);
    for ((key, value), (timestamp, step)) in packed.keys.iter().zip(&packed.values).zip(places) {
        let place = Place { timestamp: *timestamp, step: *step, value: *value };
        points.push(Logged { run, experiment, point: place.point(*key) });
    }
    Ok(())
}
