//! How much two filters of traces have to do with each other: normalized pointwise mutual information
//! (mlflow/store/analytics/trace_correlation.py).

use crate::Tracking;
use artel_platform::Result;
use artel_proto::mlflow::CalculateTraceFilterCorrelation;
use artel_proto::mlflow::calculate_trace_filter_correlation::Response;

/// What is added to each count so that rare things do not look certain (Jeffreys' prior).
const PRIOR: f64 = 0.5;

impl Tracking {
    /// Compares what two filters let through.
    pub(crate) async fn correlate_traces(&self, workspace: &str, request: &CalculateTraceFilterCorrelation) -> Result<Response> {
        let base = request.base_filter();
        let both = |filter: &str| if base.is_empty() { filter.to_owned() } else { format!("{base} and {filter}") };
        let all = self.matching_traces(workspace, &request.experiment_ids, base).await?;
        let one = self.matching_traces(workspace, &request.experiment_ids, &both(request.filter_string1())).await?;
        let other = self.matching_traces(workspace, &request.experiment_ids, &both(request.filter_string2())).await?;
        let joint = one.intersection(&other).count();
        let count = |n: usize| i32::try_from(n).ok();
        Ok(Response {
            npmi: Some(npmi(joint, one.len(), other.len(), all.len(), 0.0)),
            npmi_smoothed: Some(npmi(joint, one.len(), other.len(), all.len(), PRIOR)),
            filter1_count: count(one.len()),
            filter2_count: count(other.len()),
            joint_count: count(joint),
            total_count: count(all.len()),
        })
    }
}

/// From -1 (never together) over 0 (independent) to 1 (always together); NaN where one of them never happens.
fn npmi(joint: usize, one: usize, other: usize, total: usize, prior: f64) -> f64 {
    if total == 0 || one == 0 || other == 0 || one + other > total + joint {
        return f64::NAN;
    }
    if joint == 0 && prior == 0.0 {
        return -1.0;
    }
    if joint == total {
        return 1.0;
    }
    let [joint, one, other, total] =
        [joint as f64 + prior, one as f64 + 2.0 * prior, other as f64 + 2.0 * prior, total as f64 + 4.0 * prior];
    let pmi = (joint.ln() + total.ln()) - (one.ln() + other.ln());
    (pmi / (total.ln() - joint.ln())).clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::{PRIOR, npmi};

    #[test]
    fn it_runs_from_never_to_always() {
        assert_eq!(npmi(0, 3, 3, 10, 0.0), -1.0);
        assert!((npmi(5, 5, 5, 10, 0.0) - 1.0).abs() < 1e-12);
        assert!(npmi(1, 2, 5, 10, 0.0).abs() < 1e-12);
        assert!(npmi(0, 0, 5, 10, 0.0).is_nan() && npmi(0, 1, 1, 0, 0.0).is_nan());
        let smoothed = npmi(5, 5, 5, 10, PRIOR);
        assert!(smoothed > 0.5 && smoothed < 1.0, "{smoothed}");
    }
}
