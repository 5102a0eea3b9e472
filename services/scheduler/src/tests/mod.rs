//! The scheduler on real databases with a clock that stands still: small DAGs, worked off by a stand-in for a worker
//! that speaks the same calls.

mod asset_rest;
mod asset_state;
mod assets;
mod backfills;
mod bench;
mod bundles;
mod by_hand;
mod claiming;
mod deferring;
mod files;
mod graphs;
mod hosting;
mod instances_rest;
mod keeping;
mod limits;
mod mapping;
mod partition_runs;
mod partitions;
mod plans;
mod rest;
mod runs;
mod talking;
mod watchers;
