//! What a DAG is warned of (airflow/models/dagwarning.py `DagWarningType`).

use crate::dag::Dag;
use crate::store::pools;
use artel_platform::Result;
use artel_platform::db::Tx;
use serde_json::Value;
use std::collections::BTreeSet;

const NONEXISTENT_POOL: &str = "non-existent pool";
const RUNTIME_VARYING_VALUE: &str = "runtime varying value";

/// Pools that the DAG's tasks name.
pub(super) fn pools_of(dag: &Dag) -> BTreeSet<&str> {
    dag.tasks.iter().map(|task| task.pool.as_str()).filter(|pool| *pool != "default_pool").collect()
}

/// `(type, message)` of each warning; `said` is what the parser found in the file.
pub(super) async fn of_dag(tx: &mut Tx, dag: &Dag, said: &Value) -> Result<Vec<(&'static str, String)>> {
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for pool in pools_of(dag) {
        if !pools::exists(tx, pool).await? {
            missing.push(format!("'{pool}'"));
        }
    }
    if !missing.is_empty() {
        let message = format!("Dag '{}' references non-existent pools: [{}]", dag.dag_id, missing.join(", "));
        found.push((NONEXISTENT_POOL, message));
    }
    let varying = said.as_array().into_iter().flatten().find(|w| w["category"] == RUNTIME_VARYING_VALUE);
    if let Some(message) = varying.and_then(|w| w["message"].as_str()) {
        found.push((RUNTIME_VARYING_VALUE, message.to_owned()));
    }
    Ok(found)
}
