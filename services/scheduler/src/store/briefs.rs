//! Table `task_instances`, as far as deciding about a run needs it: read whenever something of the run happens, often with a
//! thousand instances.

use crate::states::TaskState;
use artel_platform::args;
use artel_platform::db::Query;

/// An instance, briefly.
#[derive(Debug, Clone)]
pub(crate) struct Brief {
    pub(crate) id: String,
    pub(crate) task_id: String,
    pub(crate) map_index: i64,
    pub(crate) state: Option<TaskState>,
    pub(crate) try_number: i64,
    pub(crate) due_at: Option<i64>,
    pub(crate) updated_at: i64,
}

/// The instances of a run, by task and map index.
pub(crate) fn of_run(dag_id: &str, run_id: &str) -> Query<Vec<Brief>> {
    let columns = ["id", "task_id", "map_index", "state", "try_number", "due_at", "updated_at"];
    let from = "task_instances WHERE dag_id = $1 AND run_id = $2";
    Query::packed(&columns, from, "task_id, map_index", args![dag_id, run_id], |row| {
        Ok(Brief {
            id: row.text()?,
            task_id: row.text()?,
            map_index: row.int()?,
            state: row.opt()?.map(TaskState::parse).transpose()?,
            try_number: row.int()?,
            due_at: row.opt_int()?,
            updated_at: row.int()?,
        })
    })
}
