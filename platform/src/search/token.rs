//! Search text cut into tokens, each with its position.

use crate::error::{Error, Result};

/// One token.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// As written.
    pub(super) text: String,
    /// Position of its first character, counted from 1.
    pub(super) at: usize,
    /// Does it follow the token before it without a space?
    pub(super) joined: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// Letters, digits and underscores that do not begin with a digit.
    Word,
    /// A number.
    Number,
    /// What stands in '…', without the quotes.
    Single(String),
    /// What stands in "…", without the quotes.
    Double(String),
    /// What stands in `…`, without the quotes.
    Backtick(String),
    /// A run of `< > = ~ !`.
    Operator,
    Dot,
    Comma,
    Open,
    Close,
    /// Anything else.
    Other,
}

impl Token {
    /// Is it that keyword, in any case?
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }
}

/// Cuts `text` into tokens. Fails only for a quote that never ends.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut next = 0;
    let mut joined = false;
    while next < characters.len() {
        if characters[next].is_whitespace() {
            next += 1;
            joined = false;
            continue;
        }
        let start = next;
        let kind = one(&characters, &mut next, joined.then(|| tokens.last()).flatten())?;
        tokens.push(Token { kind, text: characters[start..next].iter().collect(), at: start + 1, joined });
        joined = true;
    }
    Ok(tokens)
}

fn one(characters: &[char], next: &mut usize, before: Option<&Token>) -> Result<Kind> {
    let start = *next;
    let first = characters[start];
    let skip = |from: usize, accepts: &dyn Fn(char) -> bool| from + characters[from..].iter().take_while(|c| accepts(**c)).count();
    let in_path = before.is_some_and(|t| t.kind == Kind::Dot);
    if first.is_alphabetic() || first == '_' || (in_path && first.is_alphanumeric()) {
        *next = skip(start, &is_word);
        return Ok(Kind::Word);
    }
    if let Some(end) = number(characters, start) {
        *next = end;
        return Ok(Kind::Number);
    }
    *next = start + 1;
    Ok(match first {
        '\'' => Kind::Single(quoted(characters, next, '\'')?),
        '"' => Kind::Double(quoted(characters, next, '"')?),
        '`' => Kind::Backtick(quoted(characters, next, '`')?),
        '.' => Kind::Dot,
        ',' => Kind::Comma,
        '(' => Kind::Open,
        ')' => Kind::Close,
        '<' | '>' | '=' | '~' | '!' => {
            *next = skip(start, &|c| matches!(c, '<' | '>' | '=' | '~' | '!'));
            Kind::Operator
        }
        _ => Kind::Other,
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The end of the number that starts at `start`, if one does: sign, digits, fraction, exponent.
fn number(characters: &[char], start: usize) -> Option<usize> {
    let digits = |from: usize| from + characters.get(from..).unwrap_or_default().iter().take_while(|c| c.is_ascii_digit()).count();
    let at = |i: usize| characters.get(i).copied().unwrap_or(' ');
    let whole = if matches!(at(start), '-' | '+') { start + 1 } else { start };
    let mut end = digits(whole);
    let mut any = end > whole;
    if at(end) == '.' && at(end + 1).is_ascii_digit() {
        end = digits(end + 1);
        any = true;
    } else if any && at(end) == '.' {
        end += 1;
    }
    if !any {
        return None;
    }
    if matches!(at(end), 'e' | 'E') {
        let exponent = if matches!(at(end + 1), '-' | '+') { end + 2 } else { end + 1 };
        if digits(exponent) > exponent {
            end = digits(exponent);
        }
    }
    (!is_word(at(end))).then_some(end)
}

/// What stands between the quotes; two quotes in a row mean one.
fn quoted(characters: &[char], next: &mut usize, quote: char) -> Result<String> {
    let start = *next;
    let mut inside = String::new();
    while let Some(&c) = characters.get(*next) {
        *next += 1;
        if c != quote {
            inside.push(c);
        } else if characters.get(*next) == Some(&quote) {
            inside.push(quote);
            *next += 1;
        } else {
            return Ok(inside);
        }
    }
    Err(Error::invalid(format!("Invalid clause(s) in filter string: the quote {quote} at position {start} is never closed")))
}
