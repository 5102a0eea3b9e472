//! The environment variables by which a notebook server knows its hub (jupyterhub/spawner.py `get_env`), and by which
//! code in its kernels reaches the rest of the suite.

use crate::names;
use artel_platform::python::NO_TELEMETRY;

/// One start of one server.
#[derive(Debug, Clone)]
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
}

/// Marks every process of a launch, wherever it has moved.
pub(crate) const MARK: &str = "ARTEL_LAUNCH";

/// The variables of `launch`, whose server shall listen at `url` (with its prefix) and reach the suite at `hub`.
pub(crate) fn variables(launch: &Launch, url: &str, hub: &str) -> Vec<(&'static str, String)> {
    let Launch { user, name, .. } = launch;
    let access = serde_json::json!([format!("access:servers!server={}", names::full(user, name)), format!("access:servers!user={user}")])
        .to_string();
    vec![
        (MARK, launch.id.clone()),
        ("USER", user.clone()),
        ("LOGNAME", user.clone()),
        ("SHELL", "/bin/bash".into()),
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
        ("MLFLOW_TRACKING_URI", hub.into()),
        ("MLFLOW_TRACKING_TOKEN", launch.kernel_token.clone()),
        (NO_TELEMETRY.0, NO_TELEMETRY.1.into()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_server_knows_its_places() {
        let launch = Launch { id: "l".into(), user: "ada".into(), name: "gpu".into(), server_token: "s".into(), kernel_token: "k".into() };
        let variables: std::collections::HashMap<_, _> =
            variables(&launch, "http://127.0.0.1:1/user/ada/gpu/", "http://hub:8000").into_iter().collect();
        assert_eq!(variables["JUPYTERHUB_CLIENT_ID"], "jupyterhub-user-ada-gpu");
        assert_eq!(variables["JUPYTERHUB_OAUTH_CALLBACK_URL"], "/user/ada/gpu/oauth_callback");
        assert_eq!(variables["JUPYTERHUB_OAUTH_ACCESS_SCOPES"], r#"["access:servers!server=ada/gpu","access:servers!user=ada"]"#);
        assert_eq!(variables["JUPYTERHUB_API_URL"], "http://hub:8000/hub/api");
        assert_eq!(variables["MLFLOW_TRACKING_TOKEN"], "k");
    }
}
