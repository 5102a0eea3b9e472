//! Compiles the protobuf packages and gives the messages of the JSON-facing packages their JSON form:
//! snake_case names, int64 as numbers (strings accepted), enums by name, absent fields absent.

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};
use std::fmt::Write;
use std::path::PathBuf;

/// Packages whose messages are also spoken as JSON on a REST API.
const JSON_PACKAGES: &[&str] = &["mlflow"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut files: Vec<PathBuf> = Vec::new();
    collect("proto".into(), &mut files)?;
    files.sort();
    println!("cargo:rerun-if-changed=proto");
    let set = protox::compile(&files, ["proto"])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut builder = tonic_prost_build::configure().bytes(".artel").type_attribute(".artel", "#[derive(serde::Serialize)]");
    let mut code = String::new();
    let mut spoken = std::collections::HashSet::new();
    for file in &set.file {
        if JSON_PACKAGES.contains(&file.package()) {
            let scope = Scope { proto: format!(".{}", file.package()), rust: format!("crate::{}", file.package().replace('.', "::")) };
            let package = format!(".{}", file.package());
            if spoken.insert(package.clone()) {
                builder = builder
                    .message_attribute(&package, "#[derive(serde::Serialize, serde::Deserialize, utoipa::ToSchema)]")
                    .message_attribute(&package, "#[serde(default)]");
            }
            for message in &file.message_type {
                builder = json_message(builder, &set, &scope, message, &mut code);
            }
            for item in &file.enum_type {
                enum_names(&scope, item.name(), &mut code);
            }
        }
    }
    std::fs::write(out.join("json_tables.rs"), code)?;
    std::fs::write(out.join("descriptors.bin"), prost::Message::encode_to_vec(&set))?;
    builder.include_file("packages.rs").compile_fds(set)?;
    Ok(())
}

fn collect(folder: PathBuf, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(path, files)?;
        } else if path.extension().is_some_and(|e| e == "proto") {
            files.push(path);
        }
    }
    Ok(())
}

struct Scope {
    proto: String,
    rust: String,
}

fn json_message(
    mut builder: tonic_prost_build::Builder,
    set: &FileDescriptorSet,
    scope: &Scope,
    message: &DescriptorProto,
    code: &mut String,
) -> tonic_prost_build::Builder {
    let path = format!("{}.{}", scope.proto, message.name());
    // an attribute also reaches the messages nested in its message: only the innermost get a name of their own
    if message.nested_type.is_empty() {
        builder = builder.message_attribute(&path, format!("#[schema(as = {})]", schema_name(&path)));
    }
    for field in &message.field {
        for attribute in field_attributes(set, field) {
            builder = builder.field_attribute(format!("{path}.{}", field.name()), attribute);
        }
    }
    field_table(set, scope, message, code);
    let inner = Scope { rust: format!("{}::{}", scope.rust, snake(message.name())), proto: path };
    for nested in message.nested_type.iter().filter(|n| !n.options.as_ref().is_some_and(|o| o.map_entry())) {
        builder = json_message(builder, set, &inner, nested, code);
    }
    for item in &message.enum_type {
        enum_names(&inner, item.name(), code);
    }
    builder
}

/// `.mlflow.CreateRun.Response` → `mlflow::CreateRunResponse`: unique over the suite's OpenAPI document.
fn schema_name(path: &str) -> String {
    let mut parts = path.trim_start_matches('.').split('.');
    let package = parts.next().unwrap_or_default();
    format!("{package}::{}", parts.collect::<String>())
}

/// The table of fields by which request bodies and query strings are checked (`json::Message`).
fn field_table(set: &FileDescriptorSet, scope: &Scope, message: &DescriptorProto, code: &mut String) {
    let _ = writeln!(
        code,
        "impl crate::json::Message for {}::{} {{\n    const FIELDS: &'static [crate::json::Field] = &[",
        scope.rust,
        message.name()
    );
    for field in &message.field {
        let kind = match field.r#type() {
            Type::Bool => "Bool".into(),
            Type::Int64 | Type::Uint64 | Type::Int32 | Type::Uint32 => "Integer".into(),
            Type::Double | Type::Float => "Real".into(),
            Type::Enum => "Enum".into(),
            Type::Message if is_map(set, field) => "Map".into(),
            Type::Message if well_known(field).is_some() => "Text".into(),
            Type::Message => format!("Message(|| <{} as crate::json::Message>::FIELDS)", rust_path(field.type_name())),
            _ => "Text".to_owned(),
        };
        let repeated = field.label() == Label::Repeated;
        let _ = writeln!(
            code,
            "        crate::json::Field {{ name: \"{}\", json_name: \"{}\", kind: crate::json::Kind::{kind}, repeated: {repeated} }},",
            field.name(),
            field.json_name()
        );
    }
    code.push_str("    ];\n}\n");
}

/// Is it a `map<…>`? Then its type is a nested message marked as map entry.
fn is_map(set: &FileDescriptorSet, field: &FieldDescriptorProto) -> bool {
    fn find<'a>(messages: &'a [DescriptorProto], mut path: std::str::Split<'_, char>) -> Option<&'a DescriptorProto> {
        let name = path.next()?;
        let found = messages.iter().find(|m| m.name() == name)?;
        if path.clone().next().is_none() { Some(found) } else { find(&found.nested_type, path) }
    }
    set.file.iter().any(|file| {
        let prefix = format!(".{}.", file.package());
        let Some(path) = field.type_name().strip_prefix(prefix.as_str()) else { return false };
        find(&file.message_type, path.split('.')).is_some_and(|m| m.options.as_ref().is_some_and(|o| o.map_entry()))
    })
}

fn field_attributes(set: &FileDescriptorSet, field: &FieldDescriptorProto) -> Vec<String> {
    let mut attributes = Vec::new();
    let camel = field.json_name();
    if camel != field.name() {
        attributes.push(format!("#[serde(alias = \"{camel}\")]"));
    }
    if field.label() == Label::Repeated {
        let check = if is_map(set, field) { "std::collections::HashMap::is_empty" } else { "Vec::is_empty" };
        attributes.push(format!("#[serde(skip_serializing_if = \"{check}\")]"));
        attributes.push("#[serde(deserialize_with = \"crate::json::or_default\")]".into());
        return attributes;
    }
    if field.label() != Label::Optional {
        return attributes;
    }
    attributes.push("#[serde(skip_serializing_if = \"Option::is_none\")]".into());
    match field.r#type() {
        Type::Int64 | Type::Uint64 | Type::Int32 => {
            attributes.push("#[serde(deserialize_with = \"crate::json::integer\")]".into());
        }
        Type::Double => {
            attributes.push("#[serde(with = \"crate::json::double\")]".into());
        }
        Type::Message => {
            if let Some((module, schema)) = well_known(field) {
                attributes.push(format!("#[serde(with = \"crate::json::{module}\")]"));
                // its default is told here: the derive would ask the foreign type for its own
                attributes.push(format!("#[schema(value_type = Option<{schema}>, default = json!(null))]"));
            }
        }
        Type::Enum => {
            let name = rust_path(field.type_name());
            attributes.push(format!("#[serde(serialize_with = \"crate::json::enum_name::<{name}, _>\")]"));
            attributes.push(format!("#[serde(deserialize_with = \"crate::json::enum_value::<{name}, _>\")]"));
            attributes.push("#[schema(value_type = Option<String>)]".into());
        }
        _ => {}
    }
    attributes
}

/// The module of `json` that writes and reads one of protobuf's own messages, and its type in the OpenAPI document.
fn well_known(field: &FieldDescriptorProto) -> Option<(&'static str, &'static str)> {
    match field.type_name().strip_prefix(".google.protobuf.")? {
        "Timestamp" => Some(("timestamp", "String")),
        "Duration" => Some(("duration", "String")),
        "FieldMask" => Some(("field_mask", "String")),
        "Value" => Some(("value", "serde_json::Value")),
        other => panic!("google.protobuf.{other} has no JSON form yet"),
    }
}

/// `.mlflow.RunStatus` → `crate::mlflow::RunStatus`, nested messages as modules.
fn rust_path(proto: &str) -> String {
    let parts: Vec<&str> = proto.trim_start_matches('.').split('.').collect();
    let (last, modules) = parts.split_last().expect("a type has a name");
    let mut path = String::from("crate");
    for module in modules {
        let _ = write!(path, "::{}", snake(module));
    }
    format!("{path}::{last}")
}

fn enum_names(scope: &Scope, name: &str, out: &mut String) {
    let _ = writeln!(
        out,
        "impl crate::json::EnumName for {0}::{name} {{\n    fn name(self) -> &'static str {{ self.as_str_name() }}\n    fn parse(text: &str) -> Option<Self> {{ Self::from_str_name(text) }}\n}}",
        scope.rust
    );
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for (i, c) in name.char_indices() {
        if c.is_uppercase() && i > 0 {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}
