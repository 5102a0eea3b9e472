//! The words for states and types of runs and task instances, as upstream spells them (airflow/utils/state.py, types.py).

macro_rules! words {
    ($(#[$doc:meta])* $visible:vis $name:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        $visible enum $name { $($variant),+ }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
                Self::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let words = Self::ALL.iter().map(|word| word.as_str());
                utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String).enum_values(Some(words)).into()
            }
        }

        impl utoipa::ToSchema for $name {}

        impl $name {
            /// Every word.
            #[allow(dead_code, reason = "not every kind is asked for by its words")]
            pub const WORDS: &'static [&'static str] = &[$($text),+];

            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Upstream's word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The state that a word means; `INVALID_ARGUMENT` for an unknown one.
            pub fn parse(text: &str) -> artel_platform::Result<Self> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(artel_platform::Error::invalid(format!("{text:?} is none of {}", [$($text),+].join(", ")))),
                }
            }
        }
    };
}

pub(crate) use words;

words! {
    /// State of a task instance; one that has none yet is `Option::None`.
    pub TaskState {
        Removed = "removed", Scheduled = "scheduled", Queued = "queued", Running = "running", Success = "success",
        Restarting = "restarting", Failed = "failed", UpForRetry = "up_for_retry", UpForReschedule = "up_for_reschedule",
        UpstreamFailed = "upstream_failed", Skipped = "skipped", Deferred = "deferred", AwaitingInput = "awaiting_input",
    }
}

words! {
    /// State of a DAG run.
    pub RunState { Queued = "queued", Running = "running", Success = "success", Failed = "failed" }
}

words! {
    /// State that can be given to a DAG run by hand.
    pub GivenRunState { Queued = "queued", Success = "success", Failed = "failed" }
}

words! {
    /// How a DAG run came about; begins its run id.
    pub RunType {
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

impl From<GivenRunState> for RunState {
    fn from(given: GivenRunState) -> Self {
        match given {
            GivenRunState::Queued => Self::Queued,
            GivenRunState::Success => Self::Success,
            GivenRunState::Failed => Self::Failed,
        }
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
