//! How SQLite files are opened: WAL so that readers never wait, FULL so that a commit survives power loss.

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use std::path::Path;
use std::time::Duration;

fn base(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .busy_timeout(Duration::from_secs(10))
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("temp_store", "memory")
        .pragma("cache_size", "-16000")
        .statement_cache_capacity(256)
        // LIKE is case-sensitive on PostgreSQL; one SQL text means the same here
        .pragma("case_sensitive_like", "on")
}

/// The writer: the only connection that changes the file.
pub(super) fn writer(file: &Path) -> SqliteConnectOptions {
    base(file).create_if_missing(true).journal_mode(SqliteJournalMode::Wal)
}

/// A reader of the pool.
pub(super) fn reader(file: &Path) -> SqliteConnectOptions {
    base(file).pragma("query_only", "on")
}
