//! Which service owns which path. Public and stable: clients of five upstream products know these prefixes.

/// Prefix → service, the most specific first. A prefix ends at a path separator or at the end of the path.
const OWNERS: &[(&str, &str)] = &[
    ("/api/2.0/mlflow-artifacts", "artifact"),
    ("/ajax-api/2.0/mlflow-artifacts", "artifact"),
    ("/s3", "artifact"),
    ("/dvc", "artifact"),
    ("/api/2.0/mlflow/registered-models", "registry"),
    ("/api/2.0/mlflow/model-versions", "registry"),
    ("/api/2.0/mlflow/webhooks", "registry"),
    ("/ajax-api/2.0/mlflow/registered-models", "registry"),
    ("/ajax-api/2.0/mlflow/model-versions", "registry"),
    ("/ajax-api/2.0/mlflow/webhooks", "registry"),
    ("/model-versions", "registry"),
    ("/api/2.0/mlflow/users", "hub"),
    ("/api/3.0/mlflow/users", "hub"),
    ("/api/3.0/mlflow/roles", "hub"),
    ("/ajax-api/2.0/mlflow/users", "hub"),
    ("/ajax-api/3.0/mlflow/users", "hub"),
    ("/ajax-api/3.0/mlflow/roles", "hub"),
    ("/signup", "hub"),
    ("/api/2.0/mlflow", "tracking"),
    ("/api/3.0/mlflow", "tracking"),
    // upstream serves one path without the slash
    ("/api/2.0mlflow", "tracking"),
    ("/ajax-api", "tracking"),
    ("/get-artifact", "tracking"),
    ("/health", "tracking"),
    ("/version", "tracking"),
    ("/graphql", "tracking"),
    ("/v1/traces", "tracking"),
    ("/api/v2", "scheduler"),
    ("/auth/token", "scheduler"),
    ("/execution", "scheduler"),
    ("/git", "scheduler"),
    ("/hub", "hub"),
    ("/user", "hub"),
    ("/services", "hub"),
    ("/api/2.0/serving-endpoints", "serving"),
    ("/api/2.0/endpoints", "serving"),
    ("/serving-endpoints", "serving"),
    ("/endpoints", "serving"),
    ("/.well-known/databricks-config", "serving"),
    ("/v2", "serving"),
    ("/api/artel/v1/gc", "tracking"),
    ("/api/artel/v1/models", "registry"),
    ("/api/artel/v1/monitoring", "serving"),
    ("/api/artel/v1/deliveries", "scheduler"),
    ("/api/artel/v1/scheduler", "scheduler"),
];

/// The service that owns `path`, if one does.
pub fn owner(path: &str) -> Option<&'static str> {
    OWNERS
        .iter()
        .find(|(prefix, _)| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
        .map(|(_, service)| *service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_prefix_wins() {
        assert_eq!(owner("/api/2.0/mlflow/registered-models/get"), Some("registry"));
        assert_eq!(owner("/api/2.0/mlflow/runs/search"), Some("tracking"));
        assert_eq!(owner("/api/2.0/mlflow-artifacts/artifacts/1/x"), Some("artifact"));
        assert_eq!(owner("/api/2.0/mlflow/users/current"), Some("hub"));
        assert_eq!(owner("/ajax-api/3.0/mlflow/roles/permissions/add"), Some("hub"));
        assert_eq!(owner("/healthz"), None);
        assert_eq!(owner("/p/default/models"), None);
    }

    #[test]
    fn no_row_hides_a_later_one() {
        for (i, (prefix, service)) in OWNERS.iter().enumerate() {
            let first = OWNERS.iter().position(|(p, _)| prefix.strip_prefix(p).is_some_and(|r| r.is_empty() || r.starts_with('/')));
            assert_eq!(first, Some(i), "{prefix} of {service} can never match");
        }
    }
}
