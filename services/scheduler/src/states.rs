//! The words for states and types of runs and task instances, as upstream spells them (airflow/utils/state.py, types.py).

use artel_platform::{Error, Result};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum $name { $($variant),+ }

        impl $name {
            /// Every word.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Upstream's word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The state that a word means; `INVALID_ARGUMENT` for an unknown one.
            pub fn parse(text: &str) -> Result<Self> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(Error::invalid(format!("{text:?} is none of {}", [$($text),+].join(", ")))),
                }
            }
        }
    };
}

words! {
    /// State of a task instance; one that has none yet is `Option::None`.
    TaskState {
        Removed = "removed", Scheduled = "scheduled", Queued = "queued", Running = "running", Success = "success",
        Restarting = "restarting", Failed = "failed", UpForRetry = "up_for_retry", UpForReschedule = "up_for_reschedule",
        UpstreamFailed = "upstream_failed", Skipped = "skipped", Deferred = "deferred", AwaitingInput = "awaiting_input",
    }
}

words! {
    /// State of a DAG run.
    RunState { Queued = "queued", Running = "running", Success = "success", Failed = "failed" }
}

words! {
    /// How a DAG run came about; begins its run id.
    RunType {
        Backfill = "backfill", Scheduled = "scheduled", Manual = "manual", OperatorTriggered = "operator_triggered",
        AssetTriggered = "asset_triggered", AssetMaterialization = "asset_materialization",
    }
}

impl TaskState {
    /// Nothing happens to it any more by itself.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Success | Self::Failed | Self::Skipped | Self::UpstreamFailed | Self::Removed)
    }

    /// Counts as a failure of the run.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::UpstreamFailed)
    }

    /// Counts as a success of the run.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Success | Self::Skipped)
    }

    /// Waits for the scheduler to let it start (again).
    pub fn is_schedulable(state: Option<Self>) -> bool {
        matches!(state, None | Some(Self::UpForRetry | Self::UpForReschedule))
    }
}

impl RunState {
    /// It has ended.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Success | Self::Failed)
    }
}

impl RunType {
    /// The id of a run of this type that is due at `run_after`.
    pub fn run_id(self, run_after: crate::timetable::Time) -> String {
        format!("{}__{}", self.as_str(), crate::times::iso(run_after))
    }

    /// The type that a run id speaks of; manual unless it begins with another type's word.
    pub fn of_run_id(run_id: &str) -> Self {
        Self::ALL
            .iter()
            .copied()
            .find(|t| run_id.strip_prefix(t.as_str()).is_some_and(|rest| rest.starts_with("__")))
            .unwrap_or(Self::Manual)
    }
}
