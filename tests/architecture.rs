//! The rules of the architecture, checked against the tree itself: who may import whom, how large a file may grow,
//! that every route names its scope and belongs to the service that the gateway sends its path to.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// `store` reads and writes, `search` turns a filter into a query, `tests` look behind the curtain.
const SQL_FOLDERS: &[&str] = &["store", "search", "tests"];
const SERVICES: &[&str] = &["artifact", "hub", "registry", "scheduler", "serving", "tracking"];
const MAX_LINES: usize = 600;
const SOURCE: &[&str] = &["rs", "py", "ts", "tsx", "css", "proto", "mjs"];
/// Made by tools.
const GENERATED: &[&str] = &["schema.d.ts"];
const SKIPPED_FOLDERS: &[&str] = &["node_modules", "dist", "target", ".git", "__pycache__", ".venv", "artel-data", "data"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !SKIPPED_FOLDERS.contains(&name.as_str()) {
                files(&path, found);
            }
        } else if SOURCE.iter().any(|s| name.ends_with(&format!(".{s}"))) && !GENERATED.contains(&name.as_str()) {
            found.push(path);
        }
    }
}

/// Names of the suite's crates that a manifest depends on, development excepted.
fn dependencies(manifest: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(manifest)).unwrap();
    let table: toml::Table = text.parse().unwrap();
    let Some(dependencies) = table.get("dependencies").and_then(|d| d.as_table()) else { return vec![] };
    dependencies.keys().filter_map(|k| k.strip_prefix("artel-")).map(Into::into).collect()
}

#[test]
fn every_script_of_tables_is_run() {
    for service in SERVICES {
        let source = fs::read_to_string(root().join(format!("services/{service}/src/lib.rs"))).unwrap();
        for script in fs::read_dir(root().join(format!("services/{service}/migrations"))).unwrap().map(Result::unwrap) {
            let name = script.file_name().to_string_lossy().replace(".sql", "");
            assert!(source.contains(&format!("\"{name}\"")), "services/{service}/src/lib.rs does not list {name} among its migrations");
        }
    }
}

#[test]
fn imports_go_one_way() {
    let allowed: BTreeMap<String, Vec<&str>> = [
        ("proto/Cargo.toml".to_owned(), vec!["features"]),
        ("platform/Cargo.toml".to_owned(), vec!["proto"]),
        ("gateway/Cargo.toml".to_owned(), vec!["platform", "proto", "ui"]),
        ("gateway/ui/embed/Cargo.toml".to_owned(), vec![]),
        ("infra/features/Cargo.toml".to_owned(), vec![]),
    ]
    .into_iter()
    .chain(SERVICES.iter().map(|s| (format!("services/{s}/Cargo.toml"), vec!["platform", "proto"])))
    .collect();
    for (manifest, allowed) in allowed {
        for dependency in dependencies(&manifest) {
            assert!(allowed.contains(&dependency.as_str()), "{manifest} may not depend on artel-{dependency}");
        }
    }
}

#[test]
fn versions_are_declared_once() {
    let mut manifests = vec!["proto/Cargo.toml".into(), "platform/Cargo.toml".into(), "gateway/Cargo.toml".into(), "Cargo.toml".to_owned()];
    manifests.extend(SERVICES.iter().map(|s| format!("services/{s}/Cargo.toml")));
    for manifest in manifests {
        let table: toml::Table = fs::read_to_string(root().join(&manifest)).unwrap().parse().unwrap();
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, value) in table.get(section).and_then(|d| d.as_table()).into_iter().flatten() {
                let has_version = value.is_str() || value.get("version").is_some();
                assert!(!has_version, "{manifest}: the version of {name} belongs in [workspace.dependencies]");
            }
        }
    }
}

#[test]
fn no_file_outgrows_a_reader() {
    let mut all = Vec::new();
    files(&root(), &mut all);
    assert!(all.len() > 100, "the tree was not found");
    let long: Vec<String> = all
        .iter()
        .filter_map(|path| {
            let lines = fs::read_to_string(path).ok()?.lines().count();
            (lines > MAX_LINES).then(|| format!("{} has {lines} lines", path.strip_prefix(root()).unwrap().display()))
        })
        .collect();
    assert!(long.is_empty(), "split these by what they are about (at most {MAX_LINES} lines):\n{}", long.join("\n"));
}

#[test]
fn sql_stays_in_the_stores() {
    let mut all = Vec::new();
    for service in SERVICES {
        files(&root().join("services").join(service).join("src"), &mut all);
    }
    let statement = ["\"SELECT ", "\"INSERT INTO ", "\"UPDATE ", "\"DELETE FROM "];
    let strays: Vec<String> = all
        .iter()
        .filter(|path| !path.components().any(|c| SQL_FOLDERS.iter().any(|f| c.as_os_str() == *f)))
        .filter(|path| fs::read_to_string(path).is_ok_and(|text| statement.iter().any(|s| text.contains(s))))
        .map(|path| path.strip_prefix(root()).unwrap().display().to_string())
        .collect();
    assert!(strays.is_empty(), "SQL belongs in store/:\n{}", strays.join("\n"));
}

#[test]
fn every_route_names_its_scope_once() {
    let mut seen = BTreeMap::new();
    let services: [(&str, artel_platform::http::Routes); 7] = [
        ("gateway", artel_gateway::routes()),
        ("artifact", artel_artifact::routes()),
        ("hub", artel_hub::routes()),
        ("registry", artel_registry::routes()),
        ("scheduler", artel_scheduler::routes()),
        ("serving", artel_serving::routes()),
        ("tracking", artel_tracking::routes()),
    ];
    for (service, routes) in services {
        for route in routes.list() {
            assert!(!route.scope.is_empty(), "{} {} of {service} names no scope", route.method, route.path);
            let first = seen.insert((route.method.to_string(), route.path.clone()), service);
            assert!(first.is_none(), "{} {} is served by {service} and by {}", route.method, route.path, first.unwrap());
            if service != "gateway" {
                let sample = route.path.replace(['{', '}'], "");
                assert_eq!(artel_gateway::owner(&sample), Some(service), "the gateway sends {} elsewhere", route.path);
            }
        }
    }
    assert!(seen.len() > 60, "the routes were not found");
}

#[test]
fn the_web_apps_client_is_generated_from_this_server() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_artel")).arg("openapi").output().unwrap();
    let served: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let committed = fs::read(root().join("gateway/ui/openapi.json")).unwrap();
    let committed: serde_json::Value = serde_json::from_slice(&committed).unwrap();
    assert_eq!(served["openapi"], "3.1.0");
    assert!(served == committed, "run `artel openapi > gateway/ui/openapi.json`, then `npm run api` in gateway/ui");
}
