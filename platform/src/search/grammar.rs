//! What the names in a search mean: which scopes there are, which keys they have, and how each may be compared.
//! The messages are upstream's (mlflow/utils/search_utils.py), clients and their tests read them.

use super::filter::{Clause, Comparator, Key, Operand};
use super::order::OrderClause;
use crate::error::{Error, Result};

/// The searchable side of one kind of thing.
#[derive(Debug, Clone, Copy)]
pub struct Grammar {
    /// Its scopes. The first is meant where a key names none.
    pub entities: &'static [Entity],
}

/// One scope: `metrics`, `tags`, `attributes`.
#[derive(Debug, Clone, Copy)]
pub struct Entity {
    /// Canonical name, as in messages and in [`Condition::entity`].
    pub name: &'static str,
    /// Other spellings.
    pub aliases: &'static [&'static str],
    /// Its keys.
    pub keys: Keys,
    /// May a search be ordered by it?
    pub orders: bool,
}

/// The keys of a scope.
#[derive(Debug, Clone, Copy)]
pub enum Keys {
    /// Any name, all of one type.
    Any(Type),
    /// These: spelling, canonical name, type.
    Named(&'static [(&'static str, &'static str, Type)]),
}

/// How a key may be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// With a number.
    Number,
    /// With a quoted text.
    Text,
    /// With a quoted text, or `IS (NOT) NULL`.
    TextOrNull,
    /// With a quoted text, or `IN` a list of them.
    TextOrList,
    /// The same, and the quotes may be missing.
    Loose,
}

/// A comparison whose names are known and whose value has the right type.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Canonical name of the scope.
    pub entity: &'static str,
    /// The key; canonical where keys are named.
    pub key: String,
    /// A comparator that the key's type has.
    pub comparator: Comparator,
    /// A value of the key's type.
    pub value: Operand,
}

/// An order whose names are known.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// Canonical name of the scope.
    pub entity: &'static str,
    /// The key; canonical where keys are named.
    pub key: String,
    /// Smallest first?
    pub ascending: bool,
}

use Comparator::{Equal, Greater, GreaterEqual, ILike, In, IsNotNull, IsNull, Less, LessEqual, Like, NotEqual, NotIn};

impl Type {
    /// The comparators of the type.
    pub fn comparators(self) -> &'static [Comparator] {
        match self {
            Self::Number => &[Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual],
            Self::Text => &[Equal, NotEqual, Like, ILike],
            Self::TextOrNull => &[Equal, NotEqual, Like, ILike, IsNull, IsNotNull],
            Self::TextOrList | Self::Loose => &[Equal, NotEqual, Like, ILike, In, NotIn],
        }
    }
}

impl Grammar {
    /// Reads and checks a filter.
    pub fn filter(&self, text: &str) -> Result<Vec<Condition>> {
        Clause::parse(text)?.into_iter().map(|clause| self.condition(clause)).collect()
    }

    /// Reads and checks the clauses of an order; a key may be named only once.
    pub fn order_by<S: AsRef<str>>(&self, clauses: &[S]) -> Result<Vec<Order>> {
        let mut orders: Vec<Order> = Vec::with_capacity(clauses.len());
        for text in clauses {
            let clause = OrderClause::parse(text.as_ref())?;
            let (entity, key, _) = self.resolve(&clause.key)?;
            if !entity.orders {
                return Err(Error::invalid(format!("Invalid order_by entity: {}", entity.name)));
            }
            if orders.iter().any(|o| o.entity == entity.name && o.key == key) {
                let shown: Vec<&str> = clauses.iter().map(AsRef::as_ref).collect();
                return Err(Error::invalid(format!("`order_by` contains duplicate fields: {shown:?}")));
            }
            orders.push(Order { entity: entity.name, key, ascending: clause.ascending });
        }
        Ok(orders)
    }

    fn condition(&self, clause: Clause) -> Result<Condition> {
        let (entity, key, kind) = self.resolve(&clause.key)?;
        let allowed = kind.comparators();
        if !allowed.contains(&clause.comparator) {
            if matches!(clause.comparator, IsNull | IsNotNull) {
                return Err(Error::invalid(format!(
                    "IS NULL / IS NOT NULL is only supported for tags and params, not for '{}' '{key}'",
                    entity.name
                )));
            }
            if matches!(clause.comparator, In | NotIn) && kind != Type::Number {
                return Err(Error::invalid(format!(
                    "Only attributes that are names or ids support comparison with a list of quoted string values, not '{key}'"
                )));
            }
            let names: Vec<&str> = allowed.iter().map(Comparator::text).collect();
            return Err(Error::invalid(format!(
                "Invalid comparator '{}' for '{key}' at position {}, not one of {names:?}",
                clause.comparator.text(),
                clause.key.at
            )));
        }
        check_value(entity, &key, kind, &clause)?;
        Ok(Condition { entity: entity.name, key, comparator: clause.comparator, value: clause.value })
    }

    fn resolve(&self, key: &Key) -> Result<(&'static Entity, String, Type)> {
        let entity = match &key.scope {
            None => &self.entities[0],
            Some(scope) => self.entities.iter().find(|e| e.name == scope || e.aliases.contains(&scope.as_str())).ok_or_else(|| {
                let known: Vec<&str> = self.entities.iter().map(|e| e.name).collect();
                Error::invalid(format!("Invalid entity type '{scope}'. Valid values are {known:?} (at position {})", key.at))
            })?,
        };
        match entity.keys {
            Keys::Any(kind) => Ok((entity, key.name.clone(), kind)),
            Keys::Named(known) => {
                known.iter().find(|row| row.0 == key.name).map(|row| (entity, row.1.to_owned(), row.2)).ok_or_else(|| {
                    let names: Vec<&str> = known.iter().map(|row| row.0).collect();
                    Error::invalid(format!(
                        "Invalid {} key '{}' specified at position {}. Valid keys are {names:?}",
                        entity.name, key.name, key.at
                    ))
                })
            }
        }
    }
}

fn check_value(entity: &Entity, key: &str, kind: Type, clause: &Clause) -> Result<()> {
    let shown = || match &clause.value {
        Operand::Number(text) | Operand::Bare(text) => text.clone(),
        Operand::Text(text) => format!("'{text}'"),
        Operand::List(items) => format!("{items:?}"),
        Operand::Nothing => String::new(),
    };
    let message = match (kind, &clause.value) {
        (Type::Number, Operand::Number(_)) => return Ok(()),
        (Type::Number, _) if matches!(entity.keys, Keys::Any(_)) => {
            format!("Expected numeric value type for {}. Found {}", entity.name, shown())
        }
        (Type::Number, _) => format!("Expected numeric value type for numeric attribute: {key}. Found {}", shown()),
        (_, Operand::Text(_) | Operand::Nothing) => return Ok(()),
        (Type::Loose, Operand::Number(_) | Operand::Bare(_)) => return Ok(()),
        (_, Operand::List(_)) if matches!(clause.comparator, In | NotIn) => return Ok(()),
        (_, Operand::Bare(text)) => format!(
            "Parameter value is either not quoted or unidentified quote types used for string value {text}. Use either single or double quotes."
        ),
        (_, _) => format!("Expected a quoted string value for {} (e.g. 'my-value'). Got value {}", entity.name, shown()),
    };
    Err(Error::invalid(message))
}
