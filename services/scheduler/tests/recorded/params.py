"""Records which values fit which schemas of parameters for upstream's validator, for the native one to be compared with.

    ENV/bin/python params.py > params.json      (an environment of python/requirements/airflow.txt, and rfc3339-validator,
                                                 which comes with Airflow as it is usually installed)

Each schema has a text of 1 and 0, a character for each value in turn.
"""

import json

from jsonschema import FormatChecker, ValidationError, validate

VALUES = [
    None, True, False, 0, 1, 3, -7, 2.5, 3.0, 1e20, "", "a", "ab", "x y", "Ünïcode", "12", "2026-02-28", "2026-02-30", "2026-2-3",
    "12:30:59", "12:30", "25:00:00", "2026-02-28T10:00:00Z", "2026-02-28T10:00:00+01:00", "2026-02-28 10:00:00", "a@b", "a@b.org",
    "not an address", "127.0.0.1", "300.1.1.1", "::1", "P1D", "P1X", "2f3c6cbc-1b0a-4e4e-8d67-7c7f6b7b1e33", "2f3c6cbc", "[a-z]+",
    "[a-z", "http://x.org/y?z", "not a uri", [], [1], [1, 1], [1, 1.0], [1, True], [1, "x"], ["a", "b"], [[1], [1]], [1, 2, 3, 4],
    {}, {"a": 1}, {"a": "x"}, {"a": 1, "b": 2}, {"b": None}, {"a": {"c": [1, 2]}}, {"x-1": 5}, {"long name": 1},
]  # fmt: skip

SCHEMAS = [
    True, False, {}, {"type": "null"}, {"type": "boolean"}, {"type": "integer"}, {"type": "number"}, {"type": "string"},
    {"type": "array"}, {"type": "object"}, {"type": ["null", "string"]}, {"type": ["integer", "array"]}, {"enum": ["a", 1, None]},
    {"const": 1}, {"const": {"a": 1}}, {"minimum": 1}, {"maximum": 3}, {"exclusiveMinimum": 1}, {"exclusiveMaximum": 3},
    {"multipleOf": 3}, {"multipleOf": 0.5}, {"minLength": 2}, {"maxLength": 2}, {"pattern": "^a"}, {"pattern": "b$"},
    {"pattern": "(?=a)a(?!x)"}, {"pattern": "^[\\w ]+$"}, {"format": "date"}, {"format": "time"}, {"format": "date-time"},
    {"format": "email"}, {"format": "idn-email"}, {"format": "ipv4"}, {"format": "ipv6"}, {"format": "duration"},
    {"format": "uuid"}, {"format": "regex"}, {"format": "uri"}, {"format": "hostname"}, {"format": "json-pointer"},
    {"format": "multiline"}, {"type": "string", "format": "date"}, {"type": ["string", "null"], "format": "date-time"},
    {"items": {"type": "number"}}, {"prefixItems": [{"type": "integer"}, {"type": "string"}]},
    {"prefixItems": [{"type": "integer"}], "items": False}, {"minItems": 2}, {"maxItems": 2}, {"uniqueItems": True},
    {"contains": {"const": 2}}, {"contains": {"type": "integer"}, "minContains": 2, "maxContains": 3},
    {"properties": {"a": {"type": "integer"}}}, {"required": ["a"]}, {"additionalProperties": False},
    {"properties": {"a": True}, "additionalProperties": False}, {"additionalProperties": {"type": "integer"}},
    {"patternProperties": {"^x-": {"maximum": 4}}}, {"propertyNames": {"maxLength": 3}}, {"minProperties": 1},
    {"maxProperties": 1}, {"dependentRequired": {"a": ["b"]}}, {"dependentSchemas": {"a": {"required": ["b"]}}},
    {"properties": {"a": True}, "unevaluatedProperties": False}, {"allOf": [{"minimum": 1}, {"type": "number"}]},
    {"anyOf": [{"type": "string"}, {"minimum": 2}]}, {"oneOf": [{"type": "integer"}, {"minimum": 2}]}, {"not": {"type": "string"}},
    {"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"type": "number"}},
    {"$defs": {"n": {"type": "number"}}, "anyOf": [{"$ref": "#/$defs/n"}, {"type": "array", "items": {"$ref": "#/$defs/n"}}]},
    {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "integer"}, {"type": "string"}], "additionalItems": False},
    {"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 1, "exclusiveMinimum": True},
    {"title": "shown", "examples": ["a"], "values_display": {"a": "A"}, "custom_html_form": "<b>"},
]  # fmt: skip


def fits(value, schema):
    try:
        validate(value, schema, format_checker=FormatChecker())
    except ValidationError:
        return "0"
    return "1"


if __name__ == "__main__":
    lines = [json.dumps({"schema": schema, "fits": "".join(fits(v, schema) for v in VALUES)}, ensure_ascii=False) for schema in SCHEMAS]
    print(f'{{"values": {json.dumps(VALUES, ensure_ascii=False)},\n "schemas": [\n  ' + ",\n  ".join(lines) + "\n ]}")
