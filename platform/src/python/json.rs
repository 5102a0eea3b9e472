//! JSON as Python's `json.dumps` lays it out, a space after each comma and colon: what is stored is searched as text,
//! and people write their patterns after what they see in upstream's programs.

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use std::io::{Result, Write};

struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> Result<()> {
        writer.write_all(b": ")
    }
}

/// The JSON text of a value.
pub fn dumps<T: Serialize + ?Sized>(value: &T) -> String {
    let mut out = Vec::new();
    // writing to memory does not fail, and nothing here has keys that are no texts
    let written = value.serialize(&mut Serializer::with_formatter(&mut out, Spaced));
    debug_assert!(written.is_ok());
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::dumps;
    use serde_json::json;

    #[test]
    fn it_is_laid_out_as_python_does() {
        assert_eq!(dumps(&json!({"a": [1, 2.0, "é\n"], "b": {}, "c": []})), "{\"a\": [1, 2.0, \"é\\n\"], \"b\": {}, \"c\": []}");
    }
}
