//! Filters that let few runs through. The runs of an experiment are read in the order asked for until a page is full;
//! where hardly any passes, that would be all of them. So it is first asked which runs a filter names by its own index,
//! and when these are few, they are what is read and sorted. Where no filter does, but one asks for a part of the name,
//! the names are read through: in an index of their own they are quick to read.

use super::Binds;
use super::runs::{Filter, Query};
use crate::{Tracking, name_parts};
use artel_platform::db::{AssertSqlSafe, Row};
use artel_platform::search::{Comparator, Condition, Operand};
use artel_platform::{Error, Result, args};
use futures::future::try_join_all;

/// Up to so many runs are sorted rather than looked for in order.
const FEW: i64 = 2000;
/// Names are read in so many parts at once: a reader of the database is left for others.
const PARTS: i64 = 3;
/// Fewer than so many are not worth being shared out.
const PART: i64 = 20_000;

impl Tracking {
    /// The runs that the filter which names the fewest lets through, if these are few.
    pub(super) async fn narrowest(&self, query: &Query) -> Result<Option<Vec<i64>>> {
        let mut narrowest: Option<Vec<i64>> = None;
        for filter in &query.filter {
            let mut binds = Binds::default();
            let Some(named) = filter.named(&query.experiments, &mut binds)? else { continue };
            if let Some(runs) = self.few(&named, binds).await?
                && narrowest.as_ref().is_none_or(|least| runs.len() < least.len())
            {
                narrowest = Some(runs);
            }
        }
        match query.filter.iter().find(|f| f.is_part_of_name()) {
            Some(filter) if narrowest.is_none() => self.named_like(&query.experiments, filter).await,
            _ => Ok(narrowest),
        }
    }

    /// The runs that a statement gives, if these are few.
    async fn few(&self, named: &str, mut binds: Binds) -> Result<Option<Vec<i64>>> {
        let limit = binds.add(FEW + 1);
        let sql = format!(
            "SELECT COALESCE(string_agg(CAST(run AS TEXT), ','), '') FROM (SELECT run FROM ({named}) AS named LIMIT {limit}) AS few"
        );
        let text: String = self.db.fetch_one(AssertSqlSafe(sql), binds.0).await?.at(0)?;
        let unreadable = |_| Error::internal("packed numbers of runs cannot be read");
        let runs: Vec<i64> = text.split_terminator(',').map(|run| run.parse().map_err(unreadable)).collect::<Result<_>>()?;
        Ok((runs.len() as i64 <= FEW).then_some(runs))
    }

    /// The runs whose names may be like that, if these are few. Of long names only the beginnings are read; all runs
    /// that have one are among them.
    async fn named_like(&self, experiments: &[i64], filter: &Filter) -> Result<Option<Vec<i64>>> {
        let Condition { comparator, value, .. } = &filter.condition;
        let mut binds = Binds::default();
        let long = format!(
            "SELECT v.id AS run FROM runs v WHERE v.experiment IN {} AND length(v.name) >= 100",
            binds.list(experiments.iter().copied())
        );
        let Some(mut runs) = self.few(&long, binds).await? else { return Ok(None) };
        let parts = self.ranges(experiments).await?.into_iter().map(|(first, last)| async move {
            let mut binds = Binds::default();
            let within = format!(
                "v.experiment IN {} AND v.id >= {} AND v.id <= {}",
                binds.list(experiments.iter().copied()),
                binds.add(first),
                binds.add(last)
            );
            let like = binds.text("v.name_start", comparator, value)?;
            let Operand::Text(pattern) = value else { return Ok(None) };
            let parts = binds.add(name_parts::of_pattern(pattern));
            let found = format!("SELECT v.id AS run FROM runs v WHERE {within} AND v.name_parts & {parts} = {parts} AND {like}");
            self.few(&found, binds).await
        });
        // one part with many is enough for all to have many
        let parts: Option<Vec<Vec<i64>>> = try_join_all(parts).await?.into_iter().collect();
        let Some(parts) = parts else { return Ok(None) };
        runs.extend(parts.concat());
        runs.sort_unstable();
        runs.dedup();
        Ok((runs.len() as i64 <= FEW).then_some(runs))
    }

    /// The numbers of an experiment's runs in a few ranges, from the first to the last.
    async fn ranges(&self, experiments: &[i64]) -> Result<Vec<(i64, i64)>> {
        let [experiment] = experiments else { return Ok(vec![(0, i64::MAX)]) };
        let sql = "SELECT COALESCE((SELECT MIN(id) FROM runs WHERE experiment = $1), 0), COALESCE((SELECT MAX(id) FROM runs WHERE experiment = $1), 0)";
        let read = |row: Row| Ok::<(i64, i64), Error>((row.at(0)?, row.at(1)?));
        let (first, last) = read(self.db.fetch_one(sql, args![*experiment]).await?)?;
        let size = ((last - first) / PARTS + 1).max(PART);
        // runs that are begun meanwhile belong to the last range
        let end = |begin: i64| if begin + size > last { i64::MAX } else { begin + size - 1 };
        Ok((0..PARTS).map(|n| first + n * size).filter(|begin| *begin <= last).map(|begin| (begin, end(begin))).collect())
    }
}

impl Filter {
    fn is_part_of_name(&self) -> bool {
        let Condition { entity, key, comparator, .. } = &self.condition;
        *entity == "attribute" && key == "name" && matches!(comparator, Comparator::Like | Comparator::ILike)
    }

    /// The numbers of the runs that the filter lets through, by an index; `None` where there is no such index.
    pub(super) fn named(&self, experiments: &[i64], binds: &mut Binds) -> Result<Option<String>> {
        let Condition { entity, key, comparator, value } = &self.condition;
        Ok(Some(match (*entity, comparator, value) {
            ("metric", Comparator::NotEqual, _) => return Ok(None),
            ("metric", ..) => {
                let Some(metric) = self.metric else { return Ok(None) };
                let (experiments, metric) = (binds.list(experiments.iter().copied()), binds.add(metric));
                let compared = binds.real("m.value", comparator, value)?;
                format!(
                    "SELECT m.run FROM latest_metrics m WHERE m.experiment IN {experiments} AND m.key = {metric} AND m.is_nan = 0 AND {compared}"
                )
            }
            ("attribute", Comparator::Equal, Operand::Text(name)) if key == "name" => {
                let experiments = binds.list(experiments.iter().copied());
                format!("SELECT v.id AS run FROM runs v WHERE v.experiment IN {experiments} AND {}", same("v.name", name, binds))
            }
            ("tag" | "parameter", Comparator::Equal, Operand::Text(text)) => {
                let (table, key) = (table(entity), binds.add(key));
                format!("SELECT v.run FROM {table} v WHERE v.key = {key} AND {}", same("v.value", text, binds))
            }
            ("tag" | "parameter", Comparator::IsNotNull, _) => {
                let (table, key) = (table(entity), binds.add(key));
                format!("SELECT v.run FROM {table} v WHERE v.key = {key}")
            }
            _ => return Ok(None),
        }))
    }
}

/// Where the values of an entity are.
pub(super) fn table(entity: &str) -> &'static str {
    if entity == "tag" { "tags" } else { "params" }
}

/// Equality by the index of the beginnings of texts. Of a plain equality SQLite would put the text in place of the
/// column everywhere, and see nothing left to look up.
fn same(column: &str, text: &str, binds: &mut Binds) -> String {
    let text = binds.add(text);
    format!("substr({column}, 1, 100) = substr({text}, 1, 100) AND COALESCE({column}, '') = {text}")
}
