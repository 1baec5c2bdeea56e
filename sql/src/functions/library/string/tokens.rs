//! Tokens of texts, and searching for them.
//!
//! Invariant: a token is a run of bytes that are ASCII letters, digits or not ASCII.

use memchr::memmem;
use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::super::kit::{
    StringLists, Strs, arity, f, integer, string, string_lists, strings, try_nums, utf8, want,
};
use super::needle::Fold;
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const S: &str = "string";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        S,
        "tokens(s[, tokenizer[, ...]])",
        "The tokens of a text; tokenizers: splitByNonAlpha, splitByString (separators), ngrams (n), \
         array.",
        ("tokens('a1, b-c')", "['a1','b','c']"),
        |args, _| tokens(args),
    ),
    f(
        S,
        "ngrams(s, n)",
        "All runs of `n` code points.",
        ("ngrams('hello', 3)", "['hel','ell','llo']"),
        |args, _| {
            arity(args, 2..=2)?;
            string(args, 0)?;
            integer(args, 1)?;
            by(Tokenizer::Ngrams(length(&args[1])?))
        },
    ),
    f(
        S,
        "hasToken(s, token)",
        "Whether the text has the token, between separators.",
        ("hasToken('hello world', 'hello')", "1"),
        |args, _| has(args, Fold::Exact),
    ),
    f(
        S,
        "hasTokenCaseInsensitive(s, token)",
        "`hasToken` that does not look at the case of ASCII letters.",
        ("hasTokenCaseInsensitive('HELLO world', 'hello')", "1"),
        |args, _| has(args, Fold::Ascii),
    ),
    f(
        S,
        "hasTokenOrNull(s, token)",
        "`hasToken` that gives NULL when the token has separators in it.",
        ("hasTokenOrNull('a b', 'a b')", "\\N"),
        |args, _| has_or_null(args, Fold::Exact),
    ),
    f(
        S,
        "hasTokenCaseInsensitiveOrNull(s, token)",
        "`hasTokenCaseInsensitive` that gives NULL when the token has separators in it.",
        ("hasTokenCaseInsensitiveOrNull('a b', 'A')", "1"),
        |args, _| has_or_null(args, Fold::Ascii),
    ),
];

enum Tokenizer {
    Words,
    Separators(Vec<Vec<u8>>),
    Ngrams(usize),
    Whole,
}

fn of_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || !b.is_ascii()
}

fn length(arg: &Arg) -> Result<usize> {
    match arg.constant.as_ref().and_then(|v| v.as_u64()) {
        Some(n) if n >= 1 => Ok(usize::try_from(n).unwrap_or(usize::MAX)),
        other => bail!(
            BAD_ARGUMENTS,
            "the length of ngrams must be a constant of at least 1, found {other:?}"
        ),
    }
}

fn tokens(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 1..=3)?;
    string(args, 0)?;
    let name = match args.get(1) {
        None => &b"splitByNonAlpha"[..],
        Some(arg) => match arg.constant.as_ref().and_then(|v| v.as_bytes()) {
            Some(name) => name,
            None => bail!(ILLEGAL_TYPE_OF_ARGUMENT, "the tokenizer must be a constant string"),
        },
    };
    by(match name {
        b"splitByNonAlpha" | b"default" => Tokenizer::Words,
        b"ngrams" | b"ngram" => Tokenizer::Ngrams(args.get(2).map_or(Ok(3), length)?),
        b"array" | b"noop" => Tokenizer::Whole,
        b"splitByString" | b"split" => Tokenizer::Separators(match args.get(2) {
            None => vec![b" ".to_vec()],
            Some(arg) => match &arg.constant {
                Some(Value::Array(list)) => {
                    list.iter().filter_map(|v| v.as_bytes().map(<[u8]>::to_vec)).collect()
                }
                _ => bail!(
                    ILLEGAL_TYPE_OF_ARGUMENT,
                    "the separators must be a constant array of strings"
                ),
            },
        }),
        other => bail!(
            BAD_ARGUMENTS,
            "unknown tokenizer '{}'",
            String::from_utf8_lossy(other)
        ),
    })
}

fn by(tokenizer: Tokenizer) -> Result<BoundFunction> {
    Ok(BoundFunction::new(DataType::String.array(), move |columns, rows| {
        let s = Strs::of(&columns[0])?;
        string_lists(rows, s.size(rows), |i, out| {
            tokenizer.push(s.get(i), out);
            Ok(())
        })
    }))
}

impl Tokenizer {
    fn push(&self, s: &[u8], out: &mut StringLists) {
        match self {
            Tokenizer::Words => {
                let words = s.split(|b| !of_word(*b)).filter(|w| !w.is_empty());
                words.for_each(|w| out.push(w));
            }
            Tokenizer::Whole => out.push(s),
            Tokenizer::Ngrams(n) => windows(s, *n, |gram| out.push(gram)),
            Tokenizer::Separators(list) => {
                let mut start = 0;
                let mut at = 0;
                while at < s.len() {
                    let hit = list.iter().find(|x| !x.is_empty() && s[at..].starts_with(x));
                    match hit {
                        Some(separator) => {
                            if at > start {
                                out.push(&s[start..at]);
                            }
                            at += separator.len();
                            start = at;
                        }
                        None => at += 1,
                    }
                }
                if start < s.len() {
                    out.push(&s[start..]);
                }
            }
        }
    }
}

/// Calls `visit` with every run of `n` code points.
pub(crate) fn windows<'a>(s: &'a [u8], n: usize, mut visit: impl FnMut(&'a [u8])) {
    let start = |from: usize| {
        let rest = s.get(from..).unwrap_or_default();
        rest.iter().position(|b| utf8::starts(*b)).map_or(s.len(), |i| from + i)
    };
    if utf8::count(s) < n {
        return;
    }
    let (mut from, mut to) = (0, utf8::offset(s, n));
    loop {
        visit(&s[from..to]);
        if to >= s.len() {
            return;
        }
        from = start(from + 1);
        to = start(to + 1);
    }
}

fn find_token(s: &[u8], token: &[u8]) -> bool {
    if token.is_empty() {
        return false;
    }
    memmem::find_iter(s, token).any(|at| {
        let before = at.checked_sub(1).map(|i| s[i]);
        let after = s.get(at + token.len()).copied();
        !before.is_some_and(of_word) && !after.is_some_and(of_word)
    })
}

fn has(args: &[Arg], fold: Fold) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    strings(args)?;
    Ok(BoundFunction::new(DataType::UInt8, move |columns, rows| {
        let (s, token) = (Strs::of(&columns[0])?, Strs::of(&columns[1])?);
        let (mut a, mut b) = (Vec::new(), Vec::new());
        try_nums(rows, |i| {
            let token = token.get(i);
            if !token.iter().all(|b| of_word(*b)) {
                bail!(BAD_ARGUMENTS, "the token must not contain separators");
            }
            Ok(u8::from(find_token(fold.apply(s.get(i), &mut a), fold.apply(token, &mut b))))
        })
    }))
}

fn has_or_null(args: &[Arg], fold: Fold) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    strings(args)?;
    want(args, 1, args[1].constant.is_some(), "a constant string")?;
    let token = args[1].constant.as_ref().and_then(|v| v.as_bytes());
    let ty = DataType::UInt8.nullable();
    if !token.unwrap_or_default().iter().all(|b| of_word(*b)) {
        return Ok(BoundFunction::new(ty.clone(), move |_, rows| {
            Ok(roost_engine::column::Column::defaults(&ty, rows))
        }));
    }
    let inner = has(args, fold)?;
    let crate::functions::Kernel::Plain(kernel) = inner.kernel else {
        bail!(LOGICAL_ERROR, "hasToken is no lambda");
    };
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let values = kernel(columns, rows)?.to_flat();
        let nulls = vec![0; rows];
        Ok(roost_engine::column::Flat::nullable(nulls, values)?.into())
    }))
}
