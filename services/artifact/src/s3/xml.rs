//! XML answers and requests.

use super::failure;
use actix_web::HttpResponse;
use artel_platform::Result;
use quick_xml::events::Event;
use std::fmt::Display;

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// An answer being written.
pub(super) struct Answer {
    text: String,
    root: &'static str,
}

impl Answer {
    pub(super) fn new(root: &'static str) -> Self {
        Self { text: format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"{NAMESPACE}\">"), root }
    }

    /// `<name>value</name>`.
    pub(super) fn leaf(&mut self, name: &str, value: impl Display) -> &mut Self {
        self.text.push_str(&format!("<{name}>"));
        escape(&value.to_string(), &mut self.text);
        self.text.push_str(&format!("</{name}>"));
        self
    }

    /// The same, where there is a value.
    pub(super) fn maybe(&mut self, name: &str, value: Option<impl Display>) -> &mut Self {
        if let Some(value) = value {
            self.leaf(name, value);
        }
        self
    }

    /// `<name>…</name>` around what `inner` writes.
    pub(super) fn within(&mut self, name: &str, inner: impl FnOnce(&mut Self)) -> &mut Self {
        self.text.push_str(&format!("<{name}>"));
        inner(self);
        self.text.push_str(&format!("</{name}>"));
        self
    }

    pub(super) fn finish(mut self) -> HttpResponse {
        self.text.push_str(&format!("</{}>", self.root));
        HttpResponse::Ok().content_type("application/xml").body(self.text)
    }
}

/// XML 1.0 has no way to write most control characters: clients that may meet them ask for `encoding-type=url`.
fn escape(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push_str("&#xFFFD;"),
            c => out.push(c),
        }
    }
}

/// An element of a request: its name without a prefix, its text, what is in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    /// The root of a document.
    pub(super) fn parse(body: &[u8]) -> Result<Self> {
        let body = std::str::from_utf8(body).map_err(failure::malformed_xml)?;
        let mut reader = quick_xml::Reader::from_str(body);
        reader.config_mut().expand_empty_elements = true;
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().map_err(failure::malformed_xml)? {
                Event::Start(tag) => {
                    let name = tag.local_name().as_ref().to_owned();
                    open.push(Self { name, ..Self::default() });
                }
                Event::End(_) => {
                    let (Some(done), Some(parent)) = (open.pop(), open.last_mut()) else { return Err(failure::malformed_xml("odd tags")) };
                    parent.children.push(done);
                }
                Event::Text(text) => push(&mut open, &text.xml10_content()),
                Event::CData(text) => push(&mut open, &text.xml10_content()),
                Event::GeneralRef(name) => {
                    let reference = format!("&{};", &*name);
                    let text = quick_xml::escape::unescape(&reference).map_err(failure::malformed_xml)?.into_owned();
                    push(&mut open, &text);
                }
                Event::DocType(_) => return Err(failure::malformed_xml("a document type")),
                Event::Eof => break,
                _ => {}
            }
        }
        let document = open.pop().filter(|_| open.is_empty()).and_then(|mut d| d.children.pop());
        document.ok_or_else(|| failure::malformed_xml("it has no root, or does not end"))
    }

    /// The text of the child with this name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.children.iter().find(|c| c.name == name).map(|c| c.text.as_str())
    }

    /// The same, without white space around it and not empty.
    pub(super) fn word(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|text| !text.is_empty())
    }
}

fn push(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_with_and_without_namespace() {
        let body = b"<?xml version=\"1.0\"?><a:Delete xmlns:a=\"x\"><Quiet/>\n<Object><Key>a &amp; b&#13;&#x41;<![CDATA[<]]> </Key></Object></a:Delete>";
        let root = Element::parse(body).unwrap();
        assert_eq!((root.name.as_str(), root.get("Quiet"), root.word("Quiet")), ("Delete", Some(""), None));
        assert_eq!(root.children[1].get("Key"), Some("a & b\rA< "));
        for wrong in ["", "<a>", "<a></b>", "text", "<a>&nothing;</a>", "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>"] {
            assert!(Element::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn answers_are_escaped() {
        let mut out = String::new();
        escape("a<b>&\"\r\n\u{1}", &mut out);
        assert_eq!(out, "a&lt;b&gt;&amp;&quot;&#13;\n&#xFFFD;");
    }
}
