//! The log of events: what people do over the API, and what tasks say of their states (airflow/models/log.py).

use crate::Scheduler;
use crate::states::TaskState;
use crate::store::event_logs::{self, NewEvent};
use crate::store::instances::TaskInstance;
use artel_platform::Result;
use artel_platform::db::Tx;
use serde_json::json;

impl Scheduler {
    /// Notes that something happened.
    pub(crate) async fn note_event(&self, tx: &mut Tx, event: &NewEvent) -> Result<()> {
        let (uid, now) = (self.cx.ids.ordered(), self.cx.clock.now());
        // numbers of clients end at 2^53: a time in milliseconds leaves room for three more digits
        let id = now * 1000 + (uid.as_u128() % 1000) as i64;
        event_logs::add(tx, (&uid.to_string(), id), event, now).await
    }

    /// Notes that a task says it is in this state now.
    pub(crate) async fn note_state(
        &self,
        tx: &mut Tx,
        instance: &TaskInstance,
        state: TaskState,
        (logical_date, hostname): (Option<i64>, Option<&str>),
    ) -> Result<()> {
        let dag = self.version(&instance.dag_version_id).await?;
        let event = NewEvent {
            event: state.as_str().into(),
            dag_id: Some(instance.dag_id.clone()),
            task_id: Some(instance.task_id.clone()),
            run_id: Some(instance.run_id.clone()),
            map_index: Some(instance.map_index),
            try_number: Some(instance.try_number),
            logical_date,
            owner: dag.task(&instance.task_id).map(|task| task.owner.clone()),
            extra: hostname.filter(|name| !name.is_empty()).map(|name| json!({"host_name": name}).to_string()),
        };
        self.note_event(tx, &event).await
    }
}
