//! What `CODEC(...)` asks for, as encoding and compression.
//!
//! Invariant: every text is either obeyed in the sense of `docs/format/v1.md` or refused.

use super::Compression;
use crate::error::{Code, Error, Result};

/// How numbers are to be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// Page by page, the one that is estimated smallest.
    #[default]
    Auto,
    /// As they are.
    Plain,
    /// Differences.
    Delta,
    /// Differences of differences.
    DoubleDelta,
    /// Offsets from the smallest value.
    Frame,
}

/// Encoding and compression of one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CodecChoice {
    /// Of numbers.
    pub encoding: Encoding,
    /// Of byte runs.
    pub compression: Compression,
}

impl CodecChoice {
    /// The choice of the inner text of `CODEC(...)`, for example `Delta(4), ZSTD(1)`; what it
    /// leaves open is chosen and compressed with `default`.
    ///
    /// # Errors
    /// UNKNOWN_CODEC for a codec that is not known, ILLEGAL_CODEC_PARAMETER for a parameter that is
    /// out of range.
    pub fn parse(text: Option<&str>, default: Compression) -> Result<Self> {
        let mut choice = CodecChoice {
            encoding: Encoding::Auto,
            compression: default,
        };
        let parts = text.map(inner_text).filter(|t| !t.is_empty()).into_iter();
        for part in parts.flat_map(|t| t.split(',')) {
            choice.add(part.trim(), default)?;
        }
        Ok(choice)
    }

    fn add(&mut self, part: &str, default: Compression) -> Result<()> {
        let (name, parameter) = match part.split_once('(') {
            Some((name, rest)) => (
                name.trim(),
                Some(rest.strip_suffix(')').ok_or_else(|| unknown(part))?.trim()),
            ),
            None => (part, None),
        };
        let in_range = |low: i64, high: i64| match parameter.map(|p| (p, p.parse::<i64>())) {
            None => Ok(None),
            Some((_, Ok(n))) if (low..=high).contains(&n) => Ok(Some(n)),
            Some((found, _)) => Err(Error::new(
                Code::ILLEGAL_CODEC_PARAMETER,
                format!("codec '{part}' has parameter {found}, expected {low} to {high}"),
            )),
        };
        match name.to_ascii_lowercase().as_str() {
            "none" => {
                self.compression = Compression::None;
                if self.encoding == Encoding::Auto {
                    self.encoding = Encoding::Plain;
                }
            }
            "default" => self.compression = default,
            "lz4" => self.compression = Compression::Lz4,
            "lz4hc" => {
                in_range(0, 12)?;
                self.compression = Compression::Lz4;
            }
            "zstd" => self.compression = Compression::Zstd(in_range(1, 22)?.unwrap_or(1) as i32),
            "delta" => {
                in_range(1, 8)?;
                self.encoding = Encoding::Delta;
            }
            "doubledelta" => {
                in_range(1, 8)?;
                self.encoding = Encoding::DoubleDelta;
            }
            "t64" if parameter.is_none_or(|p| ["'bit'", "'byte'"].contains(&p)) => {
                self.encoding = Encoding::Frame;
            }
            "gcd" | "alp" if parameter.is_none() => self.encoding = Encoding::Auto,
            "gorilla" => self.encoding = in_range(1, 8).map(|_| Encoding::Auto)?,
            "fpc" => self.encoding = in_range(1, 28).map(|_| Encoding::Auto)?,
            _ => return Err(unknown(part)),
        }
        Ok(())
    }
}

/// The text without the `CODEC(...)` around it, should it have one.
fn inner_text(text: &str) -> &str {
    let text = text.trim();
    let wrapped = text
        .get(..5)
        .is_some_and(|word| word.eq_ignore_ascii_case("codec"));
    let inner = text.get(5..).filter(|_| wrapped).map(str::trim);
    let inner = inner.and_then(|t| t.strip_prefix('(')?.strip_suffix(')'));
    inner.unwrap_or(text).trim()
}

fn unknown(part: &str) -> Error {
    Error::new(
        Code::UNKNOWN_CODEC,
        format!(
            "unknown codec '{part}', expected NONE, Default, LZ4, LZ4HC, ZSTD, Delta, DoubleDelta, \
             T64, GCD, Gorilla, FPC or ALP"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codecs_are_obeyed_or_refused() {
        let parse = |t| CodecChoice::parse(Some(t), Compression::Lz4);
        let choice = |encoding, compression| CodecChoice {
            encoding,
            compression,
        };
        assert_eq!(
            parse("Delta(4), ZSTD(3)").unwrap(),
            choice(Encoding::Delta, Compression::Zstd(3))
        );
        assert_eq!(
            parse("NONE").unwrap(),
            choice(Encoding::Plain, Compression::None)
        );
        assert_eq!(
            parse("DoubleDelta").unwrap(),
            choice(Encoding::DoubleDelta, Compression::Lz4)
        );
        assert_eq!(
            parse(" zstd ").unwrap(),
            choice(Encoding::Auto, Compression::Zstd(1))
        );
        assert_eq!(
            parse("T64, Default").unwrap(),
            choice(Encoding::Frame, Compression::Lz4)
        );
        assert_eq!(
            CodecChoice::parse(None, Compression::Lz4).unwrap(),
            CodecChoice::default()
        );
        assert_eq!(
            parse("codec( ZSTD(3) )").unwrap(),
            parse("ZSTD(3)").unwrap()
        );
        assert_eq!(parse("T64('bit')").unwrap(), parse("T64").unwrap());
        for bad in ["Brotli", "ZSTD(", "Delta,,LZ4", "T64(1)"] {
            assert_eq!(parse(bad).unwrap_err().code(), Code::UNKNOWN_CODEC, "{bad}");
        }
        for bad in ["ZSTD(99)", "ZSTD(x)", "Delta(9)"] {
            assert_eq!(
                parse(bad).unwrap_err().code(),
                Code::ILLEGAL_CODEC_PARAMETER,
                "{bad}"
            );
        }
    }
}
