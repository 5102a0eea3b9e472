//! Points of metrics, and how they sort.

use artel_platform::Result;
use artel_platform::db::Row;

/// A point. As upstream has it, the infinities become the largest numbers, and NaN counts as 0 where points are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    pub(crate) key: i64,
    pub(crate) value: f64,
    pub(crate) is_nan: bool,
    pub(crate) timestamp: i64,
    pub(crate) step: i64,
}

/// Where a point stands among those of its metric: they sort by time, then step, then value. No two points of a metric
/// have one place, so it says all of a point but its metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) timestamp: i64,
    pub(crate) step: i64,
    /// The value as a whole number that sorts like it. NaN comes right after zero, where upstream has it; for that zero
    /// takes the number of the negative zero, which is never kept.
    pub(crate) value: i64,
}

/// A point and where it belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Logged {
    pub(crate) run: i64,
    pub(crate) experiment: i64,
    pub(crate) point: Point,
}

impl Point {
    pub(crate) fn new(key: i64, value: f64, timestamp: i64, step: i64) -> Self {
        let is_nan = value.is_nan();
        // adding zero turns -0 into 0
        let value = if is_nan { 0.0 } else { value.clamp(f64::MIN, f64::MAX) + 0.0 };
        Self { key, value, is_nan, timestamp, step }
    }

    /// The value as it was logged.
    pub(crate) fn logged(&self) -> f64 {
        if self.is_nan { f64::NAN } else { self.value }
    }

    /// Of a row of the latest ones that begins with timestamp, step, value, is_nan.
    pub(super) fn latest(row: &Row, key: i64) -> Result<Self> {
        Ok(Self { key, timestamp: row.at(0)?, step: row.at(1)?, value: row.at(2)?, is_nan: row.at(3)? })
    }

    pub(crate) fn place(&self) -> Place {
        let value = match self.is_nan {
            true => NAN,
            false if self.value == 0.0 => ZERO,
            false => flip(self.value.to_bits() as i64),
        };
        Place { timestamp: self.timestamp, step: self.step, value }
    }

    /// Which is later: by step, then time, then value.
    pub(super) fn order(&self, other: &Self) -> std::cmp::Ordering {
        (self.step, self.timestamp).cmp(&(other.step, other.timestamp)).then(self.value.total_cmp(&other.value))
    }
}

impl Place {
    /// The point of this metric that stands here.
    pub(crate) fn point(self, key: i64) -> Point {
        let value = match self.value {
            NAN => f64::NAN,
            ZERO => 0.0,
            bits => f64::from_bits(flip(bits) as u64),
        };
        Point::new(key, value, self.timestamp, self.step)
    }

    /// Bytes that sort like the place.
    pub(super) fn bytes(self) -> Vec<u8> {
        let sortable = |number: i64| (number ^ i64::MIN).to_be_bytes();
        [self.timestamp, self.step, self.value].map(sortable).concat()
    }

    /// Sorts by step first.
    pub(super) fn by_step(&self) -> (i64, i64, i64) {
        (self.step, self.timestamp, self.value)
    }
}

const ZERO: i64 = -1;
const NAN: i64 = 0;

/// Bits of a real number to a whole number that sorts like it, and back.
fn flip(bits: i64) -> i64 {
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

#[cfg(test)]
mod tests {
    use super::Point;

    #[test]
    fn values_come_back_exactly_and_sort_like_numbers() {
        let values = [f64::MIN, -1e10, -1.0, -f64::MIN_POSITIVE, -5e-324, 0.0, f64::NAN, 5e-324, 0.1 + 0.2, 1.0, 1e300, f64::MAX];
        let places = values.map(|v| Point::new(1, v, 2, 3).place());
        assert!(places.is_sorted_by(|a, b| a < b));
        assert!(places.is_sorted_by(|a, b| a.bytes() < b.bytes()));
        for (value, place) in values.iter().zip(places) {
            let back = place.point(1).logged();
            assert!(back == *value || (back.is_nan() && value.is_nan()), "{value} {back}");
            assert_eq!(Point::new(1, back, 2, 3).place(), place);
        }
        assert_eq!(Point::new(1, f64::NEG_INFINITY, 0, 0).logged(), f64::MIN);
        assert_eq!(Point::new(1, -0.0, 0, 0).place(), Point::new(1, 0.0, 0, 0).place());
    }

    #[test]
    fn bytes_sort_like_places() {
        let numbers = [i64::MIN, -300, -1, 0, 1, 255, 256, i64::MAX];
        let at = |timestamp, step| Point::new(1, 0.5, timestamp, step).place();
        let places: Vec<_> = numbers.iter().flat_map(|t| numbers.iter().map(move |s| at(*t, *s))).collect();
        assert!(places.is_sorted_by(|a, b| a < b && a.bytes() < b.bytes()));
    }
}
