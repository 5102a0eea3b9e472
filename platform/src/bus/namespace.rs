//! What an installation's topics and consumer groups are called on brokers that it shares with others.
//!
//! Two installations with the same names would be members of the same groups and take each other's events.

use crate::error::{Error, Result};

/// Kafka takes names of up to 249 characters; the longest topic and group leave room for this many.
const LONGEST: usize = 128;

/// Put in front of every name: `team.` for `kafka://HOST:PORT/team`, nothing without a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Namespace(String);

impl Namespace {
    /// Splits `HOST:PORT[,HOST:PORT][/NAMESPACE]` into the brokers and the namespace.
    pub(super) fn of(address: &str) -> Result<(&str, Self)> {
        let (brokers, name) = address.split_once('/').unwrap_or((address, ""));
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.len() > LONGEST || !name.chars().all(allowed) {
            return Err(Error::invalid(format!(
                "bus: {name:?} cannot stand before names of topics; give up to {LONGEST} letters, digits, dots, dashes and underscores"
            )));
        }
        Ok((brokers, Self(if name.is_empty() { String::new() } else { format!("{name}.") })))
    }

    /// The name on the brokers of a topic or consumer group.
    pub(super) fn outside(&self, name: &str) -> String {
        format!("{}{name}", self.0)
    }

    /// The suite's name of a topic on the brokers.
    pub(super) fn inside<'a>(&self, topic: &'a str) -> &'a str {
        topic.strip_prefix(self.0.as_str()).unwrap_or(topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_suites_own_without_a_path() {
        for address in ["kafka:9092", "kafka:9092/"] {
            let (brokers, namespace) = Namespace::of(address).unwrap();
            assert_eq!((brokers, namespace.outside("registry.models").as_str()), ("kafka:9092", "registry.models"));
            assert_eq!(namespace.inside("registry.models"), "registry.models");
        }
    }

    #[test]
    fn a_path_stands_before_every_name() {
        let (brokers, namespace) = Namespace::of("a:1,b:2/team-a").unwrap();
        assert_eq!((brokers, namespace.outside("registry.models").as_str()), ("a:1,b:2", "team-a.registry.models"));
        assert_eq!(namespace.inside("team-a.registry.models"), "registry.models");
    }

    #[test]
    fn what_kafka_would_not_take_is_refused() {
        for name in ["two/parts", "späße", "a b", &"x".repeat(129)] {
            assert!(Namespace::of(&format!("kafka:9092/{name}")).is_err(), "{name}");
        }
    }
}
