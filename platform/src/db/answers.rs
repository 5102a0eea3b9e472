//! What the statements of one text answer, told apart.

use futures::{Stream, TryStreamExt};
use sqlx::Either;
use sqlx::sqlite::{SqliteQueryResult, SqliteRow};

/// What one statement has answered.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) rows: Vec<SqliteRow>,
    /// How many rows it changed.
    pub(super) changed: u64,
}

/// The answers of so many statements. The last one's result ends them: to wait for the stream's own end would be one more
/// wake-up.
pub(super) async fn answers(
    mut steps: impl Stream<Item = sqlx::Result<Either<SqliteQueryResult, SqliteRow>>> + Unpin,
    count: usize,
) -> sqlx::Result<Vec<Answer>> {
    let mut done = Vec::with_capacity(count);
    let mut rows = Vec::new();
    while done.len() < count
        && let Some(step) = steps.try_next().await?
    {
        match step {
            Either::Right(row) => rows.push(row),
            Either::Left(result) => done.push(Answer { rows: std::mem::take(&mut rows), changed: result.rows_affected() }),
        }
    }
    done.resize_with(count, Answer::default);
    Ok(done)
}
