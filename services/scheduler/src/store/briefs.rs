//! Table `task_instances`, as far as deciding about a run needs it. That is read whenever something of the run happens, often
//! with a thousand instances: so it comes as one value, as every row and every value has its own way from the database.

use crate::states::TaskState;
use artel_platform::db::Query;
use artel_platform::{Error, Result, args};

/// No id holds them.
const BETWEEN_FIELDS: char = '\u{1f}';
const BETWEEN_ROWS: char = '\u{1e}';

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
    let text = "SELECT COALESCE(string_agg(id || $3 || task_id || $3 || map_index || $3 || COALESCE(state, '') || $3 || try_number || $3
         || COALESCE(CAST(due_at AS TEXT), '') || $3 || updated_at, $4), '') AS briefs FROM task_instances WHERE dag_id = $1 AND run_id = $2";
    let values = args![dag_id, run_id, BETWEEN_FIELDS.to_string(), BETWEEN_ROWS.to_string()];
    Query::one(text, values, |row| {
        let all: String = row.get("briefs")?;
        let rows = all.split(BETWEEN_ROWS).filter(|row| !row.is_empty());
        let mut briefs = rows.map(read).collect::<Result<Vec<_>>>()?;
        briefs.sort_unstable_by(|a, b| (&a.task_id, a.map_index).cmp(&(&b.task_id, b.map_index)));
        Ok(briefs)
    })
}

fn read(row: &str) -> Result<Brief> {
    let broken = || Error::internal(format!("a task instance cannot be read: {row:?}"));
    let mut fields = row.split(BETWEEN_FIELDS);
    let mut text = || fields.next().ok_or_else(broken);
    let number = |text: &str| text.parse::<i64>().map_err(|_| broken());
    Ok(Brief {
        id: text()?.to_owned(),
        task_id: text()?.to_owned(),
        map_index: number(text()?)?,
        state: Some(text()?).filter(|state| !state.is_empty()).map(TaskState::parse).transpose()?,
        try_number: number(text()?)?,
        due_at: Some(text()?).filter(|at| !at.is_empty()).map(number).transpose()?,
        updated_at: number(text()?)?,
    })
}
