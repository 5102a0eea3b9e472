//! What the loop asks again and again is read from indexes: what has ended long ago costs it nothing.

use super::bench::{Bench, bench};
use crate::store::{admission, claims, dags, instances, moments, pools, runs};
use artel_platform::db::{AssertSqlSafe, Dialect, Queries, Query};

/// Indexes that have nothing but what is not over: to read them from one end to the other is cheap.
const SMALL: [&str; 3] = ["task_instances_scheduled", "task_instances_queued", "task_instances_taken"];
/// The large tables, as statements call them.
const LARGE: [&str; 6] = ["task_instances", "t", "dag_runs", "r", "dags", "d"];

/// The steps of SQLite's plans that read a large table from one end to the other.
async fn whole_tables(b: &Bench, queries: impl Queries) -> Vec<String> {
    let mut found = Vec::new();
    for (text, values) in queries.into_parts().0 {
        let plan = b.s.db.fetch_all(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", text.as_str())), values).await.unwrap();
        for step in plan.iter().map(|row| row.get::<String>("detail").unwrap()) {
            let mut words = step.split(' ');
            let scans = words.next() == Some("SCAN") && words.next().is_some_and(|table| LARGE.contains(&table));
            if scans && !SMALL.iter().any(|index| step.contains(index)) {
                found.push(format!("{step}: {}", text.as_str()));
            }
        }
    }
    found
}

#[tokio::test]
async fn nothing_reads_whole_tables() {
    bench(|b| async move {
        if b.s.db.dialect() != Dialect::Sqlite {
            return; // PostgreSQL's planner goes by what is in the tables
        }
        let everything = Query::all("SELECT id FROM task_instances", vec![], |row| row.get::<String>("id"));
        assert_eq!(whole_tables(&b, everything).await.len(), 1, "this does");
        let queue = ["default".to_owned()];
        let letting_in =
            (admission::candidates(32, &admission::Full::default()), admission::taken(), claims::first(Dialect::Sqlite, &queue, 1));
        let claiming = (claims::any_free(1), claims::expired(1), pools::taken());
        let time = (dags::due(1), instances::due(1), runs::startable(1), runs::neglected(1, 100), moments::next(1));
        let starting = (runs::running("d"), runs::active_of(&["d", "e"]), instances::any_unfinished("d", "r"));
        let mut found = whole_tables(&b, letting_in).await;
        found.extend(whole_tables(&b, claiming).await);
        found.extend(whole_tables(&b, time).await);
        found.extend(whole_tables(&b, starting).await);
        assert_eq!(found, Vec::<String>::new());
    })
    .await;
}
