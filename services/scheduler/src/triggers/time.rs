//! Triggers that wait for a time need no process: they are known by their class
//! (airflow/providers/standard/triggers/temporal.py).

use serde_json::{Value, json};

const DATE_TIME: &str = "airflow.providers.standard.triggers.temporal.DateTimeTrigger";

/// When it fires, and what then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Moment {
    /// Seconds since 1970, as Python has them.
    timestamp: f64,
    /// The task succeeds without going on.
    pub(crate) ends_task: bool,
}

impl Moment {
    /// The moment of a trigger, if that is all it waits for. One with a template for its time has none yet.
    /// `TimeDeltaTrigger` serializes as `DateTimeTrigger`.
    pub(crate) fn read(classpath: &str, kwargs: &Value) -> Option<Self> {
        if classpath != DATE_TIME {
            return None;
        }
        let kwargs = if kwargs["__type"] == "dict" { &kwargs["__var"] } else { kwargs };
        let moment = &kwargs["moment"];
        // as a task serializes it; as a DAG is serialized
        let timestamp = moment["__data__"]["timestamp"].as_f64().or_else(|| {
            let named = moment["__type"] == "datetime" || moment["__classname__"] == "datetime.datetime";
            named.then(|| moment["__var"].as_f64().or_else(|| moment["__data__"].as_f64())).flatten()
        })?;
        let ends_task = match &kwargs["end_from_trigger"] {
            Value::Null => false,
            Value::Bool(ends) => *ends,
            _ => return None,
        };
        Some(Self { timestamp, ends_task })
    }

    /// In milliseconds, never too early.
    pub(crate) fn millis(self) -> i64 {
        (self.timestamp * 1000.0).ceil() as i64
    }

    /// The event's payload: the moment, serialized as `airflow.sdk.serde` does.
    pub(crate) fn payload(self) -> Value {
        date_time("pendulum.datetime.DateTime", self.timestamp)
    }
}

/// A UTC time of a Python class, as `airflow.sdk.serde` serializes it.
pub(crate) fn date_time(class: &str, timestamp: f64) -> Value {
    let utc = json!({"__classname__": "builtins.tuple", "__version__": 1, "__data__": ["UTC", "pendulum.tz.timezone.Timezone", 1, true]});
    json!({"__classname__": class, "__version__": 2, "__data__": {"timestamp": timestamp, "tz": utc}})
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both forms were recorded from Airflow 3.3.2.
    #[test]
    fn moments_are_read_in_both_forms() {
        let by_task = json!({"moment": date_time("pendulum.datetime.DateTime", 1_767_571_200.000_5), "end_from_trigger": false});
        let moment = Moment::read(DATE_TIME, &by_task).unwrap();
        assert_eq!((moment.millis(), moment.ends_task), (1_767_571_200_001, false));
        assert_eq!(moment.payload(), by_task["moment"]);
        let by_dag =
            json!({"__type": "dict", "__var": {"moment": {"__type": "datetime", "__var": 1_767_571_200.0}, "end_from_trigger": true}});
        let moment = Moment::read(DATE_TIME, &by_dag).unwrap();
        assert_eq!((moment.millis(), moment.ends_task), (1_767_571_200_000, true));
    }

    #[test]
    fn others_are_left_to_python() {
        let template = json!({"target_time": "{{ data_interval_end }}", "end_from_trigger": false});
        assert_eq!(Moment::read(DATE_TIME, &template), None);
        let moment = json!({"moment": date_time("pendulum.datetime.DateTime", 1.0)});
        assert_eq!(Moment::read("my.Trigger", &moment), None);
    }
}
