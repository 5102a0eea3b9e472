//! `key comparator value`, joined by AND: the whole filter language. There is no OR and no nesting.

use super::token::{Kind, Token, tokens};
use crate::error::{Error, Result};

/// One comparison as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// What is compared.
    pub key: Key,
    /// How.
    pub comparator: Comparator,
    /// With what.
    pub value: Operand,
}

/// A name such as ``metrics.`val loss` `` or `start_time`.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// What stands before the first dot: `metrics`.
    pub scope: Option<String>,
    /// The rest, without quotes: `val loss`.
    pub name: String,
    /// Position of its first character, counted from 1.
    pub at: usize,
}

/// How two values are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `LIKE`, case-sensitive
    Like,
    /// `ILIKE`, case-insensitive
    ILike,
    /// `IN (…)`
    In,
    /// `NOT IN (…)`
    NotIn,
    /// `IS NULL`
    IsNull,
    /// `IS NOT NULL`
    IsNotNull,
    /// Something that looks like an operator and is none.
    Unknown(String),
}

/// What a key is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// `IS NULL` and `IS NOT NULL` take none.
    Nothing,
    /// A number, as written.
    Number(String),
    /// A text in single or double quotes.
    Text(String),
    /// A word without quotes.
    Bare(String),
    /// Texts in parentheses.
    List(Vec<String>),
}

/// Name and spelling of every comparator.
const COMPARATORS: &[(&str, Comparator)] = &[
    ("=", Comparator::Equal),
    ("!=", Comparator::NotEqual),
    ("<", Comparator::Less),
    ("<=", Comparator::LessEqual),
    (">", Comparator::Greater),
    (">=", Comparator::GreaterEqual),
    ("LIKE", Comparator::Like),
    ("ILIKE", Comparator::ILike),
    ("IN", Comparator::In),
    ("NOT IN", Comparator::NotIn),
    ("IS NULL", Comparator::IsNull),
    ("IS NOT NULL", Comparator::IsNotNull),
];

impl Comparator {
    /// As it is written.
    pub fn text(&self) -> &str {
        match self {
            Self::Unknown(text) => text,
            known => COMPARATORS.iter().find(|row| row.1 == *known).map_or("", |row| row.0),
        }
    }

    fn parse(text: &str) -> Self {
        COMPARATORS
            .iter()
            .find(|row| row.0.eq_ignore_ascii_case(text))
            .map_or_else(|| Self::Unknown(text.to_ascii_uppercase()), |row| row.1.clone())
    }
}

impl Clause {
    /// Every comparison of a filter; none for an empty text. The error names the place.
    pub fn parse(filter: &str) -> Result<Vec<Self>> {
        let tokens = tokens(filter)?;
        let mut reader = Reader { tokens: &tokens, next: 0 };
        let mut clauses = Vec::new();
        while reader.peek().is_some() {
            clauses.push(reader.clause()?);
            match reader.take() {
                None => break,
                Some(token) if token.is("AND") => {
                    if reader.peek().is_none() {
                        return Err(invalid(token, "a comparison is missing after it"));
                    }
                }
                Some(token) => return Err(invalid(token, "comparisons are joined by AND")),
            }
        }
        Ok(clauses)
    }
}

pub(super) struct Reader<'a> {
    pub(super) tokens: &'a [Token],
    pub(super) next: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.next)
    }

    pub(super) fn take(&mut self) -> Option<&'a Token> {
        let token = self.peek()?;
        self.next += 1;
        Some(token)
    }

    fn take_word(&mut self, keyword: &str) -> bool {
        let found = self.peek().is_some_and(|t| t.is(keyword));
        self.next += usize::from(found);
        found
    }

    fn clause(&mut self) -> Result<Clause> {
        let key = self.key()?;
        let comparator = self.comparator(&key)?;
        let value = match comparator {
            Comparator::IsNull | Comparator::IsNotNull => Operand::Nothing,
            Comparator::In | Comparator::NotIn => self.list()?,
            _ => self.value(&comparator)?,
        };
        Ok(Clause { key, comparator, value })
    }

    /// Words and quoted names with dots between them and no spaces.
    pub(super) fn key(&mut self) -> Result<Key> {
        let Some(first) = self.take() else { return Err(Error::invalid("Invalid clause(s) in filter string: nothing is compared")) };
        let mut parts = vec![part(first).ok_or_else(|| invalid(first, "a key such as metrics.loss was expected"))?];
        while let [dot, name, ..] = &self.tokens[self.next..]
            && dot.kind == Kind::Dot
            && dot.joined
            && name.joined
            && let Some(text) = part(name)
        {
            parts.push(text);
            self.next += 2;
        }
        let scope = (parts.len() > 1).then(|| parts.remove(0));
        Ok(Key { scope, name: parts.join("."), at: first.at })
    }

    fn comparator(&mut self, key: &Key) -> Result<Comparator> {
        let Some(token) = self.take() else {
            return Err(Error::invalid(format!(
                "Invalid clause(s) in filter string: '{}' at position {} is compared with nothing",
                key.name, key.at
            )));
        };
        if token.kind == Kind::Operator {
            return Ok(Comparator::parse(&token.text));
        }
        if token.is("IS") {
            let not = self.take_word("NOT");
            if self.take_word("NULL") {
                return Ok(if not { Comparator::IsNotNull } else { Comparator::IsNull });
            }
        } else if token.is("NOT") {
            if self.take_word("IN") {
                return Ok(Comparator::NotIn);
            }
            if let Some(word) = self.peek().filter(|t| t.is("LIKE") || t.is("ILIKE")) {
                self.next += 1;
                return Ok(Comparator::Unknown(format!("NOT {}", word.text.to_ascii_uppercase())));
            }
        } else if ["IN", "LIKE", "ILIKE", "RLIKE"].iter().any(|word| token.is(word)) {
            return Ok(Comparator::parse(&token.text));
        }
        Err(invalid(token, "a comparator such as = was expected"))
    }

    fn value(&mut self, comparator: &Comparator) -> Result<Operand> {
        let Some(token) = self.take() else {
            return Err(Error::invalid(format!("Invalid clause(s) in filter string: nothing stands after '{}'", comparator.text())));
        };
        Ok(match &token.kind {
            Kind::Number => Operand::Number(token.text.clone()),
            Kind::Single(text) | Kind::Double(text) => Operand::Text(text.clone()),
            Kind::Word | Kind::Backtick(_) => {
                self.next -= 1;
                let start = self.next;
                self.key()?;
                Operand::Bare(self.tokens[start..self.next].iter().map(|t| t.text.as_str()).collect())
            }
            Kind::Open => {
                self.next -= 1;
                self.list()?
            }
            _ => return Err(invalid(token, "a value was expected")),
        })
    }

    fn list(&mut self) -> Result<Operand> {
        const WHILE: &str = "While parsing a list in the query,";
        let ill_formed = || Error::invalid(format!("{WHILE} expected a non-empty list of string values, but got ill-formed list."));
        let open = self.take().filter(|t| t.kind == Kind::Open).ok_or_else(ill_formed)?;
        let mut items = Vec::new();
        loop {
            match self.take() {
                Some(Token { kind: Kind::Single(text) | Kind::Double(text), .. }) => items.push(text.clone()),
                Some(Token { kind: Kind::Close, .. }) if items.is_empty() => {
                    return Err(Error::invalid(format!("{WHILE} expected a non-empty list of string values, but got empty list")));
                }
                Some(Token { kind: Kind::Close, .. }) => return Ok(Operand::List(items)),
                Some(token) => {
                    return Err(Error::invalid(format!(
                        "{WHILE} expected string value, punctuation, or whitespace, but got different type in list: '{}' at position {}",
                        token.text, token.at
                    )));
                }
                None => return Err(invalid(open, "the list is never closed")),
            }
            match self.take() {
                Some(Token { kind: Kind::Close, .. }) => return Ok(Operand::List(items)),
                Some(Token { kind: Kind::Comma, .. }) => {}
                _ => return Err(ill_formed()),
            }
        }
    }
}

fn part(token: &Token) -> Option<String> {
    match &token.kind {
        Kind::Word => Some(token.text.clone()),
        Kind::Double(text) | Kind::Backtick(text) => Some(text.clone()),
        _ => None,
    }
}

fn invalid(token: &Token, why: &str) -> Error {
    Error::invalid(format!("Invalid clause(s) in filter string: '{}' at position {}: {why}", token.text, token.at))
}
