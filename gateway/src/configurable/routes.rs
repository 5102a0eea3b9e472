//! The routes: where each prefix leads, what the hub noted beside it, and when it was last used.

use crate::proxy::{Prefixes, Target};
use artel_platform::clock::Clock;
use artel_platform::{Error, Result};
use serde_json::{Map, Value};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, RwLock};

/// One route.
#[derive(Debug)]
pub(super) struct Route {
    /// As the API shows it: decoded, without a slash at the end. With host routing the host is its first segment.
    pub(super) path: String,
    pub(super) target: Target,
    /// What the API was given, `target` included.
    data: Map<String, Value>,
    /// Milliseconds since 1970.
    last_activity: AtomicI64,
}

/// All routes.
pub(super) struct Routes {
    table: RwLock<Prefixes<Arc<Route>>>,
    clock: Clock,
    host_routing: bool,
    prepend_path: bool,
}

impl Routes {
    pub(super) fn new(clock: Clock, host_routing: bool, prepend_path: bool) -> Self {
        Self { table: RwLock::default(), clock, host_routing, prepend_path }
    }

    /// Sets a route; `data` holds at least its `target`.
    pub(super) fn add(&self, path: &str, mut data: Map<String, Value>) -> Result<()> {
        let Some(target) = data.get("target").and_then(Value::as_str) else {
            return Err(Error::invalid("Must specify 'target' as string"));
        };
        let mut parsed = Target::parse(target)?;
        if !self.prepend_path {
            parsed = parsed.without_path();
        }
        let path = format!("/{}", path.trim_matches('/'));
        tracing::info!("adding route {path} -> {parsed}");
        if self.host_routing && path != "/" {
            let host = path.split('/').nth(1).unwrap_or_default();
            data.insert("host".into(), host.into());
        }
        let route = Route { target: parsed, data, last_activity: AtomicI64::new(self.clock.now()), path };
        self.table.write().expect("not poisoned").insert(&route.path.clone(), Arc::new(route));
        Ok(())
    }

    /// Was it there?
    pub(super) fn remove(&self, path: &str) -> bool {
        let gone = self.table.write().expect("not poisoned").remove(path);
        if let Some(route) = &gone {
            tracing::info!("removing route {}", route.path);
        }
        gone.is_some()
    }

    /// The route of exactly this path, as the API shows it.
    pub(super) fn get(&self, path: &str) -> Option<Value> {
        self.table.read().expect("not poisoned").get(path).map(|route| route.shown())
    }

    /// All, by path; or those without activity since then, in milliseconds since 1970.
    pub(super) fn list(&self, inactive_since: Option<i64>) -> Map<String, Value> {
        let table = self.table.read().expect("not poisoned");
        let wanted = table.values().filter(|route| inactive_since.is_none_or(|since| route.last_activity.load(Ordering::Relaxed) < since));
        wanted.map(|route| (route.path.clone(), route.shown())).collect()
    }

    /// The route with the longest prefix of a decoded path (before it the host, with host routing).
    pub(super) fn find(&self, path: &str) -> Option<Arc<Route>> {
        self.table.read().expect("not poisoned").longest(path).cloned()
    }

    /// Somebody used it just now.
    pub(super) fn touch(&self, route: &Route) {
        route.last_activity.store(self.clock.now(), Ordering::Relaxed);
    }
}

impl Route {
    fn shown(&self) -> Value {
        let mut data = self.data.clone();
        let at = chrono::DateTime::from_timestamp_millis(self.last_activity.load(Ordering::Relaxed)).unwrap_or_default();
        data.insert("last_activity".into(), at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true).into());
        Value::Object(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn data(target: &str) -> Map<String, Value> {
        Map::from_iter([("target".to_owned(), target.into()), ("user".to_owned(), "ada".into())])
    }

    #[test]
    fn a_route_is_shown_as_it_was_given() {
        let routes = Routes::new(Clock::fixed(1_000), false, true);
        routes.add("user/ada/", data("http://a:1")).unwrap();
        let shown = json!({"target": "http://a:1", "user": "ada", "last_activity": "1970-01-01T00:00:01.000Z"});
        assert_eq!(Value::Object(routes.list(None)), json!({"/user/ada": shown}));
        assert_eq!(routes.get("/user/ada"), Some(shown));
        assert!(routes.remove("/user/ada") && !routes.remove("/user/ada"));
    }

    #[test]
    fn the_inactive_are_found() {
        let clock = Clock::fixed(1_000);
        let routes = Routes::new(clock.clone(), false, true);
        routes.add("/old", data("http://a:1")).unwrap();
        clock.advance(1_000);
        routes.add("/new", data("http://a:1")).unwrap();
        let names = |since| routes.list(Some(since)).keys().cloned().collect::<Vec<_>>();
        assert_eq!(
            (names(1_000), names(1_001), names(3_000)),
            (vec![], vec!["/old".to_owned()], vec!["/new".to_owned(), "/old".to_owned()])
        );
        routes.touch(&routes.find("/old/x").unwrap());
        assert_eq!(names(2_000), Vec::<String>::new());
    }

    #[test]
    fn with_host_routing_the_host_is_noted() {
        let routes = Routes::new(Clock::fixed(0), true, true);
        routes.add("/ada.hub.org/user/ada", data("http://a:1")).unwrap();
        assert_eq!(routes.get("/ada.hub.org/user/ada").unwrap()["host"], "ada.hub.org");
    }

    #[test]
    fn a_target_must_be_one() {
        let routes = Routes::new(Clock::fixed(0), false, true);
        assert!(routes.add("/x", Map::new()).is_err());
        assert!(routes.add("/x", data("nowhere")).is_err());
    }
}
