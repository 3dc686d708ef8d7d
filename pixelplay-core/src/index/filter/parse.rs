//! Reads the text form of a [`Filter`]: a tokenizer and a recursive descent over its tokens.

use std::iter::Peekable;
use std::vec::IntoIter;

use super::{Column, Filter, FilterError, MAX_DEPTH, col};
use crate::song::Value;

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// A plain word: a keyword, a column, or text that needs no quotes.
    Word(String),
    /// A column in backquotes.
    Column(String),
    /// Text in quotes.
    Text(String),
    Number(Value),
    /// A comparison, a parenthesis or a comma.
    Sign(&'static str),
}

const SIGNS: [&str; 11] = ["<=", ">=", "!=", "<>", "==", "<", ">", "=", "(", ")", ","];
/// The number of characters that an error shows before and after the position.
const MAX_SHOWN: usize = 40;
const KEYWORDS: [&str; 9] = ["and", "or", "not", "in", "between", "is", "null", "true", "false"];

fn starts_word(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn continues_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

/// Returns whether a column's name can be written without backquotes.
pub(super) fn is_plain_name(name: &str) -> bool {
    name.starts_with(starts_word)
        && name.chars().all(continues_word)
        && !KEYWORDS.iter().any(|keyword| name.eq_ignore_ascii_case(keyword))
}

fn syntax<T>(at: usize, what: impl Into<String>) -> Result<T, FilterError> {
    Err(FilterError::Syntax { at, what: what.into(), near: String::new() })
}

/// Returns an excerpt of a text of any length, for an error message.
fn excerpt(text: &str, from: usize, most: usize) -> String {
    let mut part: String = text.chars().skip(from).take(most).collect();
    if from > 0 {
        part.insert_str(0, "... ");
    }
    if text.chars().nth(from + most).is_some() {
        part.push_str(" ...");
    }
    part
}

/// Returns the tokens, each with its position in characters from 1.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, FilterError> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut at = 1;
    while let Some(first) = rest.chars().next() {
        let (token, len) = if first.is_whitespace() {
            (None, first.len_utf8())
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Some(Token::Sign(sign)), sign.len())
        } else if matches!(first, '\'' | '"' | '`') {
            let (inner, len) = quoted(rest, first).ok_or_else(|| FilterError::Syntax {
                at,
                what: format!("the quote {first} is not closed, it was opened"),
                near: String::new(),
            })?;
            let token = if first == '`' { Token::Column(inner) } else { Token::Text(inner) };
            (Some(token), len)
        } else if starts_word(first) {
            let len = rest.find(|c| !continues_word(c)).unwrap_or(rest.len());
            (Some(Token::Word(rest[..len].to_owned())), len)
        } else if first.is_ascii_digit() || matches!(first, '+' | '-' | '.') {
            let len = number_len(rest);
            let Some(number) = number(&rest[..len]) else {
                return syntax(
                    at,
                    format!("{:?} is not a number", excerpt(&rest[..len], 0, MAX_SHOWN)),
                );
            };
            (Some(Token::Number(number)), len)
        } else {
            return syntax(at, format!("unexpected {first:?}"));
        };
        tokens.extend(token.map(|token| (at, token)));
        at += rest[..len].chars().count();
        rest = &rest[len..];
    }
    Ok(tokens)
}

/// Returns the text between quotes, with doubled quotes replaced by single ones, and the length
/// including quotes.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut inner = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            inner.push(c);
        } else if chars.next_if(|&(_, next)| next == quote).is_some() {
            inner.push(quote);
        } else {
            return Some((inner, at + quote.len_utf8()));
        }
    }
    None
}

/// Returns the length of the longest prefix that may be a number, such as `-1.5e-3`. Any character
/// attached to the number is part of the prefix and makes it invalid.
fn number_len(text: &str) -> usize {
    let mut before = ' ';
    text.find(|c: char| {
        let sign = matches!(c, '+' | '-') && matches!(before, ' ' | 'e' | 'E');
        before = c;
        !(sign || c == '.' || continues_word(c) && c != '-')
    })
    .unwrap_or(text.len())
}

fn number(text: &str) -> Option<Value> {
    if let Ok(integer) = text.parse::<i64>() {
        return Some(Value::Integer(integer));
    }
    // `parse` would also accept "inf" and "nan", and turn 1e999 into an infinity.
    let digits = text.contains(|c: char| c.is_ascii_digit());
    let real: f64 = text.parse().ok().filter(|real: &f64| digits && real.is_finite())?;
    Some(Value::Real(real))
}

struct Parser {
    tokens: Peekable<IntoIter<(usize, Token)>>,
    end: usize,
}

impl Filter {
    /// Parses a condition such as
    /// `energy >= 0.5 and genre in (pop, 'hip hop') and not year < 1990`.
    ///
    /// * comparisons `=` (or `==`), `!=` (or `<>`), `<`, `<=`, `>`, `>=`; `between LOW and HIGH`;
    ///   `in (A, B)`; `is null`; the last three also with `not`: `not between`, `not in`,
    ///   `is not null`;
    /// * `not` binds closest, then `and`, then `or`; parentheses as usual;
    /// * text is written in single or double quotes (double a quote to include it); a single word
    ///   needs no quotes;
    /// * text is case-sensitive (`genre in (POP)` does not find `pop`), but `and`, `in`, `true`,
    ///   ... are not;
    /// * `true` and `false` are flags; a column name that is not a plain word is written in
    ///   backquotes.
    ///
    /// # Errors
    /// [`FilterError::Syntax`] with the position of the mistake; [`FilterError::TooDeep`].
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parse(text)
    }
}

fn parse(text: &str) -> Result<Filter, FilterError> {
    read(text).map_err(|error| match error {
        FilterError::Syntax { at, what, .. } => {
            let near = excerpt(text, at.saturating_sub(MAX_SHOWN), 2 * MAX_SHOWN);
            FilterError::Syntax { at, what, near }
        }
        other => other,
    })
}

fn read(text: &str) -> Result<Filter, FilterError> {
    let mut parser =
        Parser { tokens: tokens(text)?.into_iter().peekable(), end: text.chars().count() + 1 };
    let filter = parser.any(0)?;
    match parser.tokens.peek() {
        None => Ok(filter),
        Some((at, _)) => {
            syntax(*at, "expected `and`, `or` or the end (text of several words needs quotes)")
        }
    }
}

impl Parser {
    fn at(&mut self) -> usize {
        self.tokens.peek().map_or(self.end, |(at, _)| *at)
    }

    fn expected<T>(&mut self, what: &str) -> Result<T, FilterError> {
        let at = self.at();
        syntax(at, format!("expected {what}"))
    }

    fn take_word(&mut self, keyword: &str) -> bool {
        self.tokens
            .next_if(|(_, token)| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(keyword)))
            .is_some()
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        self.tokens
            .next_if(|(_, token)| matches!(token, Token::Sign(found) if *found == sign))
            .is_some()
    }

    fn any(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let mut filter = self.all(depth)?;
        while self.take_word("or") {
            filter = filter | self.all(depth)?;
        }
        Ok(filter)
    }

    fn all(&mut self, depth: usize) -> Result<Filter, FilterError> {
        let mut filter = self.one(depth)?;
        while self.take_word("and") {
            filter = filter & self.one(depth)?;
        }
        Ok(filter)
    }

    fn one(&mut self, depth: usize) -> Result<Filter, FilterError> {
        if depth >= MAX_DEPTH {
            return Err(FilterError::TooDeep);
        }
        if self.take_word("not") {
            return Ok(!self.one(depth + 1)?);
        }
        if self.take_sign("(") {
            let filter = self.any(depth + 1)?;
            if !self.take_sign(")") {
                return self.expected("`)`");
            }
            return Ok(filter);
        }
        self.condition()
    }

    fn condition(&mut self) -> Result<Filter, FilterError> {
        let name = self.tokens.next_if(|(_, token)| match token {
            Token::Column(_) => true,
            Token::Word(word) => is_plain_name(word),
            _ => false,
        });
        let Some((_, Token::Column(name) | Token::Word(name))) = name else {
            return self.expected("a column");
        };
        let column = col(name);
        if self.take_word("is") {
            let not = self.take_word("not");
            if !self.take_word("null") {
                return self.expected("`null`");
            }
            return Ok(negate_if(not, column.is_null()));
        }
        let not = self.take_word("not");
        if self.take_word("in") {
            let values = self.list()?;
            return Ok(negate_if(not, column.is_in(values)));
        }
        if self.take_word("between") {
            let low = self.value()?;
            if !self.take_word("and") {
                return self.expected("`and`");
            }
            let high = self.value()?;
            return Ok(negate_if(not, column.between(low, high)));
        }
        if not {
            return self.expected("`in` or `between`");
        }
        self.comparison(column)
    }

    fn comparison(&mut self, column: Column) -> Result<Filter, FilterError> {
        let sign = self.tokens.next_if(
            |(_, token)| matches!(token, Token::Sign(sign) if !matches!(*sign, "(" | ")" | ",")),
        );
        let Some((_, Token::Sign(sign))) = sign else {
            return self.expected("a comparison such as `>=`, or `in`, `between` or `is null`");
        };
        let value = self.value()?;
        Ok(match sign {
            "<=" => column.le(value),
            ">=" => column.ge(value),
            "!=" | "<>" => column.ne(value),
            "<" => column.lt(value),
            ">" => column.gt(value),
            _ => column.eq(value),
        })
    }

    fn list(&mut self) -> Result<Vec<Value>, FilterError> {
        if !self.take_sign("(") {
            return self.expected("`(`");
        }
        let mut values = Vec::new();
        if self.take_sign(")") {
            return Ok(values);
        }
        loop {
            values.push(self.value()?);
            if self.take_sign(")") {
                return Ok(values);
            }
            if !self.take_sign(",") {
                return self.expected("`,` or `)` (text of several words needs quotes)");
            }
        }
    }

    fn value(&mut self) -> Result<Value, FilterError> {
        if self.take_word("true") {
            return Ok(Value::Flag(true));
        }
        if self.take_word("false") {
            return Ok(Value::Flag(false));
        }
        let value = self.tokens.next_if(|(_, token)| match token {
            Token::Text(_) | Token::Number(_) => true,
            Token::Word(word) => is_plain_name(word),
            _ => false,
        });
        match value {
            Some((_, Token::Text(text) | Token::Word(text))) => Ok(Value::Text(text)),
            Some((_, Token::Number(number))) => Ok(number),
            _ => self.expected("a value: a number, text, `true` or `false`"),
        }
    }
}

fn negate_if(negate: bool, filter: Filter) -> Filter {
    if negate { !filter } else { filter }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::filter::Node;
    use proptest::prelude::*;

    #[test]
    fn reads_every_form() {
        let cases = [
            ("year = 1990", col("year").eq(1990)),
            ("year == 1990.0", col("year").eq(1990.0)),
            ("year<>-3", col("year").ne(-3)),
            ("energy >= .5e-1", col("energy").ge(0.05)),
            ("genre = pop", col("genre").eq("pop")),
            ("genre = 'drum ''n'' bass'", col("genre").eq("drum 'n' bass")),
            ("genre = \"it's\"", col("genre").eq("it's")),
            ("explicit = TRUE", col("explicit").eq(true)),
            ("`my column` is not null", !col("my column").is_null()),
            ("year not between 1990 and 1999", !col("year").between(1990, 1999)),
            ("genre NOT IN ()", !col("genre").is_in(Vec::<Value>::new())),
            ("not a = 1 or b = 2 and c = 3", !col("a").eq(1) | col("b").eq(2) & col("c").eq(3)),
            ("(a = 1 or b = 2) and c = 'ß'", (col("a").eq(1) | col("b").eq(2)) & col("c").eq("ß")),
        ];
        for (text, filter) in cases {
            assert_eq!(Filter::parse(text), Ok(filter), "{text}");
        }
    }

    #[test]
    fn says_where_the_mistake_is() {
        let cases = [
            ("", 1, "a column"),
            ("energy", 7, "a comparison"),
            ("energy >=", 10, "a value"),
            ("genre = hip hop", 13, "needs quotes"),
            ("genre in (hip hop)", 15, "needs quotes"),
            ("ß = 'open", 5, "not closed"),
            ("(a = 1", 7, "`)`"),
            ("a = 1)", 6, "the end"),
            ("a = 1e999", 5, "not a number"),
            ("a = 12abc", 5, "not a number"),
            ("a ~ 1", 3, "unexpected"),
            ("a not 1", 7, "`in` or `between`"),
            ("and = 1", 1, "a column"),
            ("a = null", 5, "a value"),
        ];
        for (text, place, words) in cases {
            match Filter::parse(text) {
                Err(FilterError::Syntax { at, what, near }) => {
                    assert_eq!((at, near.as_str()), (place, text), "{what}");
                    assert!(what.contains(words), "{text}: {what}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_mistake_in_a_long_text_is_shown_with_what_is_around_it() {
        let long =
            format!("{}energy ~ 1{}", "year = 1990 or ".repeat(1000), " or a = 1".repeat(1000));
        let message = Filter::parse(&long).unwrap_err().to_string();
        assert!(message.contains("... ") && message.contains("energy ~ 1 or"), "{message}");
        assert!(message.len() < 200, "{message}");
        let message = Filter::parse(&format!("a = {}", "1x".repeat(1000))).unwrap_err().to_string();
        assert!(message.contains("not a number") && message.len() < 250, "{message}");
    }

    #[test]
    fn deep_nesting_is_refused_and_long_chains_are_not() {
        let deep = format!("{}a = 1{}", "(".repeat(100_000), ")".repeat(100_000));
        assert_eq!(Filter::parse(&deep), Err(FilterError::TooDeep));
        let nots = format!("{} a = 1", "not ".repeat(100_000));
        assert_eq!(Filter::parse(&nots), Err(FilterError::TooDeep));
        let long = vec!["a = 1"; 100_000].join(" and ");
        assert!(
            matches!(Filter::parse(&long).unwrap().node(), Node::All(parts) if parts.len() == 100_000)
        );
        let mut built = col("a").eq(1);
        for _ in 0..100_000 {
            built = !built;
        }
        assert_eq!(*built.node(), Node::TooDeep);
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<i64>().prop_map(Value::Integer),
            (prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO)
                .prop_map(Value::Real),
            any::<bool>().prop_map(Value::Flag),
            ".*".prop_map(Value::Text),
        ]
    }

    fn filter() -> impl Strategy<Value = Filter> {
        let leaf = prop_oneof![
            (".+", 0_u8..6, value()).prop_map(|(name, sign, value)| match sign {
                0 => col(name).eq(value),
                1 => col(name).ne(value),
                2 => col(name).lt(value),
                3 => col(name).le(value),
                4 => col(name).gt(value),
                _ => col(name).ge(value),
            }),
            (".+", value(), value()).prop_map(|(name, low, high)| col(name).between(low, high)),
            (".+", prop::collection::vec(value(), 0..4))
                .prop_map(|(name, values)| col(name).is_in(values)),
            "[a-z]+".prop_map(|name| col(name).is_null()),
        ];
        leaf.prop_recursive(4, 16, 2, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(a, b)| a & b),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| a | b),
                inner.prop_map(|a| !a),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_displayed_is_read_back(filter in filter()) {
            let text = filter.to_string();
            prop_assert_eq!(Filter::parse(&text), Ok(filter), "{}", text);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[ -~ß\\n]*") {
            let _ = Filter::parse(&text);
        }
    }
}
