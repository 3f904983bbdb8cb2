//! Splits a filter expression into tokens.

use crate::filter::{FilterError, shown};
use crate::query::is_clock_offset;

/// A token and whether white space stood before it, which `OData` demands around operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) follows_space: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A name or a path of names, such as `pcf/geographyCountry` or `and`.
    Word(String),
    /// A text in single quotes, with doubled quotes made single.
    Quoted(String),
    /// A literal without quotes that starts with a digit or a sign: a number or a date-time.
    Bare(String),
    Open,
    Close,
    Colon,
    Comma,
}

/// Reads all tokens, in time linear in the length of the expression.
pub(super) fn tokens(expression: &str) -> Result<Vec<Token>, FilterError> {
    let mut tokens = Vec::new();
    let mut rest = expression;
    loop {
        let trimmed = rest.trim_start_matches([' ', '\t']);
        let follows_space = trimmed.len() < rest.len();
        let Some(first) = trimmed.chars().next() else {
            return Ok(tokens);
        };
        let (kind, after) = token(first, trimmed)?;
        tokens.push(Token {
            kind,
            follows_space,
        });
        rest = after;
    }
}

fn token(first: char, text: &str) -> Result<(TokenKind, &str), FilterError> {
    let after = text.get(first.len_utf8()..).unwrap_or_default();
    match first {
        '(' => Ok((TokenKind::Open, after)),
        ')' => Ok((TokenKind::Close, after)),
        ':' => Ok((TokenKind::Colon, after)),
        ',' => Ok((TokenKind::Comma, after)),
        '\'' => quoted(after),
        '0'..='9' | '-' | '+' => Ok(bare(text)),
        _ if first.is_ascii_alphabetic() || matches!(first, '_' | '$') => Ok(word(text)),
        _ => Err(FilterError::BadRequest(format!(
            "$filter has an unexpected character at: {}",
            shown(text)
        ))),
    }
}

fn quoted(text: &str) -> Result<(TokenKind, &str), FilterError> {
    let mut value = String::new();
    let mut rest = text;
    while let Some((part, after)) = rest.split_once('\'') {
        value.push_str(part);
        let Some(after_pair) = after.strip_prefix('\'') else {
            return Ok((TokenKind::Quoted(value), after));
        };
        value.push('\'');
        rest = after_pair;
    }
    Err(FilterError::BadRequest(format!(
        "$filter has a text without its closing quote: {}",
        shown(text)
    )))
}

fn bare(text: &str) -> (TokenKind, &str) {
    let end = text
        .find([' ', '\t', '(', ')', ',', '\''])
        .unwrap_or(text.len());
    let (value, after) = text.split_at(end);
    // The + of an offset, sent unescaped, has become a space that would split the date-time.
    let offset = after
        .strip_prefix(' ')
        .and_then(|after| after.split_at_checked("00:00".len()));
    if let Some((offset, after)) = offset
        && value.contains('T')
        && is_clock_offset(offset)
    {
        return (TokenKind::Bare(format!("{value}+{offset}")), after);
    }
    (TokenKind::Bare(value.to_owned()), after)
}

fn word(text: &str) -> (TokenKind, &str) {
    let is_part = |character: char| {
        character.is_ascii_alphanumeric() || matches!(character, '_' | '$' | '/' | '.')
    };
    let end = text
        .find(|character| !is_part(character))
        .unwrap_or(text.len());
    let (word, after) = text.split_at(end);
    (TokenKind::Word(word.to_owned()), after)
}
