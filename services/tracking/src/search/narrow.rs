//! Filters that let few runs through. The runs of an experiment are read in the order asked for until a page is full;
//! where hardly any passes, that would be all of them. So it is first asked how many a filter names by its own index,
//! and when these are few, they are what is read and sorted.

use super::Binds;
use super::runs::{Filter, Query};
use crate::Tracking;
use artel_platform::Result;
use artel_platform::db::AssertSqlSafe;
use artel_platform::search::{Comparator, Condition, Operand};

/// Up to so many runs are sorted rather than looked for in order.
const FEW: i64 = 2000;

impl Tracking {
    /// The place of the filter that names the fewest runs, if these are few.
    pub(super) async fn narrowest(&self, query: &Query) -> Result<Option<usize>> {
        let mut narrowest: Option<(i64, usize)> = None;
        for (place, filter) in query.filter.iter().enumerate() {
            let mut binds = Binds::default();
            let Some(named) = filter.named(&query.experiments, &mut binds)? else { continue };
            let limit = binds.add(FEW + 1);
            let sql = format!("SELECT COUNT(*) FROM (SELECT run FROM ({named}) AS named LIMIT {limit}) AS few");
            let count: i64 = self.db.fetch_one(AssertSqlSafe(sql), binds.0).await?.at(0)?;
            if count <= FEW && narrowest.is_none_or(|(least, _)| count < least) {
                narrowest = Some((count, place));
            }
        }
        Ok(narrowest.map(|(_, place)| place))
    }
}

impl Filter {
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
