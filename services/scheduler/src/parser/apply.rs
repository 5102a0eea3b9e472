//! What a file gave, into the store: DAGs, versions, import errors; in one transaction per file.

use super::files::{Found, PARSER, content_hash};
use super::process::Parsed;
use super::warnings::{of_dag, pools_of};
use crate::Scheduler;
use crate::bundles::Checkout;
use crate::dag::Dag;
use crate::runs::last_automated;
use crate::store::dags::{DagRow, Next};
use crate::store::files::{DagFile, ImportError};
use crate::store::versions::DagVersion;
use crate::store::{dags, files, versions, warnings};
use artel_platform::db::Tx;
use artel_platform::{Code, Result};
use artel_proto::artel::scheduler::v1::DagChanged;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A DAG of the file, read.
struct Read {
    dag: Arc<Dag>,
    hash: String,
    serialized: String,
    /// What the parser says beside the serialized form.
    about: Value,
    /// The run that its timetable promises.
    next: Next,
}

/// The file under application.
struct Applied<'a> {
    bundle: &'a str,
    checkout: &'a Checkout,
    row: DagFile,
    source: Option<&'a str>,
    warnings: &'a Value,
}

impl Scheduler {
    /// Stores what a file gave; returns how it was parsed.
    pub(super) async fn apply(&self, bundle: &str, checkout: &Checkout, file: &Found, parsed: Parsed) -> Result<DagFile> {
        let answer = &parsed.answer;
        let texts =
            |value: &Value| -> Vec<String> { value.as_array().into_iter().flatten().filter_map(|v| v.as_str().map(Into::into)).collect() };
        let mut errors: Vec<(String, String)> = answer["import_errors"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, text)| (name.clone(), text.as_str().unwrap_or_default().to_owned()))
            .collect();
        let mut read = read(answer, &file.relative, &mut errors);
        self.promise(&mut read, checkout, &file.relative, &mut errors).await?;
        let depends_on = texts(&answer["depends_on"]);
        let mut asked = parsed.asked;
        asked.extend(read.iter().flat_map(|r| pools_of(&r.dag)).map(|pool| format!("pool:{pool}")));
        asked.sort();
        asked.dedup();
        let row = DagFile {
            content_hash: content_hash(&checkout.path, &file.relative, &depends_on).await,
            relative_path: file.relative.clone(),
            depends_on,
            asked,
            dag_ids: read.iter().map(|r| r.dag.dag_id.clone()).collect(),
            parser: PARSER.into(),
            parsed_at: self.cx.clock.now(),
            parse_seconds: answer["seconds"].as_f64().unwrap_or_default(),
        };
        let source = answer["source"][&file.relative]["text"].as_str();
        let applied = Applied { bundle, checkout, row, source, warnings: &answer["warnings"] };
        self.write_file(&applied, &read, &errors).await?;
        let row = applied.row;
        tracing::info!(
            bundle,
            file = row.relative_path,
            dags = row.dag_ids.join(","),
            errors = errors.len(),
            seconds = row.parse_seconds,
            "DAG file parsed"
        );
        self.assets_changed();
        Ok(row)
    }

    /// Works out each DAG's next run: before the transaction, because a timetable of a plug-in has to be asked. One that
    /// fails is an error of the file.
    async fn promise(&self, read: &mut [Read], checkout: &Checkout, file: &str, errors: &mut Vec<(String, String)>) -> Result<()> {
        for one in read {
            let last = last_automated(&self.db, &one.dag).await?;
            match self.next_run(&one.dag, last.as_ref(), Some(&checkout.path)).await {
                Ok(next) => one.next = next,
                // not the file's fault
                Err(error) if matches!(error.code, Code::Unavailable | Code::DeadlineExceeded) => return Err(error),
                Err(error) => errors.push((file.to_owned(), format!("DAG {}: {}", one.dag.dag_id, error.message))),
            }
        }
        Ok(())
    }

    async fn write_file(&self, applied: &Applied<'_>, read: &[Read], errors: &[(String, String)]) -> Result<()> {
        let (bundle, row, file) = (applied.bundle, &applied.row, applied.row.relative_path.as_str());
        let mut replaced = Vec::new();
        let mut tx = self.db.begin().await?;
        if let Some((dag_id, other)) = files::other_file_of(&mut tx, bundle, file, &row.dag_ids).await? {
            tracing::warn!(dag_id, file, other, "two files give a DAG of the same id; the one that was parsed last counts");
        }
        let mut changed = Vec::new();
        for one in read {
            changed.extend(self.write_dag(&mut tx, one, applied, &mut replaced).await?);
        }
        files::clear_error(&mut tx, bundle, file).await?;
        for (name, text) in errors {
            files::set_error(&mut tx, &self.import_error(bundle, name, text)).await?;
        }
        // a file that cannot be imported keeps the DAGs it had: they come back when it is mended
        if errors.is_empty() {
            changed.extend(self.retire(&mut tx, bundle, file, &row.dag_ids).await?);
        }
        let news = dags::set_import_errors(&mut tx, bundle, file, !errors.is_empty()).await?;
        changed.extend(news.into_iter().map(|dag_id| DagChanged { dag_id, has_import_error: !errors.is_empty(), ..DagChanged::default() }));
        if !errors.is_empty() && changed.is_empty() {
            changed.push(DagChanged { dag_id: String::new(), has_import_error: true, ..DagChanged::default() });
        }
        files::put(&mut tx, bundle, row).await?;
        for event in &changed {
            tx.emit(event);
        }
        tx.commit().await?;
        // there may be other watchers to run
        self.triggers.notify_one();
        for id in replaced {
            self.versions.forget(&id);
        }
        Ok(())
    }

    /// Returns the event, where the DAG is new or different.
    async fn write_dag(&self, tx: &mut Tx, one: &Read, applied: &Applied<'_>, replaced: &mut Vec<String>) -> Result<Option<DagChanged>> {
        let dag = &one.dag;
        let now = self.cx.clock.now();
        let known = dags::get(&mut *tx, &dag.dag_id).await?;
        let (version, news) = self.write_version(tx, one, applied, replaced).await?;
        let paused = known.as_ref().map_or(dag.is_paused_upon_creation.unwrap_or(self.settings.paused_at_creation), |k| k.is_paused);
        // an unchanged DAG keeps the run that it was promised: the clock alone must not move it
        let next = match &known {
            Some(k) if !news && !k.is_stale && k.next.run_after.is_some() => k.next,
            _ => one.next,
        };
        let row = row(one, applied, paused, next, version);
        dags::put(tx, &row, "default", now).await?;
        dags::set_tags(tx, &dag.dag_id, &dag.tags).await?;
        self.write_assets(tx, dag).await?;
        let warned_of = of_dag(tx, dag, applied.warnings).await?;
        warnings::set(tx, &dag.dag_id, &warned_of, now).await?;
        let different = news || known.is_none_or(|k| k.is_stale || k.has_import_errors || k.relative_fileloc != row.relative_fileloc);
        Ok(different.then(|| DagChanged { dag_id: dag.dag_id.clone(), paused, ..DagChanged::default() }))
    }

    /// The version that holds this form of the DAG: the latest when nothing changed, the latest with new contents when
    /// no run uses it, else a new one. Returns its id and whether anything changed.
    async fn write_version(&self, tx: &mut Tx, one: &Read, applied: &Applied<'_>, replaced: &mut Vec<String>) -> Result<(String, bool)> {
        let now = self.cx.clock.now();
        let source = one.about["source"].as_str().or(applied.source);
        let latest = versions::latest(&mut *tx, &one.dag.dag_id).await?.map(|latest| (latest.bundle_name == applied.bundle, latest));
        let bundle_version = applied.checkout.version.as_deref();
        let number = match latest {
            Some((true, latest)) if latest.dag_hash == one.hash => {
                versions::set_source(tx, &latest.id, source, bundle_version).await?;
                return Ok((latest.id, false));
            }
            Some((true, latest)) if !versions::is_used(tx, &latest.id).await? => {
                versions::replace(tx, &latest.id, &one.hash, &one.serialized, now).await?;
                versions::set_source(tx, &latest.id, source, bundle_version).await?;
                replaced.push(latest.id.clone());
                return Ok((latest.id, true));
            }
            Some((_, latest)) => latest.version_number + 1,
            None => 1,
        };
        let version = DagVersion {
            id: self.cx.ids.ordered().to_string(),
            dag_id: one.dag.dag_id.clone(),
            version_number: number,
            dag_hash: one.hash.clone(),
            bundle_name: applied.bundle.into(),
            bundle_version: bundle_version.map(str::to_owned),
            created_at: now,
        };
        versions::insert(tx, &version, &one.serialized, source).await?;
        Ok((version.id, true))
    }

    /// DAGs that a file does not give any more become inactive.
    async fn retire(&self, tx: &mut Tx, bundle: &str, file: &str, keep: &[String]) -> Result<Vec<DagChanged>> {
        let gone = dags::retire(tx, bundle, file, keep).await?;
        self.forget_assets(tx, &gone).await?;
        Ok(gone.into_iter().map(|dag_id| DagChanged { dag_id, removed: true, ..DagChanged::default() }).collect())
    }

    /// The file is gone.
    pub(super) async fn forget_file(&self, bundle: &str, file: &str) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let mut events = self.retire(&mut tx, bundle, file, &[]).await?;
        if files::clear_error(&mut tx, bundle, file).await? && events.is_empty() {
            events.push(DagChanged { removed: true, ..DagChanged::default() });
        }
        files::remove(&mut tx, bundle, file).await?;
        for event in &events {
            tx.emit(event);
        }
        tx.commit().await?;
        let dags: Vec<&str> = events.iter().map(|e| e.dag_id.as_str()).collect();
        tracing::info!(bundle, file, dags = dags.join(","), "DAG file is gone");
        Ok(())
    }

    pub(super) fn import_error(&self, bundle: &str, filename: &str, text: &str) -> ImportError {
        // the same file keeps its id
        let hash = Sha256::digest(format!("{bundle}/{filename}"));
        let id = hash.iter().take(6).fold(0i64, |id, byte| id * 256 + i64::from(*byte));
        ImportError { id, bundle_name: bundle.into(), filename: filename.into(), stack_trace: text.into(), created_at: self.cx.clock.now() }
    }
}

/// Reads the DAGs of an answer; one that is not understood becomes an error of the file.
fn read(answer: &Value, file: &str, errors: &mut Vec<(String, String)>) -> Vec<Read> {
    let mut found = Vec::new();
    for (dag_id, serialized) in answer["dags"].as_object().into_iter().flatten() {
        match Dag::read(serialized) {
            Ok(dag) => {
                let serialized = serialized.to_string();
                let hash =
                    answer["about"][dag_id]["dag_hash"].as_str().map_or_else(|| hex::encode(Sha256::digest(&serialized)), str::to_owned);
                let about = answer["about"][dag_id].clone();
                found.push(Read { dag: Arc::new(dag), hash, serialized, about, next: Next::default() });
            }
            Err(error) => errors.push((file.to_owned(), format!("DAG {dag_id}: {}", error.message))),
        }
    }
    found
}

fn row(one: &Read, applied: &Applied<'_>, paused: bool, next: Next, version: String) -> DagRow {
    let (dag, file) = (&one.dag, &applied.row);
    // what a timetable of a plug-in says of itself, only the parser knows
    let says = if dag.timetable.is_of_plug_in() { &one.about["timetable"] } else { &Value::Null };
    let text = |key: &str| says[key].as_str().map(str::to_owned);
    DagRow {
        dag_id: dag.dag_id.clone(),
        bundle_name: applied.bundle.into(),
        bundle_version: applied.checkout.version.clone().filter(|_| !dag.disable_bundle_versioning),
        relative_fileloc: file.relative_path.clone(),
        fileloc: dag.fileloc.clone(),
        display_name: dag.display_name.clone(),
        description: dag.description.clone(),
        owners: dag.owners().join(", "),
        is_paused: paused,
        is_stale: false,
        has_import_errors: false,
        timetable_type: text("type_name").unwrap_or_else(|| dag.timetable.type_name().into()),
        timetable_summary: text("summary").or_else(|| dag.timetable.summary()),
        // in upstream's words, which only upstream's library has
        timetable_description: one.about["timetable"]["description"].as_str().map(str::to_owned),
        timetable_periodic: says["periodic"].as_bool().unwrap_or_else(|| dag.timetable.periodic()),
        max_active_tasks: dag.max_active_tasks,
        max_active_runs: dag.max_active_runs,
        max_consecutive_failed_dag_runs: dag.max_consecutive_failed_dag_runs,
        has_task_concurrency_limits: dag.has_task_concurrency_limits(),
        last_parsed_at: file.parsed_at,
        last_parse_seconds: file.parse_seconds,
        next,
        latest_version_id: version,
        allowed_run_types: dag.allowed_run_types.as_ref().map(|types| json!(types).to_string()),
    }
}
