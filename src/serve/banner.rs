//! What a newcomer needs to know, printed once the process is ready.

use artel_platform::Context;
use std::io::Write;
use std::time::Duration;

/// Prints it to standard output.
pub fn print(cx: &Context, services: &[&str], gateway: bool, took: Duration) {
    let text = if gateway { whole(cx, services, took) } else { one_line(cx, services, took) };
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

fn one_line(cx: &Context, services: &[&str], took: Duration) -> String {
    format!(
        "artel {} ready in {:.2} s: {} on {}\n",
        env!("CARGO_PKG_VERSION"),
        took.as_secs_f64(),
        services.join(", "),
        cx.config.server.listen
    )
}

fn whole(cx: &Context, services: &[&str], took: Duration) -> String {
    let url = &cx.config.server.public_url;
    let data = cx.config.data.display();
    let login = match cx.config.security.auth.as_str() {
        "none" => "everybody on this machine is the administrator (--auth none)".to_owned(),
        _ => match std::fs::read_to_string(cx.config.data.join("admin-password")) {
            Ok(password) => format!("admin / {}", password.trim()),
            Err(_) => "your user name and password (artel user password NAME sets a new one)".to_owned(),
        },
    };
    let has = |name: &str| services.contains(&name);
    let mut lines = vec![
        format!("Artel {} is ready after {:.2} s", env!("CARGO_PKG_VERSION"), took.as_secs_f64()),
        String::new(),
        format!("  Web app     {url}"),
        format!("  Log in      {login}"),
    ];
    if has("tracking") {
        lines.push(format!("  MLflow      export MLFLOW_TRACKING_URI={url} MLFLOW_TRACKING_TOKEN=…   (artel token create --user admin)"));
    }
    if has("scheduler") {
        lines.push(format!("  Airflow     put DAG files into {}", dags(cx)));
    }
    if has("hub") {
        lines.push(format!("  Notebooks   {url}/p/default/notebooks"));
    }
    if has("serving") {
        lines.push(format!(
            "  Serving     curl {url}/serving-endpoints/NAME/invocations -H 'Authorization: Bearer …' -d '{{\"inputs\": …}}'"
        ));
    }
    lines.push(format!("  API         {url}/docs"));
    lines.push(format!("  Data        {data}"));
    lines.push("  Stop        Ctrl-C".into());
    lines.push(String::new());
    lines.push(String::new());
    lines.join("\n")
}

fn dags(cx: &Context) -> String {
    let set = cx.config.scheduler.get("dags").and_then(|v| v.as_str()).unwrap_or_default();
    if set.is_empty() { cx.config.data.join("dags").display().to_string() } else { set.into() }
}
