//! Histories of metrics, read from their leaves.

use super::in_list;
use super::leaf::{MOST, unpack};
use super::point::{Place, Point};
use artel_platform::db::{AssertSqlSafe, Db, Row, Value};
use artel_platform::{Result, args};
use std::collections::HashMap;

/// Some points of one metric of one run.
pub(crate) struct Range {
    pub(crate) run: i64,
    pub(crate) key: i64,
    /// First and last step.
    pub(crate) steps: Option<(i64, i64)>,
    /// Is the order of time that of steps too?
    pub(crate) in_order: bool,
}

impl Range {
    fn holds(&self, step: i64) -> bool {
        self.steps.is_none_or(|(first, last)| (first..=last).contains(&step))
    }

    /// The leaves in which there may be points, in order: the columns given.
    async fn leaves(&self, db: &Db, columns: &str) -> Result<Vec<Row>> {
        let mut args = args![self.run, self.key];
        let mut sql = format!("SELECT {columns} FROM metric_leaves WHERE run = $1 AND key = $2");
        if let Some((first, last)) = self.steps {
            args.extend(args![first, last]);
            sql.push_str(" AND last_step >= $3 AND first_step <= $4");
        }
        sql.push_str(" ORDER BY bound");
        db.fetch_all(AssertSqlSafe(sql), args).await
    }

    fn read(&self, points: &[u8]) -> Result<Vec<Place>> {
        let mut places = unpack(points)?;
        places.retain(|place| self.holds(place.step));
        Ok(places)
    }
}

/// At most `limit` points in the order of time, after the place `after`.
pub(crate) async fn page(db: &Db, run: i64, key: i64, after: Option<Place>, limit: usize) -> Result<Vec<Point>> {
    let mut points = Vec::new();
    // the leaf in which the place is, then those after the last one that was read
    let mut from =
        "bound >= (SELECT b.bound FROM metric_leaves b WHERE b.run = $1 AND b.key = $2 AND b.bound <= $3 ORDER BY b.bound DESC LIMIT 1)";
    let mut bound = after.map(Place::bytes).unwrap_or_default();
    while points.len() < limit {
        let most = (limit - points.len()).div_ceil(MOST) + 1;
        let sql = format!("SELECT bound, points FROM metric_leaves WHERE run = $1 AND key = $2 AND {from} ORDER BY bound LIMIT $4");
        let rows = db.fetch_all(AssertSqlSafe(sql), args![run, key, bound, most]).await?;
        for row in &rows {
            let places = unpack(&row.at::<Vec<u8>>(1)?)?;
            points.extend(places.into_iter().filter(|place| after.is_none_or(|after| *place > after)).map(|place| place.point(key)));
        }
        if rows.len() < most {
            break;
        }
        (from, bound) = ("bound > $3", rows[most - 1].at(0)?);
    }
    points.truncate(limit);
    Ok(points)
}

/// At most `most` points by step, evenly taken, the last one among them.
pub(crate) async fn sample(db: &Db, range: &Range, most: usize) -> Result<Vec<Point>> {
    let places = if range.in_order { pick(db, range, most).await? } else { sort_and_pick(db, range, most).await? };
    Ok(places.into_iter().map(|place| place.point(range.key)).collect())
}

async fn sort_and_pick(db: &Db, range: &Range, most: usize) -> Result<Vec<Place>> {
    let mut places = Vec::new();
    for row in range.leaves(db, "points").await? {
        places.extend(range.read(&row.at::<Vec<u8>>(0)?)?);
    }
    places.sort_unstable_by_key(Place::by_step);
    Ok(evenly(places.len(), most).into_iter().map(|n| places[n]).collect())
}

/// A leaf, of which it is known how many points of the range it has.
struct Counted {
    bound: Vec<u8>,
    count: usize,
    /// Are there others in it too?
    is_cut: bool,
}

/// Reads only the leaves in which there are points to be taken: how many the others have is noted.
async fn pick(db: &Db, range: &Range, most: usize) -> Result<Vec<Place>> {
    let read = |row: &Row| {
        let count: i64 = row.at(1)?;
        Ok(Counted { bound: row.at(0)?, count: count as usize, is_cut: !range.holds(row.at(2)?) || !range.holds(row.at(3)?) })
    };
    let rows = range.leaves(db, "bound, count, first_step, last_step").await?;
    let mut leaves: Vec<Counted> = rows.iter().map(read).collect::<Result<_>>()?;
    let cut = leaves.iter().filter(|leaf| leaf.is_cut).map(|leaf| &leaf.bound);
    let mut known = contents(db, range, cut).await?;
    for leaf in leaves.iter_mut().filter(|leaf| leaf.is_cut) {
        leaf.count = known.get(&leaf.bound).map_or(0, Vec::len);
    }
    let chosen = evenly(leaves.iter().map(|leaf| leaf.count).sum(), most);
    let mut taken: Vec<(&Vec<u8>, usize)> = Vec::with_capacity(chosen.len());
    let (mut chosen, mut before) = (chosen.into_iter().peekable(), 0);
    for leaf in &leaves {
        while let Some(n) = chosen.next_if(|n| *n < before + leaf.count) {
            taken.push((&leaf.bound, n - before));
        }
        before += leaf.count;
    }
    let mut unknown: Vec<&Vec<u8>> = taken.iter().map(|(bound, _)| *bound).filter(|bound| !known.contains_key(*bound)).collect();
    unknown.dedup();
    known.extend(contents(db, range, unknown.into_iter()).await?);
    Ok(taken.into_iter().filter_map(|(bound, n)| known.get(bound)?.get(n).copied()).collect())
}

/// The points of the range in the leaves with these bounds.
async fn contents(db: &Db, range: &Range, bounds: impl Iterator<Item = &Vec<u8>>) -> Result<HashMap<Vec<u8>, Vec<Place>>> {
    const AT_ONCE: usize = 256;
    let bounds: Vec<Value> = bounds.map(|bound| bound.as_slice().into()).collect();
    let mut found = HashMap::with_capacity(bounds.len());
    for some in bounds.chunks(AT_ONCE) {
        let mut args = args![range.run, range.key];
        let list = in_list(some.iter().cloned(), &mut args);
        let sql = format!("SELECT bound, points FROM metric_leaves WHERE run = $1 AND key = $2 AND bound IN {list}");
        for row in db.fetch_all(AssertSqlSafe(sql), args).await? {
            found.insert(row.at(0)?, range.read(&row.at::<Vec<u8>>(1)?)?);
        }
    }
    Ok(found)
}

/// Which of `count` points are taken: the first of each of `most` buckets that are as equally filled as can be (NTILE's),
/// and the last of all.
fn evenly(count: usize, most: usize) -> Vec<usize> {
    // the first `larger` buckets hold one more
    let (size, larger) = (count / most.max(1), count % most.max(1));
    let mut chosen: Vec<usize> =
        if size == 0 { (0..count).collect() } else { (0..most).map(|bucket| bucket * size + bucket.min(larger)).collect() };
    if let Some(last) = count.checked_sub(1).filter(|last| chosen.last() != Some(last)) {
        if chosen.len() >= most {
            chosen.pop();
        }
        chosen.push(last);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::evenly;

    #[test]
    fn the_last_point_is_always_there() {
        assert_eq!(evenly(0, 3), Vec::<usize>::new());
        assert_eq!(evenly(2, 3), [0, 1]);
        assert_eq!(evenly(3, 3), [0, 1, 2]);
        assert_eq!(evenly(8, 3), [0, 3, 7]);
        assert_eq!(evenly(5, 1), [4]);
    }
}
