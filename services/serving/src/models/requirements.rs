//! What a model's environment contains: its own requirements.txt, made into one text per meaning so that models with
//! the same requirements share an environment.

use artel_platform::python::Requirements;
use artel_platform::{Result, ResultExt};
use std::path::Path;

/// The requirements of the model in `folder`; the set `model` when it brings none.
pub fn requirements(folder: &Path) -> Result<Requirements> {
    let path = folder.join("requirements.txt");
    if !path.is_file() {
        return Ok(Requirements::Set("model"));
    }
    let text = std::fs::read_to_string(&path).or_internal(&format!("cannot read {}", path.display()))?;
    Ok(Requirements::Text(normalise(&text, folder, logged_with(folder).as_deref())))
}

/// Options first, then packages in order; no comments; paths of the model's folder made whole; and mlflow, which
/// every worker needs, in the version that wrote the model where the list does not name it.
fn normalise(text: &str, folder: &Path, mlflow: Option<&str>) -> String {
    let lines = text
        .lines()
        .map(|line| line.split(" #").next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let (mut options, mut packages): (Vec<String>, Vec<String>) =
        lines.map(|line| with_whole_path(line, folder)).partition(|line| line.starts_with('-'));
    options.dedup();
    if !packages.iter().any(|line| package(line) == "mlflow") {
        packages.push(mlflow.map_or_else(|| "mlflow".into(), |version| format!("mlflow=={version}")));
    }
    packages.sort();
    packages.dedup();
    options.extend(packages);
    options.join("\n") + "\n"
}

/// `-c constraints.txt` and `code/thing.whl` mean files of the model.
fn with_whole_path(line: &str, folder: &Path) -> String {
    let (option, value) = match line.split_once([' ', '=']) {
        Some((option @ ("-c" | "-r" | "--constraint" | "--requirement" | "--find-links" | "-f" | "-e" | "--editable"), value)) => {
            (option, value.trim())
        }
        _ => ("", line),
    };
    let file = folder.join(value);
    if value.is_empty() || !file.exists() {
        return line.to_owned();
    }
    format!("{option} {}", file.display()).trim().to_owned()
}

/// The distribution's name, without extras and version.
fn package(line: &str) -> &str {
    line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.')).next().unwrap_or_default()
}

/// `mlflow_version` of the MLmodel file (YAML; the key is at its top level).
fn logged_with(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join("MLmodel")).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("mlflow_version:"))?;
    Some(value.trim().trim_matches(['\'', '"']).to_owned()).filter(|version| !version.is_empty() && !version.contains("dev"))
}

#[cfg(test)]
mod tests {
    use super::normalise;
    use std::path::Path;

    #[test]
    fn order_comments_and_spaces_make_no_difference() {
        let one =
            normalise("mlflow==3.17.2\n# trained by hand\nscikit-learn==1.9.1  # pinned\n\nnumpy==2.4.6\n", Path::new("/nowhere"), None);
        let two = normalise("numpy==2.4.6\r\nscikit-learn==1.9.1\r\nmlflow==3.17.2", Path::new("/nowhere"), Some("3.0.0"));
        assert_eq!(one, "mlflow==3.17.2\nnumpy==2.4.6\nscikit-learn==1.9.1\n");
        assert_eq!(one, two);
    }

    #[test]
    fn the_worker_gets_the_mlflow_that_wrote_the_model() {
        assert_eq!(normalise("mlflow-skinny==3.17.2\n", Path::new("/nowhere"), Some("3.17.2")), "mlflow-skinny==3.17.2\nmlflow==3.17.2\n");
        assert_eq!(normalise("mlflow[extras]>=2\n", Path::new("/nowhere"), Some("3.17.2")), "mlflow[extras]>=2\n");
    }

    #[test]
    fn files_of_the_model_are_named_whole() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("constraints.txt"), "").expect("written");
        let text = normalise("-c constraints.txt\nmlflow\n--extra-index-url https://example.org\n", folder.path(), None);
        let expected = format!("-c {}/constraints.txt\n--extra-index-url https://example.org\nmlflow\n", folder.path().display());
        assert_eq!(text, expected);
    }
}
