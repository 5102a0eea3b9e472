//! Several processes of one service, seen from a caller.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The replicas of a service. One is used for as long as it answers, then the next: a replica that is away costs each
/// caller one failed call. Different processes begin with different ones. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Replicas<T> {
    all: Arc<[T]>,
    current: Arc<AtomicUsize>,
}

impl<T> Replicas<T> {
    /// At least one.
    ///
    /// # Panics
    /// When there is none.
    pub fn new(all: Vec<T>) -> Self {
        assert!(!all.is_empty(), "a service has at least one replica");
        let first = std::process::id() as usize % all.len();
        Self { all: all.into(), current: Arc::new(AtomicUsize::new(first)) }
    }

    /// The one to use now, and its number for [`Self::gone`].
    pub fn current(&self) -> (usize, &T) {
        let number = self.current.load(Ordering::Relaxed);
        (number, &self.all[number])
    }

    /// The one with this number does not answer: from now on the next is used (unless somebody has already moved on).
    pub fn gone(&self, number: usize) {
        let next = (number + 1) % self.all.len();
        let _ = self.current.compare_exchange(number, next, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// The addresses in a setting: one, or several separated by commas.
pub fn addresses(setting: &str) -> Vec<&str> {
    setting.split(',').map(str::trim).filter(|address| !address.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_one_is_used_when_one_is_gone() {
        let replicas = Replicas::new(vec!["a", "b", "c"]);
        let (first, _) = replicas.current();
        replicas.gone(first);
        let (second, _) = replicas.current();
        assert_eq!(second, (first + 1) % 3);
        // another call that failed at the first one meanwhile changes nothing
        replicas.gone(first);
        assert_eq!(replicas.current().0, second);
        replicas.gone(second);
        replicas.gone((second + 1) % 3);
        assert_eq!(replicas.current().0, first);
    }

    #[test]
    fn a_setting_names_one_or_several() {
        assert_eq!(addresses("http://a:1"), ["http://a:1"]);
        assert_eq!(addresses("http://a:1, http://b:2,"), ["http://a:1", "http://b:2"]);
        assert!(addresses("").is_empty());
    }
}
