//! Spans of instruments that do not know MLflow: what their attributes mean in MLflow's own words
//! (mlflow/tracing/otel/translation). A table of conventions, the first that has an answer gives it.

use super::content::Content;
use super::usage;
use artel_platform::python;
use serde_json::{Value, json};

pub(crate) const INPUTS: &str = "mlflow.spanInputs";
pub(crate) const OUTPUTS: &str = "mlflow.spanOutputs";
pub(crate) const SPAN_TYPE: &str = "mlflow.spanType";
pub(crate) const CHAT_USAGE: &str = "mlflow.chat.tokenUsage";
pub(crate) const LLM_COST: &str = "mlflow.llm.cost";
const CHAT_TOOLS: &str = "mlflow.chat.tools";
const MODEL: &str = "mlflow.llm.model";
const PROVIDER: &str = "mlflow.llm.provider";
const MESSAGE_FORMAT: &str = "mlflow.message.format";

/// The names that one convention has for things; an empty one for what it has none for.
struct Convention {
    kind: &'static str,
    kinds: &'static [(&'static str, &'static str)],
    /// Input, output and total tokens, those read from a cache, those written to it.
    tokens: [&'static str; 5],
    inputs: &'static [&'static str],
    outputs: &'static [&'static str],
    models: &'static [&'static str],
    provider: &'static str,
    tools: &'static [&'static str],
}

const NONE: Convention =
    Convention { kind: "", kinds: &[], tokens: [""; 5], inputs: &[], outputs: &[], models: &[], provider: "", tools: &[] };

const CONVENTIONS: &[Convention] = &[
    // OpenInference
    Convention {
        kind: "openinference.span.kind",
        kinds: &[
            ("TOOL", "TOOL"),
            ("CHAIN", "CHAIN"),
            ("LLM", "LLM"),
            ("RETRIEVER", "RETRIEVER"),
            ("EMBEDDING", "EMBEDDING"),
            ("AGENT", "AGENT"),
            ("RERANKER", "RERANKER"),
            ("UNKNOWN", "UNKNOWN"),
            ("GUARDRAIL", "GUARDRAIL"),
            ("EVALUATOR", "EVALUATOR"),
        ],
        tokens: [
            "llm.token_count.prompt",
            "llm.token_count.completion",
            "llm.token_count.total",
            "llm.token_count.prompt_details.cache_read",
            "llm.token_count.prompt_details.cache_write",
        ],
        inputs: &["input.value"],
        outputs: &["output.value"],
        models: &["llm.response.model_name", "llm.model_name", "llm.request.model_name", "embedding.model_name"],
        provider: "llm.provider",
        tools: &[],
    },
    // OpenTelemetry's conventions for generative AI
    Convention {
        kind: "gen_ai.operation.name",
        kinds: &[
            ("chat", "CHAT_MODEL"),
            ("create_agent", "AGENT"),
            ("embeddings", "EMBEDDING"),
            ("execute_tool", "TOOL"),
            ("generate_content", "LLM"),
            ("invoke_agent", "AGENT"),
            ("text_completion", "LLM"),
            ("response", "LLM"),
        ],
        tokens: [
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.output_tokens",
            "",
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_write.input_tokens",
        ],
        inputs: &["gen_ai.input.messages", "gen_ai.tool.call.arguments"],
        outputs: &["gen_ai.output.messages", "gen_ai.tool.call.result"],
        models: &["gen_ai.response.model", "gen_ai.request.model"],
        provider: "gen_ai.provider.name",
        tools: &["gen_ai.tool.definitions"],
    },
    // Traceloop (OpenLLMetry)
    Convention {
        kind: "traceloop.span.kind",
        kinds: &[("workflow", "WORKFLOW"), ("task", "TASK"), ("agent", "AGENT"), ("tool", "TOOL"), ("unknown", "UNKNOWN")],
        tokens: ["gen_ai.usage.prompt_tokens", "gen_ai.usage.completion_tokens", "llm.usage.total_tokens", "", ""],
        inputs: &["traceloop.entity.input", "gen_ai.prompt.0.content"],
        outputs: &["traceloop.entity.output", "gen_ai.completion.0.content"],
        provider: "gen_ai.system",
        ..NONE
    },
    // Google's Agent Development Kit
    Convention {
        inputs: &["gcp.vertex.agent.llm_request", "gcp.vertex.agent.tool_call_args"],
        outputs: &["gcp.vertex.agent.llm_response", "gcp.vertex.agent.tool_response"],
        ..NONE
    },
    // Vercel's AI SDK
    Convention {
        kind: "ai.operationId",
        kinds: &[
            ("ai.generateText", "LLM"),
            ("ai.generateText.doGenerate", "LLM"),
            ("ai.toolCall", "TOOL"),
            ("ai.streamText", "LLM"),
            ("ai.streamText.doStream", "LLM"),
            ("ai.generateObject", "LLM"),
            ("ai.generateObject.doGenerate", "LLM"),
            ("ai.streamObject", "LLM"),
            ("ai.streamObject.doStream", "LLM"),
            ("ai.embed", "EMBEDDING"),
            ("ai.embed.doEmbed", "EMBEDDING"),
            ("ai.embedMany", "EMBEDDING"),
        ],
        inputs: &["ai.prompt", "ai.toolCall.args", "ai.value", "ai.values"],
        outputs: &["ai.response.text", "ai.toolCall.result", "ai.response.object", "ai.embedding", "ai.embeddings"],
        ..NONE
    },
    // Laminar
    Convention {
        kind: "lmnr.span.type",
        kinds: &[
            ("LLM", "LLM"),
            ("TOOL", "TOOL"),
            ("DEFAULT", "CHAIN"),
            ("PIPELINE", "CHAIN"),
            ("EXECUTOR", "AGENT"),
            ("EVALUATOR", "EVALUATOR"),
            ("HUMAN_EVALUATOR", "EVALUATOR"),
            ("EVALUATION", "EVALUATOR"),
            ("CACHED", "LLM"),
        ],
        inputs: &["lmnr.span.input"],
        outputs: &["lmnr.span.output"],
        provider: "gen_ai.system",
        ..NONE
    },
    // Langfuse
    Convention {
        kind: "langfuse.observation.type",
        kinds: &[
            ("generation", "LLM"),
            ("embedding", "EMBEDDING"),
            ("tool", "TOOL"),
            ("retriever", "RETRIEVER"),
            ("agent", "AGENT"),
            ("chain", "CHAIN"),
            ("evaluator", "EVALUATOR"),
            ("guardrail", "GUARDRAIL"),
            ("span", "UNKNOWN"),
        ],
        inputs: &["langfuse.observation.input"],
        outputs: &["langfuse.observation.output"],
        ..NONE
    },
];

/// Adds MLflow's attributes that the span lacks and others imply.
pub(crate) fn translate(span: &mut Content) {
    if let Some(kind) = CONVENTIONS.iter().find_map(|c| c.span_type(span))
        && span.text(SPAN_TYPE).is_none_or(|known| known == "UNKNOWN")
    {
        add(span, SPAN_TYPE, python::dumps(kind));
    }
    let messages = |span: &Content, wanted: &[&str]| said(span, wanted);
    if !span.attributes.contains_key(INPUTS)
        && let Some(value) = first(span, |c| c.inputs)
            .or_else(|| messages(span, &["gen_ai.system.message", "gen_ai.user.message", "gen_ai.assistant.message"]))
    {
        add(span, INPUTS, value);
    }
    if !span.attributes.contains_key(OUTPUTS)
        && let Some(value) = first(span, |c| c.outputs).or_else(|| messages(span, &["gen_ai.choice"]))
    {
        add(span, OUTPUTS, value);
    }
    if !span.attributes.contains_key(CHAT_USAGE)
        && let Some(tokens) = CONVENTIONS.iter().find_map(|c| c.usage(span))
    {
        add(span, CHAT_USAGE, tokens);
    }
    if !span.attributes.contains_key(MESSAGE_FORMAT) && span.attributes.contains_key("lmnr.span.type") {
        add(span, MESSAGE_FORMAT, "\"openai\"".into());
    }
    if !span.attributes.contains_key(CHAT_TOOLS)
        && let Some(value) = first(span, |c| c.tools)
    {
        add(span, CHAT_TOOLS, value);
    }
    if !span.attributes.contains_key(MODEL)
        && let Some(name) =
            first(span, |c| c.models).map(|text| unquote(&text)).or_else(|| model_in(span, INPUTS)).or_else(|| model_in(span, OUTPUTS))
    {
        add(span, MODEL, python::dumps(&name));
    }
    if !span.attributes.contains_key(PROVIDER)
        && let Some(name) = CONVENTIONS.iter().find_map(|c| present(span, c.provider))
    {
        add(span, PROVIDER, python::dumps(&unquote(&name)));
    }
}

fn add(span: &mut Content, key: &str, value: String) {
    span.attributes.insert(key.into(), value);
}

/// An attribute that is there and not empty, as it is stored.
fn present(span: &Content, key: &str) -> Option<String> {
    let text = span.attributes.get(key)?;
    let empty = match serde_json::from_str::<Value>(text) {
        Ok(Value::Null | Value::Bool(false)) => true,
        Ok(Value::String(inner)) => inner.is_empty(),
        Ok(Value::Array(items)) => items.is_empty(),
        Ok(Value::Object(map)) => map.is_empty(),
        Ok(Value::Number(number)) => number.as_f64() == Some(0.0),
        Ok(Value::Bool(true)) | Err(_) => false,
    };
    (!empty).then(|| text.clone())
}

fn first(span: &Content, keys: impl Fn(&Convention) -> &'static [&'static str]) -> Option<String> {
    CONVENTIONS.iter().flat_map(|c| keys(c).iter()).find_map(|key| present(span, key))
}

fn unquote(text: &str) -> String {
    serde_json::from_str(text).unwrap_or_else(|_| text.to_owned())
}

fn model_in(span: &Content, key: &str) -> Option<String> {
    span.value(key)?.get("model")?.as_str().filter(|name| !name.is_empty()).map(Into::into)
}

/// A conversation that is told in events.
fn said(span: &Content, wanted: &[&str]) -> Option<String> {
    let unpack = |value: &Value| value.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| value.clone());
    let message = |event: &super::content::Event| {
        let content = event.attributes.get("content").filter(|c| !c.is_null() && *c != "")?;
        let role = match event.name.as_str() {
            "gen_ai.choice" => event.attributes.get("role").map_or(json!("assistant"), unpack),
            name => name.trim_start_matches("gen_ai.").trim_end_matches(".message").into(),
        };
        Some(json!({"role": role, "content": unpack(content)}))
    };
    let messages: Vec<Value> = span.events.iter().filter(|e| wanted.contains(&e.name.as_str())).filter_map(message).collect();
    (!messages.is_empty()).then(|| python::dumps(&messages))
}

impl Convention {
    fn span_type(&self, span: &Content) -> Option<&'static str> {
        let kind = span.text(self.kind).filter(|k| !k.is_empty())?;
        self.kinds.iter().find(|row| row.0 == kind).map(|row| row.1)
    }

    fn usage(&self, span: &Content) -> Option<String> {
        let count = |key: &str| usage::count(&span.value(key)?);
        let [input, output, total, read, written] = self.tokens.map(count);
        let written = written.or_else(|| count("gen_ai.usage.cache_creation.input_tokens").filter(|_| self.kind.starts_with("gen_ai.")));
        let total = total.or_else(|| Some(input? + output?));
        if input.is_none() && output.is_none() && total.is_none() {
            return None;
        }
        usage::show_tokens(&[input, output, total, read, written, None])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use indexmap::IndexMap;

    fn span(attributes: &[(&str, &str)], events: Value) -> Content {
        let attributes: IndexMap<&str, &str> = attributes.iter().copied().collect();
        let span = json!({"trace_id": "", "span_id": "", "parent_span_id": null, "name": "", "start_time_unix_nano": 0, "end_time_unix_nano": 0,
            "status": {"code": "STATUS_CODE_OK", "message": ""}, "attributes": attributes, "events": events});
        let mut span = serde_json::from_value(span).unwrap();
        translate(&mut span);
        span
    }

    #[test]
    fn the_conventions_for_generative_ai_are_understood() {
        let span = span(
            &[
                ("gen_ai.operation.name", "\"chat\""),
                ("gen_ai.usage.input_tokens", "7"),
                ("gen_ai.usage.output_tokens", "\"3\""),
                ("gen_ai.request.model", "\"m\""),
                ("gen_ai.input.messages", "[{\"role\": \"user\"}]"),
                (SPAN_TYPE, "\"UNKNOWN\""),
            ],
            json!([{"name": "gen_ai.choice", "time_unix_nano": 1, "attributes": {"content": "yes"}}]),
        );
        assert_eq!(span.attributes[SPAN_TYPE], "\"CHAT_MODEL\"");
        assert_eq!(span.attributes[CHAT_USAGE], r#"{"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}"#);
        assert_eq!(span.attributes[MODEL], "\"m\"");
        assert_eq!(span.attributes[INPUTS], "[{\"role\": \"user\"}]");
        assert!(span.attributes[OUTPUTS].contains("\"role\": \"assistant\""));
    }

    #[test]
    fn what_mlflow_said_itself_stays() {
        let span = span(
            &[
                (SPAN_TYPE, "\"TOOL\""),
                (INPUTS, "1"),
                ("input.value", "\"x\""),
                ("openinference.span.kind", "\"LLM\""),
                ("output.value", "{}"),
            ],
            json!([]),
        );
        assert_eq!((span.attributes[SPAN_TYPE].as_str(), span.attributes[INPUTS].as_str()), ("\"TOOL\"", "1"));
        assert!(!span.attributes.contains_key(OUTPUTS) && !span.attributes.contains_key(CHAT_USAGE));
    }
}
