//! Search text as MLflow's clients write it: filters (`metrics.loss < 0.1 AND tags.team = 'nlp'`), orders
//! (`metrics.loss DESC`) and opaque page tokens. Text in, a checked tree with positions out; what the names mean is
//! said by a [`Grammar`], a table that each service keeps for its own things. Nothing here knows SQL tables.
//!
//! A service writes one `Grammar` per searchable thing, calls [`Grammar::filter`] and [`Grammar::order_by`], turns the
//! [`Condition`]s into SQL of its own, and pages with [`Keyset`] and [`PageToken`].

mod filter;
mod grammar;
mod keyset;
mod order;
mod page;
mod token;

pub use filter::{Clause, Comparator, Key, Operand};
pub use grammar::{Condition, Entity, Grammar, Keys, Order, Type};
pub use keyset::{Keyset, Term};
pub use order::OrderClause;
pub use page::PageToken;

#[cfg(test)]
mod tests;
