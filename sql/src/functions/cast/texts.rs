//! From and to text.
//!
//! Invariant: what fails to parse becomes an error, NULL or a default, as the mode says.

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::{Buffer, Column, ColumnBuilder, Flat};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::{CastMode, Convert, Ways};
use crate::functions::text::{Escaping, Style, TextParser, TextWriter};

fn style(ways: Ways) -> Style {
    Style {
        best_effort_times: ways.best_effort,
        ..Style::new(Escaping::Plain, ways.time_zone)
    }
}

/// The text of every value. The padding of FixedString is left off.
pub(super) fn to_string(from: &DataType, ways: Ways) -> Convert {
    if matches!(from, DataType::FixedString(_)) {
        return Arc::new(|flat, _| {
            let unpadded = |i: usize| {
                let text = flat.bytes_at(i);
                let padding = text.iter().rev().take_while(|b| **b == 0).count();
                &text[..text.len() - padding]
            };
            Ok(Flat::Bytes((0..flat.len()).map(unpadded).collect()))
        });
    }
    let writer = TextWriter::new(from, style(ways));
    Arc::new(move |flat, _| Ok(Flat::Bytes(writer.column(&Column::Flat(flat.clone())))))
}

/// Texts padded with zero bytes to a width.
pub(super) fn to_fixed(width: usize, ways: Ways) -> Convert {
    let null = ways.mode == CastMode::AccurateOrNull;
    Arc::new(move |flat, skip| {
        let rows = flat.len();
        let (mut data, mut failed) = (Vec::with_capacity(rows * width), vec![0u8; rows]);
        for (i, failed) in failed.iter_mut().enumerate() {
            let text = flat.bytes_at(i);
            let padding_only =
                text.iter().skip(width).all(|b| *b == 0) && matches!(flat, Flat::Fixed { .. });
            let hidden = skip.is_some_and(|s| s[i] != 0);
            if text.len() > width && !padding_only && !hidden {
                if !null {
                    bail!(
                        TOO_LARGE_STRING_SIZE,
                        "String too long for type FixedString({width})"
                    );
                }
                *failed = 1;
            }
            data.extend_from_slice(&text[..text.len().min(width)]);
            data.resize((i + 1) * width, 0);
        }
        let fixed = Flat::Fixed {
            width,
            data: Buffer::from(data),
        };
        match failed.contains(&1) {
            true => Flat::nullable(failed, fixed),
            false => Ok(fixed),
        }
    })
}

/// Reads values of `to` (perhaps Nullable: then some texts spell NULL).
pub(super) fn parse(from: &DataType, to: &DataType, ways: Ways) -> Result<Convert> {
    if matches!(to.without_nullable(), DataType::Map(..)) {
        bail!(
            TYPE_MISMATCH,
            "Unsupported types to CAST AS Map. Left type: {from}, right type: {to}"
        );
    }
    if to.without_nullable() == DataType::Nothing {
        return super::unsupported(from, to);
    }
    if matches!(
        to.without_nullable(),
        DataType::String | DataType::FixedString(_)
    ) {
        return super::plain(from, &to.without_nullable(), ways);
    }
    let forgives = ways.mode.forgives();
    let target = if forgives {
        to.without_nullable()
    } else {
        to.clone()
    };
    let mut parser = TextParser::new(&target, style(ways));
    if ways.mode != CastMode::Strict {
        parser = parser.checked();
    }
    let fixed = matches!(from, DataType::FixedString(_));
    let keep_zero = ways.mode == CastMode::OrZero;
    let (target, shape) = (target.clone(), to.clone());
    Ok(Arc::new(move |flat, skip| {
        let rows = flat.len();
        let mut builder = ColumnBuilder::new(&target, rows);
        let mut failed = vec![0u8; if forgives { rows } else { 0 }];
        for i in 0..rows {
            if skip.is_some_and(|s| s[i] != 0) {
                builder.push_default();
                continue;
            }
            let text = text_at(flat, i, fixed);
            match parser.parse(text, &mut builder) {
                Ok(()) => {}
                Err(error) if !forgives => return Err(error),
                Err(_) => {
                    failed[i] = 1;
                    builder.push_default();
                }
            }
        }
        let values = builder.finish();
        if values.len() != rows {
            // A nested value that broke off half way: nothing can be said of the rest.
            bail!(CANNOT_PARSE_TEXT, "Cannot parse a value of {shape}");
        }
        match failed.contains(&1) && !keep_zero {
            true => Flat::nullable(failed, values),
            false => Ok(values),
        }
    }))
}

fn text_at(flat: &Flat, row: usize, fixed: bool) -> &[u8] {
    let text = flat.bytes_at(row);
    match fixed {
        true => &text[..text.len() - text.iter().rev().take_while(|b| **b == 0).count()],
        false => text,
    }
}
