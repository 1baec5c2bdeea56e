//! ClickHouse's lexical rules, giving sqlparser's tokens.
//!
//! Invariant: words carry no keyword class (the grammar compares texts), string tokens keep their
//! source text with escapes, and every token's place in the text is known.

use roost_engine::error::{Code, Error, Position, Result};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Word};

/// Most tokens of one statement; INSERT data is not among them.
const TOKENS_MAX: usize = 1_000_000;

/// The tokens of one statement.
#[derive(Debug)]
pub(super) struct Lexed {
    /// Tokens without white space and comments.
    pub(super) tokens: Vec<TokenWithSpan>,
    /// Offset behind the statement (and its semicolon).
    pub(super) end: usize,
    /// For INSERT with VALUES or FORMAT: where the inline data starts.
    pub(super) data_at: Option<usize>,
}

/// Reads the tokens of the statement that starts at `start` of `text`.
pub(super) fn lex_statement(text: &str, start: usize) -> Result<Lexed> {
    let mut lexer = Lexer::new(text, start);
    let (mut tokens, mut depth) = (Vec::new(), 0i64);
    let mut insert = InsertWatch::default();
    loop {
        lexer.skip_blank()?;
        let at = lexer.at;
        let Some(token) = lexer.next(tokens.last().map(|t: &TokenWithSpan| &t.token))? else {
            return Ok(Lexed {
                tokens,
                end: lexer.at,
                data_at: None,
            });
        };
        match &token {
            Token::SemiColon if depth <= 0 => {
                return Ok(Lexed {
                    tokens,
                    end: lexer.at,
                    data_at: None,
                });
            }
            Token::LParen | Token::LBracket => depth += 1,
            Token::RParen | Token::RBracket => depth -= 1,
            _ => {}
        }
        let cut = depth == 0 && insert.data_starts(&token);
        tokens.push(TokenWithSpan {
            span: lexer.span(at),
            token,
        });
        if cut {
            let data_at = lexer.data_start(insert.format);
            return Ok(Lexed {
                tokens,
                end: text.len(),
                data_at: Some(data_at),
            });
        }
        if tokens.len() > TOKENS_MAX {
            return Err(Error::new(
                Code::TOO_BIG_AST,
                format!("more than {TOKENS_MAX} tokens"),
            ));
        }
    }
}

/// Follows an INSERT statement up to its inline data.
#[derive(Default)]
struct InsertWatch {
    state: Watch,
    format: bool,
}

#[derive(Default, PartialEq)]
enum Watch {
    #[default]
    Start,
    Insert,
    /// FORMAT was read: the next word is its name.
    Format,
    /// Not an INSERT, or one with a query.
    Off,
}

impl InsertWatch {
    fn data_starts(&mut self, token: &Token) -> bool {
        let word = match token {
            Token::Word(w) if w.quote_style.is_none() => w.value.to_ascii_uppercase(),
            _ => String::new(),
        };
        match self.state {
            Watch::Start if word == "INSERT" => self.state = Watch::Insert,
            Watch::Start => self.state = Watch::Off,
            Watch::Insert => match word.as_str() {
                "VALUES" => return true,
                "FORMAT" => self.state = Watch::Format,
                "SELECT" | "WITH" | "FROM" | "WATCH" => self.state = Watch::Off,
                _ => {}
            },
            Watch::Format if word.eq_ignore_ascii_case("VALUES") => return true,
            Watch::Format => {
                self.format = true;
                return true;
            }
            Watch::Off => {}
        }
        false
    }
}

/// The position of byte `offset` of `text`.
pub(super) fn position(text: &str, offset: usize) -> Position {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |n| n + 1);
    Position {
        offset,
        line: before.matches('\n').count() as u32 + 1,
        column: before[line_start..].chars().count() as u32 + 1,
    }
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    fn new(text: &'a str, at: usize) -> Self {
        Lexer {
            text,
            bytes: text.as_bytes(),
            at,
        }
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Token places are byte offsets: `line` is always 0, `column` the offset.
    fn span(&self, from: usize) -> Span {
        let place = |offset: usize| Location {
            line: 0,
            column: offset as u64,
        };
        Span {
            start: place(from),
            end: place(self.at),
        }
    }

    fn fail<T>(&self, at: usize, message: &str) -> Result<T> {
        let e = Error::new(Code::SYNTAX_ERROR, format!("Syntax error: {message}"));
        Err(e.at(position(self.text, at)))
    }

    fn skip_blank(&mut self) -> Result<()> {
        loop {
            match (self.peek(0), self.peek(1)) {
                (b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c, _) => self.at += 1,
                (b'-', b'-') | (b'/', b'/') => self.skip_line(),
                (b'#', b' ' | b'!') => self.skip_line(),
                (b'/', b'*') => self.skip_comment()?,
                // Other white space of Unicode, and byte order marks.
                (0xc2 | 0xe2 | 0xe3 | 0xef, _) => match self.text[self.at..].chars().next() {
                    Some(c) if c.is_whitespace() || c == '\u{feff}' => self.at += c.len_utf8(),
                    _ => return Ok(()),
                },
                _ => return Ok(()),
            }
        }
    }

    fn skip_line(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    }

    fn skip_comment(&mut self) -> Result<()> {
        let start = self.at;
        let mut depth = 0;
        while self.at < self.bytes.len() {
            match (self.peek(0), self.peek(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                _ => self.at += 1,
            }
        }
        self.fail(start, "multiline comment is not closed")
    }

    fn next(&mut self, previous: Option<&Token>) -> Result<Option<Token>> {
        let c = self.peek(0);
        if self.at >= self.bytes.len() {
            return Ok(None);
        }
        let token = match c {
            b'\'' => Token::SingleQuotedString(self.quoted(b'\'')?.to_string()),
            b'"' | b'`' => {
                let start = self.at;
                let raw = self.quoted(c)?;
                let name = super::literal::unescape(raw, c);
                match String::from_utf8(name) {
                    Ok(value) => word(value, Some(c as char)),
                    Err(_) => return self.fail(start, "identifier is not UTF-8"),
                }
            }
            b'x' | b'X' if self.peek(1) == b'\'' => {
                self.at += 1;
                Token::HexStringLiteral(self.quoted(b'\'')?.to_string())
            }
            b'b' | b'B' if self.peek(1) == b'\'' => {
                self.at += 1;
                Token::SingleQuotedByteStringLiteral(self.quoted(b'\'')?.to_string())
            }
            b'0'..=b'9' => self.number(matches!(previous, Some(Token::Period))),
            b'.' if self.peek(1).is_ascii_digit() && !ends_a_value(previous) => self.number(false),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.bare_word(),
            b'$' => match self.heredoc() {
                Some(token) => token,
                None => self.bare_word(),
            },
            b'{' => match self.parameter() {
                Some(token) => token,
                None => self.symbol()?,
            },
            _ => self.symbol()?,
        };
        Ok(Some(token))
    }

    /// The text between quotes, escapes kept; the cursor goes behind the closing quote.
    fn quoted(&mut self, quote: u8) -> Result<&'a str> {
        let open = self.at;
        let mut at = open + 1;
        while at < self.bytes.len() {
            match self.bytes[at] {
                b'\\' => at += 2,
                c if c == quote && self.bytes.get(at + 1) == Some(&quote) => at += 2,
                c if c == quote => {
                    self.at = at + 1;
                    return Ok(&self.text[open + 1..at]);
                }
                _ => at += 1,
            }
        }
        self.fail(open, "quoted text is not closed")
    }

    /// `integer_only` behind a point: `t.1.2` has three parts.
    fn number(&mut self, integer_only: bool) -> Token {
        let start = self.at;
        let digits = |l: &mut Self, set: fn(u8) -> bool| {
            while set(l.peek(0)) || (l.peek(0) == b'_' && l.at > start && set(l.peek(1))) {
                l.at += 1;
            }
        };
        let (hex, binary) = (
            self.peek(0) == b'0' && matches!(self.peek(1), b'x' | b'X'),
            self.peek(0) == b'0' && matches!(self.peek(1), b'b' | b'B'),
        );
        if integer_only {
            digits(self, |c| c.is_ascii_digit());
        } else if hex || binary {
            self.at += 2;
            match hex {
                true => digits(self, |c| c.is_ascii_hexdigit()),
                false => digits(self, |c| matches!(c, b'0' | b'1')),
            }
            if hex && matches!(self.peek(0), b'p' | b'P' | b'.') {
                self.fraction(true);
            }
        } else {
            digits(self, |c| c.is_ascii_digit());
            self.fraction(false);
        }
        let boundary = self.peek(0);
        if (boundary.is_ascii_alphabetic() || boundary == b'_')
            && !self.bytes[start..self.at].contains(&b'.')
        {
            return self.word_from(start);
        }
        Token::Number(self.text[start..self.at].replace('_', ""), false)
    }

    fn fraction(&mut self, hex: bool) {
        let is_digit = |c: u8| {
            if hex {
                c.is_ascii_hexdigit()
            } else {
                c.is_ascii_digit()
            }
        };
        if self.peek(0) == b'.' {
            self.at += 1;
            while is_digit(self.peek(0)) || (self.peek(0) == b'_' && is_digit(self.peek(1))) {
                self.at += 1;
            }
        }
        let exponent = if hex { b'p' } else { b'e' };
        let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
        if self.peek(0).eq_ignore_ascii_case(&exponent) && self.peek(1 + sign).is_ascii_digit() {
            self.at += 1 + sign;
            while self.peek(0).is_ascii_digit() {
                self.at += 1;
            }
        }
    }

    fn bare_word(&mut self) -> Token {
        self.word_from(self.at)
    }

    fn word_from(&mut self, start: usize) -> Token {
        while matches!(self.peek(0), b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'$') {
            self.at += 1;
        }
        word(self.text[start..self.at].to_string(), None)
    }

    /// `$tag$ ... $tag$`.
    fn heredoc(&mut self) -> Option<Token> {
        let rest = &self.text[self.at..];
        let close = rest[1..].find('$')? + 2;
        let tag = &rest[..close];
        if !tag[1..close - 1]
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || c == b'_')
        {
            return None;
        }
        let end = rest[close..].find(tag)? + close;
        self.at += end + tag.len();
        Some(Token::SingleQuotedRawStringLiteral(
            rest[close..end].to_string(),
        ))
    }

    /// `{name:Type}` as one token, told from a map literal by the word in front of the colon.
    fn parameter(&mut self) -> Option<Token> {
        let rest = &self.text[self.at + 1..];
        let trimmed = rest.trim_start();
        let name_len = trimmed
            .bytes()
            .position(|c| !(c.is_ascii_alphanumeric() || c == b'_'))
            .filter(|n| *n > 0)?;
        let after = trimmed[name_len..].trim_start();
        let ty = after.strip_prefix(':')?;
        if trimmed.as_bytes()[0].is_ascii_digit() {
            return None;
        }
        let close = ty.find('}')?;
        let text = format!("{}:{}", &trimmed[..name_len], ty[..close].trim());
        self.at = self.text.len() - ty.len() + close + 1;
        Some(Token::Placeholder(text))
    }

    fn symbol(&mut self) -> Result<Token> {
        let (token, width) = match (self.peek(0), self.peek(1), self.peek(2)) {
            (b'<', b'=', b'>') => (Token::Spaceship, 3),
            (b'=', b'=', _) => (Token::DoubleEq, 2),
            (b'!', b'=', _) | (b'<', b'>', _) => (Token::Neq, 2),
            (b'<', b'=', _) => (Token::LtEq, 2),
            (b'>', b'=', _) => (Token::GtEq, 2),
            (b'|', b'|', _) => (Token::StringConcat, 2),
            (b':', b':', _) => (Token::DoubleColon, 2),
            (b'-', b'>', _) => (Token::Arrow, 2),
            (b'=', ..) => (Token::Eq, 1),
            (b'<', ..) => (Token::Lt, 1),
            (b'>', ..) => (Token::Gt, 1),
            (b'+', ..) => (Token::Plus, 1),
            (b'-', ..) => (Token::Minus, 1),
            (b'*', ..) => (Token::Mul, 1),
            (b'/', ..) => (Token::Div, 1),
            (b'%', ..) => (Token::Mod, 1),
            (b'(', ..) => (Token::LParen, 1),
            (b')', ..) => (Token::RParen, 1),
            (b'[', ..) => (Token::LBracket, 1),
            (b']', ..) => (Token::RBracket, 1),
            (b'{', ..) => (Token::LBrace, 1),
            (b'}', ..) => (Token::RBrace, 1),
            (b',', ..) => (Token::Comma, 1),
            (b'.', ..) => (Token::Period, 1),
            (b':', ..) => (Token::Colon, 1),
            (b';', ..) => (Token::SemiColon, 1),
            (b'?', ..) => (Token::Question, 1),
            (b'^', ..) => (Token::Caret, 1),
            (b'|', ..) => (Token::Pipe, 1),
            (b'@', ..) => (Token::AtSign, 1),
            _ => {
                let c = self.text[self.at..].chars().next().unwrap_or(' ');
                return self.fail(self.at, &format!("unrecognized character {c:?}"));
            }
        };
        self.at += width;
        Ok(token)
    }

    /// Where inline data starts: behind the blanks, for FORMAT also behind one line end.
    fn data_start(&self, format: bool) -> usize {
        let mut at = self.at;
        while matches!(self.bytes.get(at), Some(b' ' | b'\t')) {
            at += 1;
        }
        if format {
            if self.bytes.get(at) == Some(&b'\r') {
                at += 1;
            }
            if self.bytes.get(at) == Some(&b'\n') {
                at += 1;
            }
        }
        at
    }
}

fn word(value: String, quote_style: Option<char>) -> Token {
    Token::Word(Word {
        value,
        quote_style,
        keyword: Keyword::NoKeyword,
    })
}

/// Whether `.1` behind this token is an element access rather than a number.
fn ends_a_value(token: Option<&Token>) -> bool {
    match token {
        Some(Token::Word(w)) => {
            w.quote_style.is_some()
                || ![
                    "SELECT", "WHERE", "AND", "OR", "NOT", "BETWEEN", "THEN", "ELSE", "WHEN",
                    "LIMIT", "IN", "BY", "HAVING", "RETURN", "INTERVAL",
                ]
                .contains(&w.value.to_ascii_uppercase().as_str())
        }
        Some(Token::RParen | Token::RBracket | Token::Number(..)) => true,
        _ => false,
    }
}

/// Where the VALUES data that starts at `at` ends: behind its semicolon, or with the text.
pub(super) fn values_end(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let (mut i, mut depth) = (at, 0i64);
    while i < bytes.len() {
        match bytes[i] {
            quote @ (b'\'' | b'"' | b'`') => {
                i += 1;
                while i < bytes.len() && bytes[i] != quote {
                    i += if bytes[i] == b'\\' { 2 } else { 1 };
                }
            }
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b';' if depth <= 0 => return i + 1,
            _ => {}
        }
        i += 1;
    }
    bytes.len()
}
