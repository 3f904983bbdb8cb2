//! Recursive descent over the tokens of a filter expression.
//!
//! ```text
//! expression := term ( "and" term )*
//! term       := "(" expression ")" | lambda | comparison
//! comparison := path operator literal
//! lambda     := path "/any(" name ":" equality ")"
//! equality   := "(" equality ")" | name "eq" literal
//! ```
//!
//! A lambda is judged by its property first: what stands in it means something only for a list of texts.

use std::iter::Peekable;
use std::vec::IntoIter;

use super::lexer::{Token, TokenKind, tokens};
use super::meaning::{
    Operand, bad, is_other_operator, property, refuse_operator_after_term, typed, unsupported,
};
use super::{
    Comparison, MAX_COMPARISONS, MAX_DEPTH, MAX_EXPRESSION_BYTES, Operator, Property, PropertyKind,
};
use crate::filter::{FilterError, shown};

pub(super) fn parse(expression: &str) -> Result<Vec<Comparison>, FilterError> {
    if expression.len() > MAX_EXPRESSION_BYTES {
        return Err(bad(format!(
            "$filter is longer than {MAX_EXPRESSION_BYTES} bytes"
        )));
    }
    let mut parser = Parser {
        tokens: tokens(expression)?.into_iter().peekable(),
        comparisons: Vec::new(),
    };
    parser.expression(0)?;
    match parser.tokens.next() {
        None => Ok(parser.comparisons),
        Some(token) => Err(unexpected(Some(token), "the end or `and`")),
    }
}

struct Parser {
    tokens: Peekable<IntoIter<Token>>,
    comparisons: Vec<Comparison>,
}

impl Parser {
    fn expression(&mut self, depth: usize) -> Result<(), FilterError> {
        loop {
            let ended_by_paren = self.term(depth)?;
            let Some(Token {
                kind: TokenKind::Word(word),
                follows_space,
            }) = self.tokens.peek()
            else {
                return Ok(());
            };
            if !*follows_space && !ended_by_paren {
                return Err(bad(format!(
                    "$filter lacks a space before: {}",
                    shown(word)
                )));
            }
            refuse_operator_after_term(word)?;
            self.tokens.next();
        }
    }

    /// Reads one term and says whether it ended with a parenthesis.
    fn term(&mut self, depth: usize) -> Result<bool, FilterError> {
        match self.tokens.next() {
            Some(Token {
                kind: TokenKind::Open,
                ..
            }) => {
                if depth == MAX_DEPTH {
                    return Err(bad(format!(
                        "$filter has parentheses nested deeper than {MAX_DEPTH}"
                    )));
                }
                self.expression(depth + 1)?;
                self.expect(&TokenKind::Close, "`)`")?;
                Ok(true)
            }
            Some(Token {
                kind: TokenKind::Word(word),
                ..
            }) => self.comparison(&word, depth),
            Some(Token {
                kind: TokenKind::Quoted(_) | TokenKind::Bare(_),
                ..
            }) => Err(unsupported(
                "$filter with a literal on the left is not supported; write the property first",
            )),
            other => Err(unexpected(other, "a property name or `(`")),
        }
    }

    fn comparison(&mut self, path: &str, depth: usize) -> Result<bool, FilterError> {
        if path.eq_ignore_ascii_case("not") {
            return Err(unsupported("$filter with `not` is not supported"));
        }
        if self.is_call() {
            let Some(path) = path.strip_suffix("/any") else {
                return Err(unsupported(format!(
                    "$filter with the function {} is not supported",
                    shown(path)
                )));
            };
            self.lambda(path, depth)?;
            return Ok(true);
        }
        let operator = self.operator()?;
        let property = property(path)?;
        let value = self.literal()?;
        if property.kind() == PropertyKind::Texts {
            return Err(unsupported(format!(
                "$filter by {path} is supported only as {path}/any(v:(v eq 'text'))"
            )));
        }
        let value = typed(property, value)?;
        self.push(Comparison {
            property,
            operator,
            value,
        })?;
        Ok(false)
    }

    fn lambda(&mut self, path: &str, depth: usize) -> Result<(), FilterError> {
        let property = property(path)?;
        if property.kind() != PropertyKind::Texts {
            return Err(bad(format!(
                "$filter with `any` needs a list, and {path} is none"
            )));
        }
        self.expect(&TokenKind::Open, "`(`")?;
        if matches!(
            self.tokens.peek(),
            Some(Token {
                kind: TokenKind::Close,
                ..
            })
        ) {
            return Err(unsupported(
                "$filter with `any` without a condition is not supported",
            ));
        }
        let variable = match self.tokens.next() {
            Some(Token {
                kind: TokenKind::Word(word),
                ..
            }) if !word.contains('/') => word,
            other => return Err(unexpected(other, "the name of a lambda variable")),
        };
        self.expect(&TokenKind::Colon, "`:`")?;
        let value = self.equality(&variable, depth + 1)?;
        self.expect_end_of_lambda()?;
        let value = typed(property, value)?;
        self.push(Comparison {
            property,
            operator: Operator::Any,
            value,
        })
    }

    fn equality(&mut self, variable: &str, depth: usize) -> Result<Operand, FilterError> {
        if depth > MAX_DEPTH {
            return Err(bad(format!(
                "$filter has parentheses nested deeper than {MAX_DEPTH}"
            )));
        }
        match self.tokens.next() {
            Some(Token {
                kind: TokenKind::Open,
                ..
            }) => {
                let value = self.equality(variable, depth + 1)?;
                self.expect_end_of_lambda()?;
                Ok(value)
            }
            Some(Token {
                kind: TokenKind::Word(word),
                ..
            }) if word == variable => match self.operator()? {
                Operator::Eq => self.literal(),
                _ => Err(unsupported("$filter with `any` supports only `eq`")),
            },
            Some(Token {
                kind: TokenKind::Word(word),
                ..
            }) if word.eq_ignore_ascii_case("not") => {
                Err(unsupported("$filter with `not` is not supported"))
            }
            Some(Token {
                kind: TokenKind::Quoted(_) | TokenKind::Bare(_),
                ..
            }) => Err(unsupported(
                "$filter with a literal on the left is not supported; write the lambda variable first",
            )),
            Some(Token {
                kind: TokenKind::Word(word),
                ..
            }) if self.is_call() => Err(unsupported(format!(
                "$filter with the function {} is not supported",
                shown(&word)
            ))),
            Some(Token {
                kind: TokenKind::Word(word),
                ..
            }) if Property::from_path(&word).is_some() => Err(unsupported(format!(
                "$filter with `any` supports only its own variable, not {word}"
            ))),
            other => Err(unexpected(other, "the lambda variable")),
        }
    }

    /// Whether what follows are the arguments of the word before.
    fn is_call(&mut self) -> bool {
        matches!(
            self.tokens.peek(),
            Some(Token {
                kind: TokenKind::Open,
                follows_space: false
            })
        )
    }

    fn operator(&mut self) -> Result<Operator, FilterError> {
        match self.tokens.next() {
            Some(Token {
                kind: TokenKind::Word(word),
                follows_space: true,
            }) => {
                if let Some(operator) = Operator::from_name(&word) {
                    Ok(operator)
                } else if is_other_operator(&word) {
                    Err(unsupported(format!(
                        "$filter with the operator {word} is not supported"
                    )))
                } else {
                    Err(bad(format!(
                        "$filter has an unknown operator: {}",
                        shown(&word)
                    )))
                }
            }
            other => Err(unexpected(other, "a comparison operator")),
        }
    }

    fn literal(&mut self) -> Result<Operand, FilterError> {
        match self.tokens.next() {
            Some(Token {
                kind: TokenKind::Quoted(text),
                follows_space: true,
            }) => Ok(Operand::Quoted(text)),
            Some(Token {
                kind: TokenKind::Bare(text),
                follows_space: true,
            }) => Ok(Operand::Bare(text)),
            Some(Token {
                kind: TokenKind::Word(word),
                follows_space: true,
            }) => Err(unsupported(format!(
                "$filter can compare only with a text or a date-time, not with {}",
                shown(&word)
            ))),
            other => Err(unexpected(other, "a literal after a space")),
        }
    }

    fn push(&mut self, comparison: Comparison) -> Result<(), FilterError> {
        if self.comparisons.len() == MAX_COMPARISONS {
            return Err(bad(format!(
                "$filter has more than {MAX_COMPARISONS} comparisons"
            )));
        }
        self.comparisons.push(comparison);
        Ok(())
    }

    fn expect_end_of_lambda(&mut self) -> Result<(), FilterError> {
        if let Some(Token {
            kind: TokenKind::Word(word),
            ..
        }) = self.tokens.peek()
            && ["and", "or"]
                .iter()
                .any(|name| name.eq_ignore_ascii_case(word))
        {
            return Err(unsupported("$filter with `any` supports only one `eq`"));
        }
        self.expect(&TokenKind::Close, "`)`")
    }

    fn expect(&mut self, kind: &TokenKind, what: &str) -> Result<(), FilterError> {
        match self.tokens.next() {
            Some(token) if token.kind == *kind => Ok(()),
            other => Err(unexpected(other, what)),
        }
    }
}

fn unexpected(found: Option<Token>, expected: &str) -> FilterError {
    let found = match found.map(|token| token.kind) {
        None => "its end".to_owned(),
        Some(TokenKind::Word(text) | TokenKind::Quoted(text) | TokenKind::Bare(text)) => {
            shown(&text)
        }
        Some(TokenKind::Open) => "`(`".to_owned(),
        Some(TokenKind::Close) => "`)`".to_owned(),
        Some(TokenKind::Colon) => "`:`".to_owned(),
        Some(TokenKind::Comma) => "`,`".to_owned(),
    };
    bad(format!("$filter has {found} where {expected} is expected"))
}
