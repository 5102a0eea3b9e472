//! The environment variables by which a notebook server knows its hub (jupyterhub/spawner.py `get_env`), and by which
//! code in its kernels reaches the rest of the suite.

use crate::names;
use crate::profiles::Plan;
use artel_platform::python::NO_TELEMETRY;
use std::path::Path;

/// One start of one server.
#[derive(Clone)]
pub(crate) struct Launch {
    /// Names this start.
    pub id: String,
    pub user: String,
    /// Empty for the default server.
    pub name: String,
    /// The server's own token, also its OAuth client secret.
    pub server_token: String,
    /// The token of the code that runs in it.
    pub kernel_token: String,
    /// What it is started with.
    pub plan: Plan,
}

/// `template` with the names in it (upstream's `{username}` and `{servername}`) and the data folder.
pub(super) fn fill(template: &str, user: &str, server: &str, data: &Path) -> String {
    template.replace("{username}", user).replace("{servername}", server).replace("{data}", &data.display().to_string())
}

/// Marks every process of a launch, wherever it has moved.
pub(crate) const MARK: &str = "ARTEL_LAUNCH";

/// The variables of `launch`, whose server shall listen at `url` (with its prefix) and reach the suite at `hub`. The
/// settings may change how code finds the suite, but not how the server and the hub know each other.
pub(crate) fn variables(launch: &Launch, url: &str, hub: &str, data: &Path) -> Vec<(String, String)> {
    let Launch { user, name, plan, .. } = launch;
    let mut all: Vec<(String, String)> = own(vec![
        ("SHELL", "/bin/bash".into()),
        ("MLFLOW_TRACKING_URI", hub.into()),
        ("MLFLOW_TRACKING_TOKEN", launch.kernel_token.clone()),
        (NO_TELEMETRY.0, NO_TELEMETRY.1.into()),
    ])
    .collect();
    all.extend(plan.environment.iter().map(|(name, value)| (name.clone(), fill(value, user, &launch.name, data))));
    if !plan.default_url.is_empty() {
        all.extend(own(vec![("JUPYTERHUB_DEFAULT_URL", fill(&plan.default_url, user, name, data))]));
    }
    // upstream's names, for what shows people how much they have left
    if plan.memory_mib > 0 {
        all.extend(own(vec![("MEM_LIMIT", (plan.memory_mib * 1024 * 1024).to_string())]));
    }
    if plan.cpus > 0.0 {
        all.extend(own(vec![("CPU_LIMIT", plan.cpus.to_string())]));
    }
    all.extend(own(protocol(launch, url, hub)));
    all
}

fn own(list: Vec<(&'static str, String)>) -> impl Iterator<Item = (String, String)> {
    list.into_iter().map(|(name, value)| (name.to_owned(), value))
}

/// What upstream's server reads.
fn protocol(launch: &Launch, url: &str, hub: &str) -> Vec<(&'static str, String)> {
    let Launch { user, name, .. } = launch;
    let access = serde_json::json!([format!("access:servers!server={}", names::full(user, name)), format!("access:servers!user={user}")])
        .to_string();
    vec![
        (MARK, launch.id.clone()),
        ("USER", user.clone()),
        ("LOGNAME", user.clone()),
        ("JUPYTERHUB_API_TOKEN", launch.server_token.clone()),
        ("JPY_API_TOKEN", launch.server_token.clone()),
        ("JUPYTERHUB_CLIENT_ID", names::oauth_client(user, name)),
        ("JUPYTERHUB_OAUTH_CALLBACK_URL", names::oauth_callback(user, name)),
        ("JUPYTERHUB_OAUTH_ACCESS_SCOPES", access.clone()),
        ("JUPYTERHUB_OAUTH_SCOPES", access),
        ("JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES", "[]".into()),
        ("JUPYTERHUB_HOST", String::new()),
        ("JUPYTERHUB_USER", user.clone()),
        ("JUPYTERHUB_SERVER_NAME", name.clone()),
        ("JUPYTERHUB_API_URL", format!("{hub}/hub/api")),
        ("JUPYTERHUB_ACTIVITY_URL", format!("{hub}/hub/api/users/{user}/activity")),
        ("JUPYTERHUB_BASE_URL", "/".into()),
        ("JUPYTERHUB_SERVICE_PREFIX", names::prefix(user, name)),
        ("JUPYTERHUB_SERVICE_URL", url.into()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_server_knows_its_places() {
        let settings: crate::config::Settings =
            artel_platform::config::Config::load(None, &toml::Table::new()).unwrap().section("hub").unwrap();
        let mut plan = Plan::new(&settings);
        plan.memory_mib = 2;
        plan.environment = [("WHERE", "{data}/{username}/{servername}"), ("JUPYTERHUB_USER", "root"), ("MLFLOW_TRACKING_URI", "http://m")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let launch =
            Launch { id: "l".into(), user: "ada".into(), name: "gpu".into(), server_token: "s".into(), kernel_token: "k".into(), plan };
        let variables: std::collections::HashMap<_, _> =
            variables(&launch, "http://127.0.0.1:1/user/ada/gpu/", "http://hub:8000", Path::new("/srv")).into_iter().collect();
        assert_eq!(variables["WHERE"], "/srv/ada/gpu");
        assert_eq!((variables["JUPYTERHUB_USER"].as_str(), variables["MLFLOW_TRACKING_URI"].as_str()), ("ada", "http://m"));
        assert_eq!(variables["MEM_LIMIT"], "2097152");
        assert_eq!(variables["JUPYTERHUB_CLIENT_ID"], "jupyterhub-user-ada-gpu");
        assert_eq!(variables["JUPYTERHUB_OAUTH_CALLBACK_URL"], "/user/ada/gpu/oauth_callback");
        assert_eq!(variables["JUPYTERHUB_OAUTH_ACCESS_SCOPES"], r#"["access:servers!server=ada/gpu","access:servers!user=ada"]"#);
        assert_eq!(variables["JUPYTERHUB_API_URL"], "http://hub:8000/hub/api");
        assert_eq!(variables["MLFLOW_TRACKING_TOKEN"], "k");
    }
}
