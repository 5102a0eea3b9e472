//! Inputs and outputs of runs.

use super::{in_ids, in_list};
use crate::datasets::CONTEXT;
use artel_platform::db::{AssertSqlSafe, Db, Tx, Value};
use artel_platform::{Result, args};
use artel_proto::mlflow::{Dataset, DatasetInput, DatasetSummary, InputTag, ModelInput, ModelOutput};
use std::collections::HashMap;

/// The id of a dataset, which is `id` where it is new.
pub(crate) async fn add_dataset(tx: &mut Tx, id: &str, experiment: i64, d: &Dataset) -> Result<String> {
    tx.execute(
        "INSERT INTO datasets (id, experiment, name, digest, source_type, source, schema, profile) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        args![id, experiment, d.name(), d.digest(), d.source_type(), d.source(), d.schema.clone(), d.profile.clone()],
    )
    .await?;
    let row = tx
        .fetch_one("SELECT id FROM datasets WHERE experiment = $1 AND name = $2 AND digest = $3", args![experiment, d.name(), d.digest()])
        .await?;
    row.get("id")
}

/// Was the run not known to take it?
pub(crate) async fn add_input(tx: &mut Tx, run: i64, dataset: &str) -> Result<bool> {
    Ok(tx.execute("INSERT INTO dataset_inputs (run, dataset) VALUES ($1, $2) ON CONFLICT DO NOTHING", args![run, dataset]).await? > 0)
}

pub(crate) async fn add_input_tags(tx: &mut Tx, run: i64, dataset: &str, tags: &[InputTag]) -> Result<()> {
    let rows = tags.iter().map(|tag| args![run, dataset, tag.key(), tag.value()]).collect();
    tx.insert_many("INSERT INTO input_tags (run, dataset, name, value)", "ON CONFLICT DO NOTHING", rows).await.map(drop)
}

pub(crate) async fn add_model_inputs(tx: &mut Tx, run: i64, models: &[&str]) -> Result<()> {
    let rows = models.iter().map(|model| args![run, *model]).collect();
    tx.insert_many("INSERT INTO model_inputs (run, model_id)", "ON CONFLICT DO NOTHING", rows).await.map(drop)
}

/// Each model comes once.
pub(crate) async fn add_model_outputs(tx: &mut Tx, run: i64, models: &[(&str, i64)]) -> Result<()> {
    let rows = models.iter().map(|(model, step)| args![run, *model, *step]).collect();
    tx.insert_many(
        "INSERT INTO model_outputs (run, model_id, step)",
        "ON CONFLICT (run, model_id) DO UPDATE SET step = excluded.step",
        rows,
    )
    .await
    .map(drop)
}

/// The datasets that these runs took, by run.
pub(crate) async fn inputs(db: &Db, runs: &[i64]) -> Result<HashMap<i64, Vec<DatasetInput>>> {
    let mut inputs: HashMap<i64, Vec<DatasetInput>> = HashMap::new();
    let mut args = Vec::new();
    let list = in_ids(db.dialect(), runs, &mut args);
    let sql = format!(
        "SELECT i.run, i.dataset, d.name, d.digest, d.source_type, d.source, d.schema, d.profile, t.name AS tag, t.value AS tag_value
         FROM dataset_inputs i JOIN datasets d ON d.id = i.dataset
         LEFT JOIN input_tags t ON t.run = i.run AND t.dataset = i.dataset
         WHERE i.run IN {list} ORDER BY i.run, d.name, d.digest, t.name"
    );
    let mut last = (0, String::new());
    for row in db.fetch_all(AssertSqlSafe(sql), args).await? {
        let place: (i64, String) = (row.get("run")?, row.get("dataset")?);
        let of_run = inputs.entry(place.0).or_default();
        if place != last || of_run.is_empty() {
            let dataset = Dataset {
                name: row.opt("name")?,
                digest: row.opt("digest")?,
                source_type: row.opt("source_type")?,
                source: row.opt("source")?,
                schema: row.opt("schema")?,
                profile: row.opt("profile")?,
            };
            of_run.push(DatasetInput { tags: Vec::new(), dataset: Some(dataset) });
            last = place;
        }
        if let (Some(tag), Some(input)) = (row.opt::<String>("tag")?, of_run.last_mut()) {
            input.tags.push(InputTag { key: Some(tag), value: row.opt("tag_value")? });
        }
    }
    Ok(inputs)
}

type ByRun<T> = HashMap<i64, Vec<T>>;

/// The models that these runs took and made, by run.
pub(crate) async fn models(db: &Db, runs: &[i64]) -> Result<(ByRun<ModelInput>, ByRun<ModelOutput>)> {
    let (mut taken, mut made) = (ByRun::new(), ByRun::new());
    let mut args = Vec::new();
    let list = in_ids(db.dialect(), runs, &mut args);
    let sql = format!(
        "SELECT run, model_id, step, CAST(1 AS BIGINT) AS made FROM model_outputs WHERE run IN {list}
         UNION ALL SELECT run, model_id, CAST(0 AS BIGINT), CAST(0 AS BIGINT) FROM model_inputs WHERE run IN {list} ORDER BY run, model_id"
    );
    for row in db.fetch_all(AssertSqlSafe(sql), args).await? {
        let run: i64 = row.get("run")?;
        let model_id = row.opt("model_id")?;
        if row.get("made")? {
            made.entry(run).or_default().push(ModelOutput { model_id, step: row.opt("step")? });
        } else {
            taken.entry(run).or_default().push(ModelInput { model_id });
        }
    }
    Ok((taken, made))
}

/// Datasets of experiments, at most a thousand, each with what it was used for.
pub(crate) async fn summaries(db: &Db, workspace: &str, experiments: &[i64]) -> Result<Vec<DatasetSummary>> {
    let mut args = args![CONTEXT, workspace];
    let list = in_list(experiments.iter().map(|id| Value::from(*id)), &mut args);
    let sql = format!(
        "SELECT DISTINCT d.experiment, d.name, d.digest, t.value
         FROM datasets d JOIN experiments e ON e.id = d.experiment JOIN dataset_inputs i ON i.dataset = d.id
         LEFT JOIN input_tags t ON t.run = i.run AND t.dataset = i.dataset AND t.name = $1
         WHERE e.workspace = $2 AND d.experiment IN {list} ORDER BY d.experiment, d.name, d.digest LIMIT 1000"
    );
    let rows = db.fetch_all(AssertSqlSafe(sql), args).await?;
    rows.iter()
        .map(|row| {
            Ok(DatasetSummary {
                experiment_id: Some(row.get::<i64>("experiment")?.to_string()),
                name: row.opt("name")?,
                digest: row.opt("digest")?,
                context: row.opt("value")?,
            })
        })
        .collect()
}
