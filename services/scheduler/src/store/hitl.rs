//! Table `hitl_details`: what tasks asked of people, and what those answered.

use super::instances::TaskInstance;
use super::{Filter, Page, Read, sql};
use artel_platform::db::{Db, Row, Tx};
use artel_platform::{Result, args};

/// A row. `options` and the like are JSON.
#[derive(Debug, Clone)]
pub(crate) struct HitlDetail {
    pub(crate) ti_id: String,
    pub(crate) subject: String,
    pub(crate) body: Option<String>,
    pub(crate) options: String,
    pub(crate) defaults: Option<String>,
    pub(crate) multiple: bool,
    pub(crate) params: String,
    pub(crate) assigned_users: String,
    pub(crate) created_at: i64,
    pub(crate) responded_at: Option<i64>,
    pub(crate) responded_by: Option<(String, String)>,
    pub(crate) chosen_options: Option<String>,
    pub(crate) params_input: String,
}

const COLUMNS: &str = "ti_id, subject, body, options, defaults, multiple, params, assigned_users, created_at, \
     responded_at, responded_by_id, responded_by_name, chosen_options, params_input";

fn read(row: &Row) -> Result<HitlDetail> {
    let by: (Option<String>, Option<String>) = (row.opt("responded_by_id")?, row.opt("responded_by_name")?);
    Ok(HitlDetail {
        ti_id: row.get("ti_id")?,
        subject: row.get("subject")?,
        body: row.opt("body")?,
        options: row.get("options")?,
        defaults: row.opt("defaults")?,
        multiple: row.get("multiple")?,
        params: row.get("params")?,
        assigned_users: row.get("assigned_users")?,
        created_at: row.get("created_at")?,
        responded_at: row.opt("responded_at")?,
        responded_by: by.0.zip(by.1),
        chosen_options: row.opt("chosen_options")?,
        params_input: row.get("params_input")?,
    })
}

/// Asks. What is there stays, without its answer.
pub(crate) async fn put(tx: &mut Tx, of: &TaskInstance, d: &HitlDetail) -> Result<()> {
    let text = "INSERT INTO hitl_details (ti_id, dag_id, run_id, task_id, map_index, subject, body, options, defaults, multiple, params, assigned_users,
         created_at, params_input) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '{}')
         ON CONFLICT (ti_id) DO UPDATE SET responded_at = NULL, responded_by_id = NULL, responded_by_name = NULL, chosen_options = NULL, params_input = '{}'";
    let values = args![
        &d.ti_id,
        &of.dag_id,
        &of.run_id,
        &of.task_id,
        of.map_index,
        &d.subject,
        d.body.as_ref(),
        &d.options,
        d.defaults.as_ref(),
        d.multiple,
        &d.params,
        &d.assigned_users,
        d.created_at
    ];
    tx.execute(text, values).await.map(drop)
}

/// An answer. `by`: id and name, nobody where the defaults were taken.
pub(crate) async fn respond(
    tx: &mut Tx,
    ti_id: &str,
    by: Option<(&str, &str)>,
    chosen_options: &str,
    params_input: &str,
    now: i64,
) -> Result<()> {
    let text = "UPDATE hitl_details SET responded_at = $1, responded_by_id = $2, responded_by_name = $3, chosen_options = $4, params_input = $5 WHERE ti_id = $6";
    tx.execute(text, args![now, by.map(|b| b.0), by.map(|b| b.1), chosen_options, params_input, ti_id]).await.map(drop)
}

pub(crate) async fn get(from: impl Into<Read<'_>>, ti_id: &str) -> Result<Option<HitlDetail>> {
    from.into()
        .first(sql(format!("SELECT {COLUMNS} FROM hitl_details WHERE ti_id = $1")), args![ti_id])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// Those of present tries.
pub(crate) async fn list(db: &Db, filter: Filter, page: &Page) -> Result<(Vec<HitlDetail>, i64)> {
    let columns = COLUMNS.split(", ").map(|c| format!("h.{c}")).collect::<Vec<_>>().join(", ");
    super::page(db, &columns, "hitl_details h JOIN task_instances t ON t.id = h.ti_id", filter, page, read).await
}
