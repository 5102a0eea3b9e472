//! A leaf of a metric's points: how it is written down, how points join it and how it is divided.

use super::point::Place;
use artel_platform::{Error, Result};
use prost::Message;

/// How many points a leaf has at most. A row of them stays below the 2 kB above which PostgreSQL puts values elsewhere,
/// and is soon written anew when some join.
pub(super) const MOST: usize = 128;

/// Points column by column, times and steps as differences from the point before.
#[derive(Clone, PartialEq, Message)]
struct Packed {
    #[prost(sint64, repeated, tag = "1")]
    timestamps: Vec<i64>,
    #[prost(sint64, repeated, tag = "2")]
    steps: Vec<i64>,
    #[prost(sfixed64, repeated, tag = "3")]
    values: Vec<i64>,
}

/// Writes points down.
pub(super) fn pack(places: &[Place]) -> Vec<u8> {
    let mut packed = Packed::default();
    let (mut timestamp, mut step) = (0_i64, 0_i64);
    for place in places {
        packed.timestamps.push(place.timestamp.wrapping_sub(timestamp));
        packed.steps.push(place.step.wrapping_sub(step));
        packed.values.push(place.value);
        (timestamp, step) = (place.timestamp, place.step);
    }
    packed.encode_to_vec()
}

/// Reads what [`pack`] wrote.
pub(super) fn unpack(bytes: &[u8]) -> Result<Vec<Place>> {
    let packed = Packed::decode(bytes).map_err(|e| Error::internal("packed points cannot be read").because(e.to_string()))?;
    let (mut timestamp, mut step) = (0_i64, 0_i64);
    let columns = packed.timestamps.iter().zip(&packed.steps).zip(&packed.values);
    let places = columns.map(|((later, further), value)| {
        (timestamp, step) = (timestamp.wrapping_add(*later), step.wrapping_add(*further));
        Place { timestamp, step, value: *value }
    });
    Ok(places.collect())
}

/// The points of both, each once. Both are sorted, and so is the result.
pub(super) fn merge(old: Vec<Place>, new: &[Place]) -> Vec<Place> {
    let follows = match (old.last(), new.first()) {
        (Some(last), Some(first)) => last < first,
        _ => true,
    };
    let mut all = old;
    all.extend_from_slice(new);
    if !follows {
        all.sort();
    }
    all.dedup();
    all
}

/// Leaves for these points: full ones and the rest where the metric ends here and more will follow, else equal ones, so
/// that points find room in each.
pub(super) fn divide(places: &[Place], is_end: bool) -> impl Iterator<Item = &[Place]> {
    let size = if is_end { MOST } else { places.len().div_ceil(places.len().div_ceil(MOST).max(1)).max(1) };
    places.chunks(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place() -> impl Strategy<Value = Place> {
        let number = prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(0), -3..3_i64, any::<i64>()];
        (number.clone(), number.clone(), number).prop_map(|(timestamp, step, value)| Place { timestamp, step, value })
    }

    proptest! {
        #[test]
        fn points_come_back(places in proptest::collection::vec(place(), 0..300)) {
            prop_assert_eq!(unpack(&pack(&places)).unwrap(), places);
        }

        #[test]
        fn points_join_once_and_in_order(mut old in proptest::collection::vec(place(), 0..50), mut new in proptest::collection::vec(place(), 0..50)) {
            for places in [&mut old, &mut new] {
                places.sort();
                places.dedup();
            }
            let all: std::collections::BTreeSet<Place> = old.iter().chain(&new).copied().collect();
            prop_assert_eq!(merge(old, &new), all.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn leaves_are_never_too_large(count in 1_usize..1000, is_end: bool) {
            let places: Vec<Place> = (0..count as i64).map(|n| Place { timestamp: n, step: n, value: n }).collect();
            let leaves: Vec<&[Place]> = divide(&places, is_end).collect();
            prop_assert_eq!(&leaves.concat(), &places);
            prop_assert!(leaves.iter().all(|leaf| (1..=MOST).contains(&leaf.len())));
            prop_assert_eq!(leaves.len(), count.div_ceil(MOST));
        }
    }
}
