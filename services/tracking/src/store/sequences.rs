//! Numbers that the application makes itself.

use artel_platform::db::{Db, Tx};
use artel_platform::{Result, args};
use std::ops::Range;
use tokio::sync::Mutex;

/// The next `count` numbers of `name`, for good when the transaction commits.
pub(crate) async fn take(tx: &mut Tx, name: &str, count: i64) -> Result<i64> {
    let row = tx.fetch_one("UPDATE sequences SET next = next + $1 WHERE name = $2 RETURNING next", args![count, name]).await?;
    Ok(row.get::<i64>("next")? - count)
}

/// Hands out numbers from blocks, so that most need no statement. A restart skips the rest of a block.
pub(crate) struct Sequence {
    name: &'static str,
    block: i64,
    left: Mutex<Range<i64>>,
}

impl Sequence {
    pub(crate) fn new(name: &'static str, block: i64) -> Self {
        Self { name, block, left: Mutex::new(0..0) }
    }

    /// A number that nobody has.
    pub(crate) async fn next(&self, db: &Db) -> Result<i64> {
        let mut left = self.left.lock().await;
        if let Some(number) = left.next() {
            return Ok(number);
        }
        let mut tx = db.begin().await?;
        let first = take(&mut tx, self.name, self.block).await?;
        tx.commit().await?;
        *left = first + 1..first + self.block;
        Ok(first)
    }
}
