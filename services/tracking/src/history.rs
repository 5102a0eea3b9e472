//! Reading metrics back: the latest values of runs, and histories whole, in pages or thinned out.

use crate::Tracking;
use crate::store::history::{self as store, Range};
use crate::store::metrics;
use crate::store::point::{Place, Point};
use artel_platform::db::Value;
use artel_platform::search::PageToken;
use artel_platform::{Error, Result, args};
use artel_proto::mlflow::{GetMetricHistoryBulkInterval, Metric, MetricWithRunId};
use futures::{StreamExt, TryStreamExt, stream};
use std::collections::HashMap;

/// The most points that `get-history-bulk` gives.
pub(crate) const MAX_BULK: i64 = 25_000;
/// The most points of a run that are taken evenly.
const MAX_SAMPLES: i64 = 2500;
/// Of so many runs points are taken at once; others want the database too.
const AT_ONCE: usize = 3;

impl Tracking {
    /// The latest value of each metric of these runs, by run, ordered by name.
    pub(crate) async fn latest_metrics(&self, runs: &[i64]) -> Result<HashMap<i64, Vec<Metric>>> {
        self.settle().await?;
        let points = metrics::latest(&self.db, runs).await?;
        let keys: Vec<i64> = points.iter().map(|(_, p)| p.key).collect();
        let names = self.keys.names(&self.db, &keys).await?;
        let mut latest: HashMap<i64, Vec<Metric>> = HashMap::with_capacity(runs.len());
        for (run, point) in points {
            let Some(name) = names.get(&point.key) else { continue };
            latest.entry(run).or_default().push(message(name, &point));
        }
        for metrics in latest.values_mut() {
            metrics.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        }
        Ok(latest)
    }

    /// A page of a metric's history in the order of time, and the token of the next page. A run or metric that is not
    /// there has an empty history.
    pub(crate) async fn metric_history(
        &self,
        workspace: &str,
        run_id: &str,
        key: &str,
        max_results: i64,
        token: Option<&str>,
    ) -> Result<(Vec<Point>, Option<String>)> {
        let search = format!("history\n{run_id}\n{key}");
        let after = PageToken::decode(token, &search)?.map(|token| place(&token.keys())).transpose()?;
        self.settle().await?;
        let (Some(run), Some(number)) =
            (crate::store::runs::find(&self.db, workspace, run_id).await?, self.keys.find(&self.db, key).await?)
        else {
            return Ok((Vec::new(), None));
        };
        let max_results = max_results as usize;
        let mut points = store::page(&self.db, run.id, number, after, max_results + 1).await?;
        let more = points.len() > max_results;
        points.truncate(max_results);
        let next = points.last().filter(|_| more).map(|last| PageToken::new(&search, 0, &keys(last.place())).encode());
        Ok((points, next))
    }

    /// The histories of several runs one after the other, by run id, at most `max_results` points in all.
    pub(crate) async fn metric_history_bulk(
        &self,
        workspace: &str,
        run_ids: &[String],
        key: &str,
        max_results: i64,
    ) -> Result<Vec<MetricWithRunId>> {
        let Some(number) = self.keys.find(&self.db, key).await? else { return Ok(Vec::new()) };
        self.settle().await?;
        let mut run_ids: Vec<&String> = run_ids.iter().collect();
        run_ids.sort_unstable();
        run_ids.dedup();
        let mut all = Vec::new();
        for run_id in run_ids {
            let left = max_results - all.len() as i64;
            if left <= 0 {
                break;
            }
            if let Some(run) = crate::store::runs::find(&self.db, workspace, run_id).await? {
                let points = store::page(&self.db, run.id, number, None, left as usize).await?;
                all.extend(points.iter().map(|p| with_run(key, run_id, p)));
            }
        }
        Ok(all)
    }

    /// Of each run at most `max_results` points, evenly taken, the first and the last among them.
    pub(crate) async fn metric_history_bulk_interval(
        &self,
        workspace: &str,
        request: &GetMetricHistoryBulkInterval,
    ) -> Result<Vec<MetricWithRunId>> {
        let steps = match (request.start_step, request.end_step) {
            (Some(first), Some(last)) if first > last => {
                return Err(Error::invalid(format!(
                    "end_step must be greater than start_step. Found start_step={first} and end_step={last}."
                )));
            }
            (Some(first), Some(last)) => Some((i64::from(first), i64::from(last))),
            (None, None) => None,
            _ => return Err(Error::invalid("If either start step or end step are specified, both must be specified.")),
        };
        let (run_ids, key) = (&request.run_ids, request.metric_key());
        let max_results = request.max_results.map_or(MAX_SAMPLES, i64::from).clamp(1, MAX_SAMPLES);
        let Some(number) = self.keys.find(&self.db, key).await? else { return Ok(Vec::new()) };
        self.settle().await?;
        let sampled = run_ids.iter().map(|run_id| self.sampled(workspace, run_id, number, steps, max_results));
        let runs: Vec<Vec<Point>> = stream::iter(sampled).buffered(AT_ONCE).try_collect().await?;
        let named = |(run_id, points): (&String, &Vec<Point>)| points.iter().map(|p| with_run(key, run_id, p)).collect::<Vec<_>>();
        Ok(run_ids.iter().zip(&runs).flat_map(named).collect())
    }

    /// The points of one run, of none where there is no such run or no such metric.
    async fn sampled(&self, workspace: &str, run_id: &str, key: i64, steps: Option<(i64, i64)>, max_results: i64) -> Result<Vec<Point>> {
        let Some(run) = crate::store::runs::find(&self.db, workspace, run_id).await? else { return Ok(Vec::new()) };
        let Some(in_order) = metrics::in_order(&self.db, run.id, key).await? else { return Ok(Vec::new()) };
        let range = Range { run: run.id, key, steps, in_order };
        store::sample(&self.db, &range, max_results as usize).await
    }
}

/// What a page token has of a place.
fn keys(place: Place) -> Vec<Value> {
    args![place.timestamp, place.step, place.value]
}

fn place(keys: &[Value]) -> Result<Place> {
    match keys {
        [Value::Int(timestamp), Value::Int(step), Value::Int(value)] => Ok(Place { timestamp: *timestamp, step: *step, value: *value }),
        _ => Err(Error::invalid("Invalid page token, it belongs to another request")),
    }
}

fn message(name: &str, point: &Point) -> Metric {
    Metric {
        key: Some(name.into()),
        value: Some(point.logged()),
        timestamp: Some(point.timestamp),
        step: Some(point.step),
        ..Default::default()
    }
}

fn with_run(name: &str, run_id: &str, point: &Point) -> MetricWithRunId {
    MetricWithRunId {
        key: Some(name.into()),
        value: Some(point.logged()),
        timestamp: Some(point.timestamp),
        step: Some(point.step),
        run_id: Some(run_id.into()),
    }
}
