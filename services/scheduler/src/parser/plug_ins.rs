//! Timetables of plug-ins: what Airflow's scheduler would call them for is asked of the warm Python process
//! (python/artel_side/plug_ins.py), never inside a transaction.

use crate::Scheduler;
use crate::dag::Dag;
use crate::runs::next_of;
use crate::states::RunType;
use crate::store::dags::{self, Next};
use crate::store::instances::TaskInstance;
use crate::store::runs::DagRun;
use crate::times;
use crate::timetable::Time;
use artel_platform::{Error, Result};
use chrono::DateTime;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The reason of an error that a timetable's own code made.
pub(crate) const TIMETABLE: &str = "timetable";

fn shown(at: i64) -> String {
    times::at(at).to_rfc3339()
}

fn interval_of(run: &DagRun) -> Option<Value> {
    let start = run.data_interval_start.or(run.logical_date)?;
    Some(json!({"start": shown(start), "end": shown(run.data_interval_end.unwrap_or(start))}))
}

fn moment(value: &Value) -> Option<i64> {
    Some(DateTime::parse_from_rfc3339(value.as_str()?).ok()?.timestamp_millis())
}

/// A run that a timetable names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named {
    pub(crate) run_after: i64,
    pub(crate) interval: Option<(i64, i64)>,
}

impl Scheduler {
    /// The next run that the timetable makes after `last`. `bundle` is where the DAG's bundle is, if the caller knows.
    pub(crate) async fn next_run(&self, dag: &Dag, last: Option<&DagRun>, bundle: Option<&Path>) -> Result<Next> {
        if !dag.timetable.is_of_plug_in() {
            return next_of(dag, last, self.cx.clock.utc());
        }
        let day = |at: Option<Time>| at.map(|t| t.to_rfc3339());
        let question = json!({
            "ask": "next",
            "last": last.and_then(interval_of),
            "earliest": day(dag.restriction.earliest),
            "latest": day(dag.restriction.latest),
            "catchup": dag.restriction.catchup,
        });
        let answer = self.ask_timetable(dag, bundle, question).await?;
        Ok(Next {
            logical_date: moment(&answer["start"]),
            interval_start: moment(&answer["start"]),
            interval_end: moment(&answer["end"]),
            run_after: moment(&answer["run_after"]),
        })
    }

    /// The runs that a timetable of a plug-in names for a span, as it does for a schedule that catches up.
    pub(crate) async fn runs_between(&self, dag: &Dag, earliest: i64, latest: i64) -> Result<Vec<Named>> {
        let question = json!({"ask": "between", "earliest": shown(earliest), "latest": shown(latest)});
        let answer = self.ask_timetable(dag, None, question).await?;
        let named = |info: &Value| {
            let run_after = moment(&info["run_after"])?;
            Some(Named { run_after, interval: moment(&info["start"]).zip(moment(&info["end"])) })
        };
        Ok(answer.as_array().into_iter().flatten().filter_map(named).collect())
    }

    /// The data interval of a run that somebody triggers for `date`.
    pub(crate) async fn manual_interval(&self, dag: &Dag, date: i64) -> Result<(i64, i64)> {
        if !dag.timetable.is_of_plug_in() {
            let inferred = dag.timetable.infer_manual(times::at(date))?;
            return Ok((inferred.start.timestamp_millis(), inferred.end.timestamp_millis()));
        }
        let answer = self.ask_timetable(dag, None, json!({"ask": "manual", "run_after": shown(date)})).await?;
        match (moment(&answer["start"]), moment(&answer["end"])) {
            (Some(start), Some(end)) => Ok((start, end)),
            _ => Err(Error::conflict(format!("the timetable of DAG {} gave no data interval", dag.dag_id))),
        }
    }

    /// The id of a new run: by the timetable, if it has a say.
    pub(crate) async fn new_run_id(&self, dag: &Dag, run_type: RunType, run_after: i64, interval: Option<(i64, i64)>) -> Result<String> {
        if !dag.timetable.is_of_plug_in() {
            return Ok(run_type.run_id(times::at(run_after)));
        }
        let question = json!({
            "ask": "run_id",
            "run_type": run_type.as_str(),
            "run_after": shown(run_after),
            "interval": interval.map(|(start, end)| json!({"start": shown(start), "end": shown(end)})),
        });
        let answer = self.ask_timetable(dag, None, question).await?;
        let text = answer.as_str().ok_or_else(|| Error::conflict(format!("the timetable of DAG {} gave no run id", dag.dag_id)))?;
        Ok(text.to_owned())
    }

    async fn ask_timetable(&self, dag: &Dag, bundle: Option<&Path>, question: Value) -> Result<Value> {
        let path = match bundle {
            Some(path) => path.to_path_buf(),
            None => self.newest_files(&dag.dag_id).await?,
        };
        let asked = question["ask"].clone();
        let message = json!({
            "op": "timetable",
            "bundle_path": path.display().to_string(),
            "timetable": dag.serialized_timetable,
            "question": question,
        });
        let answer = self.parser.process.ask(message, self.settings.parse_timeout_seconds).await?;
        match answer["error"].as_str() {
            None => Ok(answer["answer"].clone()),
            Some(error) => {
                Err(Error::conflict(format!("the timetable {} failed when asked for {asked}: {error}", dag.timetable.type_name()))
                    .reason(TIMETABLE))
            }
        }
    }

    /// Where links of plug-ins lead for a task instance; a link that fails leads nowhere.
    pub(crate) async fn link_urls(&self, dag: &Dag, instance: &TaskInstance, names: &[&String]) -> Result<Value> {
        let Some(serialized) = crate::store::versions::serialized(&self.db, &instance.dag_version_id).await? else {
            return Ok(Value::Null);
        };
        let message = json!({
            "op": "links",
            "bundle_path": self.newest_files(&dag.dag_id).await?.display().to_string(),
            "dag": serde_json::from_str::<Value>(&serialized)?,
            "names": names,
            "instance": {
                "dag_id": instance.dag_id, "task_id": instance.task_id, "run_id": instance.run_id,
                "try_number": instance.try_number, "map_index": instance.map_index,
            },
        });
        let answer = self.parser.process.ask(message, self.settings.parse_timeout_seconds).await?;
        Ok(answer["answer"].clone())
    }

    /// What is installed beside Airflow, as upstream shows it: `providers`, `plugins`, `plugin_errors` or
    /// `default_connections` (python/artel_side/installed.py).
    pub(crate) async fn installed(&self, what: &str) -> Result<Vec<Value>> {
        let folder = self.checkout(crate::bundles::DAGS_FOLDER, None).await?.path;
        let message = json!({"op": "installed", "bundle_path": folder.display().to_string(), "what": what});
        let mut answer = self.parser.process.ask(message, self.settings.parse_timeout_seconds).await?;
        match answer["answer"].take() {
            Value::Array(found) => Ok(found),
            _ => {
                let why = answer["error"].as_str().unwrap_or("it gave no list");
                Err(Error::conflict(format!("the process that knows what is installed failed: {why}")))
            }
        }
    }

    /// Where the bundle of a DAG has its newest files.
    async fn newest_files(&self, dag_id: &str) -> Result<PathBuf> {
        let row = dags::get(&self.db, dag_id).await?;
        let name = row.map_or(crate::bundles::DAGS_FOLDER.to_owned(), |r| r.bundle_name);
        Ok(self.checkout(&name, None).await?.path)
    }

    /// A timetable failed when a run was due: shown as an error of the DAG's file, which holds its runs back until the
    /// file or the plug-in is parsed again.
    pub(crate) async fn show_timetable_error(&self, dag_id: &str, why: &str) -> Result<()> {
        let Some(row) = dags::get(&self.db, dag_id).await? else { return Ok(()) };
        let mut tx = self.db.begin().await?;
        crate::store::files::set_error(&mut tx, &self.import_error(&row.bundle_name, &row.relative_fileloc, why)).await?;
        for dag_id in dags::set_import_errors(&mut tx, &row.bundle_name, &row.relative_fileloc, true).await? {
            let event = artel_proto::artel::scheduler::v1::DagChanged { dag_id, has_import_error: true, ..Default::default() };
            tx.emit(&event);
        }
        tx.commit().await
    }

    /// A bundle that the settings do not name any more takes its DAGs along.
    pub(super) async fn retire_bundles(&self) -> Result<()> {
        for (bundle, file) in crate::store::files::of_other_bundles(&self.db, &self.bundles.names()).await? {
            self.forget_file(&bundle, &file).await?;
        }
        Ok(())
    }
}
