//! Parses filters.

use super::comparison::{Compared, Comparison, Operator};
use super::error::Error;
use super::expression::{Expression, Word};
use crate::fields::{Thing, sums};
use crate::sample::DomainSample;
use crate::text::safe;

/// How deep parentheses may be nested.
const DEEPEST: usize = 32;

/// Returns what a text describes; `None` if it is empty.
pub(super) fn parse(
    text: &str,
    short: &dyn Fn(&str) -> Option<Compared>,
) -> Result<Option<Expression>, Error> {
    let mut parser = Parser {
        text: text.chars().collect(),
        at: 0,
        depth: 0,
        short,
    };
    parser.skip_blanks();
    if parser.next().is_none() {
        return Ok(None);
    }
    let expression = parser.any()?;
    match parser.next() {
        None => Ok(Some(expression)),
        Some(_) => Err(parser.error("this ) closes nothing")),
    }
}

struct Parser<'a> {
    text: Vec<char>,
    at: usize,
    depth: usize,
    short: &'a dyn Fn(&str) -> Option<Compared>,
}

impl Parser<'_> {
    fn next(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn error(&self, message: impl Into<String>) -> Error {
        Error {
            column: self.at + 1,
            message: message.into(),
        }
    }

    fn skip_blanks(&mut self) {
        while self.next().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// Parses what is separated by `|` or a comma.
    fn any(&mut self) -> Result<Expression, Error> {
        let mut parts = vec![self.all()?];
        while let Some(sign @ ('|' | ',')) = self.next() {
            self.skip(sign);
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Expression::Any))
    }

    /// Parses what is separated by `&` or blanks.
    fn all(&mut self) -> Result<Expression, Error> {
        let mut parts = vec![self.not()?];
        loop {
            match self.next() {
                None | Some('|' | ',' | ')') => break,
                Some('&') => self.skip('&'),
                Some(_) => {}
            }
            parts.push(self.not()?);
        }
        Ok(one_or(parts, Expression::All))
    }

    /// Skips a sign, which may be doubled.
    fn skip(&mut self, sign: char) {
        self.at += 1;
        if self.next() == Some(sign) && sign != ',' {
            self.at += 1;
        }
    }

    /// Parses one term with any number of `!` before it, and skips the blanks after it.
    fn not(&mut self) -> Result<Expression, Error> {
        let mut is_not = false;
        self.skip_blanks();
        while self.next() == Some('!') {
            is_not = !is_not;
            self.at += 1;
            self.skip_blanks();
        }
        let term = self.term()?;
        self.skip_blanks();
        Ok(match (is_not, term) {
            (true, Expression::Not(opposite)) => *opposite,
            (true, term) => Expression::Not(Box::new(term)),
            (false, term) => term,
        })
    }

    fn term(&mut self) -> Result<Expression, Error> {
        match self.next() {
            Some('(') => self.group(),
            None | Some('&' | '|' | ',' | ')') => {
                Err(self.error("a name, a state or a comparison is missing"))
            }
            Some(_) => self.word(),
        }
    }

    fn group(&mut self) -> Result<Expression, Error> {
        let begin = self.at;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.error("too many parentheses"));
        }
        self.at += 1;
        let inner = self.any()?;
        if self.next() != Some(')') {
            self.at = begin;
            return Err(self.error("this ( is not closed"));
        }
        self.at += 1;
        self.depth -= 1;
        Ok(inner)
    }

    /// Parses a text, a word for a state, or a comparison.
    fn word(&mut self) -> Result<Expression, Error> {
        let begin = self.at;
        let (text, is_quoted) = self.text(true)?;
        let end = self.at;
        if begin == end {
            return Err(self.error("the name of a figure is missing"));
        }
        // A comparison may have blanks around its operator.
        self.skip_blanks();
        let operator = self.operator().filter(|_| !is_quoted);
        let Some(operator) = operator else {
            self.at = end;
            let text = text.to_lowercase();
            let word = Word::ALL.into_iter().find(|word| word.name() == text);
            return Ok(match word.filter(|_| !is_quoted) {
                Some(word) => Expression::Word(word),
                None => Expression::Text(text),
            });
        };
        let figure = self.figure(&text).ok_or_else(|| Error {
            column: begin + 1,
            message: format!("no figure '{}'; 'xenscope fields' lists them", safe(&text)),
        })?;
        self.skip_blanks();
        let at_value = self.at;
        let (value, is_quoted) = self.text(false)?;
        if value.is_empty() && !is_quoted {
            return Err(self.error(format!("what is '{text}' compared with?")));
        }
        let comparison = Comparison::new(figure, operator, &value).map_err(|message| Error {
            column: at_value + 1,
            message,
        })?;
        Ok(Expression::Compare(comparison))
    }

    /// Parses a text up to a blank or a sign, and returns whether a part of it is in quotes.
    /// `compared` ends it at an operator as well.
    fn text(&mut self, compared: bool) -> Result<(String, bool), Error> {
        let (mut text, mut is_quoted) = (String::new(), false);
        while let Some(c) = self.next() {
            match c {
                '"' => {
                    is_quoted = true;
                    self.quoted(&mut text)?;
                }
                '&' | '|' | ',' | '(' | ')' => break,
                c if c.is_whitespace() => break,
                _ if compared && self.sees_operator().is_some() => break,
                c => {
                    text.push(c);
                    self.at += 1;
                }
            }
        }
        Ok((text, is_quoted))
    }

    /// Parses a text in quotes, in which two quotes are one.
    fn quoted(&mut self, text: &mut String) -> Result<(), Error> {
        let begin = self.at;
        self.at += 1;
        while let Some(c) = self.next() {
            self.at += 1;
            match (c, self.next()) {
                ('"', Some('"')) => {
                    self.at += 1;
                    text.push('"');
                }
                ('"', _) => return Ok(()),
                (c, _) => text.push(c),
            }
        }
        self.at = begin;
        Err(self.error("this \" is not closed"))
    }

    /// Returns the operator here and its length; `None` if there is none.
    fn sees_operator(&self) -> Option<(Operator, usize)> {
        let rest = self.text.get(self.at..)?;
        let is_here = |name: &str| name.chars().eq(rest.iter().copied().take(name.len()));
        let found = Operator::ALL.iter().find(|(name, _)| is_here(name));
        found.map(|&(name, operator)| (operator, name.len()))
    }

    /// Parses an operator.
    fn operator(&mut self) -> Option<Operator> {
        let (operator, length) = self.sees_operator()?;
        self.at += length;
        Some(operator)
    }

    /// Returns the figure with this name.
    fn figure(&self, name: &str) -> Option<Compared> {
        let name = name.to_lowercase();
        let mut figures = DomainSample::fields().iter().chain(sums());
        let mut of_domain = || figures.find(|figure| figure.name == name);
        (self.short)(&name).or_else(|| of_domain().map(Compared::Domain))
    }
}

/// Returns the only part, or all of them together.
fn one_or(mut parts: Vec<Expression>, together: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.len() {
        1 => parts.remove(0),
        _ => together(parts),
    }
}
