//! What came of looking at a run, and the look in the transaction in which a task ends.

use super::admit::{self, Admitted, Vacancy};
use super::evaluate::MANY;
use crate::Scheduler;
use crate::dag::{Dag, Task};
use crate::states::RunState;
use crate::store::instances::TaskInstance;
use crate::store::runs::DagRun;
use crate::store::{briefs, dags, instances, runs};
use artel_platform::Result;
use artel_platform::db::Tx;
use std::sync::Arc;

/// What came of looking at a run.
pub(crate) struct Look {
    pub(super) dag: Arc<Dag>,
    pub(super) run: DagRun,
    /// How many instances there were to look at.
    pub(super) instances: usize,
    pub(super) has_written: bool,
    /// Something has happened since the last look, now or before.
    pub(super) has_news: bool,
    /// There is work that no waiting worker was given.
    pub(super) to_claim: bool,
    /// The task instance that has the slot of the one that ended.
    pub(crate) given: Option<String>,
    pub(super) has_ended: bool,
    pub(super) has_triggers: bool,
}

impl Look {
    /// What came of letting in others where nothing of the run itself was to be decided.
    fn of_slots(dag: Arc<Dag>, run: DagRun, admitted: Admitted) -> Self {
        Self {
            dag,
            run,
            instances: 0,
            has_written: admitted.count > 0,
            has_news: false,
            to_claim: admitted.to_claim,
            given: admitted.given,
            has_ended: false,
            has_triggers: false,
        }
    }
}

/// Does the end of a task leave only a slot and one instance less to wait for? True of those that nothing comes after.
fn concerns_none(dag: &Dag, task_id: &str) -> bool {
    let alone = |task: &Task| task.downstream_ids.is_empty() && !task.is_setup && !task.is_teardown;
    !dag.fail_fast && dag.task(task_id).is_some_and(alone) && !dag.tasks.iter().any(|t| t.owed.depends_on_past)
}

impl Scheduler {
    /// Does what is to be done about the run of an instance that has just ended, in the transaction that says so: what comes next need not
    /// wait for one of its own. `None` where that is not done here: the run is large, or not to be looked at now. `vacancy` is the slot
    /// that the instance leaves.
    pub(crate) async fn look_along(&self, tx: &mut Tx, ended: &TaskInstance, vacancy: Option<&Vacancy<'_>>) -> Result<Option<Look>> {
        let dag = self.version_in(tx, &ended.dag_version_id).await?;
        let concerns_none = concerns_none(&dag, &ended.task_id);
        if !concerns_none && (dag.tasks.len() >= MANY || dag.tasks.iter().any(Task::needs_expansion)) {
            return Ok(None);
        }
        // who looks at it now may wait for this instance: nobody waits for them here
        let run = runs::locked_if_free(tx.dialect(), &ended.dag_id, &ended.run_id);
        let active = dags::is_active(&ended.dag_id);
        let briefs = briefs::of_run(&ended.dag_id, &ended.run_id);
        let (active, run, present) = if concerns_none {
            let (active, run, others) = tx.ask((active, run, instances::any_unfinished(&ended.dag_id, &ended.run_id))).await?;
            (active, run, if others { None } else { Some(tx.ask(briefs).await?) })
        } else {
            let (active, run, present) = tx.ask((active, run, briefs)).await?;
            (active, run, Some(present))
        };
        let fits = |run: &DagRun| active && run.state == RunState::Running && run.dag_version_id == ended.dag_version_id;
        let Some(run) = run.filter(fits) else { return Ok(None) };
        match present {
            Some(present) => self.look(tx, dag, run, &present, vacancy).await.map(Some),
            None => {
                let admitted = admit::admit(self, tx, self.cx.clock.now(), vacancy).await?;
                Ok(Some(Look::of_slots(dag, run, admitted)))
            }
        }
    }

    /// Wakes whoever acts on what a look has written, once it is committed.
    pub(crate) async fn after(&self, look: &Look) -> Result<()> {
        if look.to_claim {
            self.unclaimed.announce();
        }
        if look.has_ended {
            self.assets_changed(); // room for another run of this DAG
        }
        if look.has_triggers {
            self.triggers.notify_one();
        }
        if look.has_news {
            self.wake_after(&look.dag, &look.run).await?;
        }
        Ok(())
    }
}
