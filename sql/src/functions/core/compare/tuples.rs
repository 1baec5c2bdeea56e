//! Comparison of tuples: element by element, in order.
//!
//! Invariant: the answer is made of the elements' own comparisons, so NULL inside makes it unknown.

use roost_engine::column::Column;
use roost_engine::error::{Error, Result};
use roost_engine::types::DataType;

use super::Cmp;
use crate::functions::core::logic;
use crate::functions::core::operands::two;
use crate::functions::scalar::PlainKernel;
use crate::functions::{Arg, BindContext, BoundFunction, Kernel};

type Element = (DataType, PlainKernel);

fn element(cmp: Cmp, a: &DataType, b: &DataType, context: &BindContext) -> Result<Element> {
    let record = super::FUNCTIONS.iter().find(|f| f.name == cmp.name());
    let record = record.ok_or_else(|| Error::bug("a comparison without a record"))?;
    let bound = record.bind_framed(&[Arg::of(a.clone()), Arg::of(b.clone())], context)?;
    match bound.kernel {
        Kernel::Plain(kernel) => Ok((bound.ty, kernel)),
        Kernel::Lambda(_) => Err(Error::bug("a comparison is no lambda")),
    }
}

pub(super) fn bind(
    cmp: Cmp,
    a: &[DataType],
    b: &[DataType],
    context: &BindContext,
) -> Result<BoundFunction> {
    let all = |cmp: Cmp| -> Result<Vec<Element>> {
        a.iter()
            .zip(b)
            .map(|(a, b)| element(cmp, a, b, context))
            .collect()
    };
    let strict = match cmp {
        Cmp::Less | Cmp::LessOrEqual => Cmp::Less,
        Cmp::Greater | Cmp::GreaterOrEqual => Cmp::Greater,
        other => other,
    };
    let (firsts, lasts) = (all(strict)?, all(cmp)?);
    let ordered = !matches!(cmp, Cmp::Equal | Cmp::NotEqual);
    let equals = if ordered {
        all(Cmp::Equal)?
    } else {
        Vec::new()
    };
    let nullable = lasts.iter().any(|e| e.0.is_nullable());
    let ty = if nullable {
        DataType::UInt8.nullable()
    } else {
        DataType::UInt8
    };
    let empty = u8::from(matches!(
        cmp,
        Cmp::Equal | Cmp::LessOrEqual | Cmp::GreaterOrEqual
    ));
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let (a, b) = two(columns)?;
        let (a, b) = (a.to_flat(), b.to_flat());
        let pairs: Vec<[Column; 2]> = a
            .as_tuple()?
            .iter()
            .zip(b.as_tuple()?)
            .map(|(a, b)| [a.clone(), b.clone()])
            .collect();
        let Some(last) = pairs.len().checked_sub(1) else {
            return Ok(Column::native(vec![empty; rows]));
        };
        // a0 < b0 OR (a0 = b0 AND (a1 < b1 OR ...)), from the end.
        let mut verdict = (lasts[last].1)(&pairs[last], rows)?;
        for i in (0..last).rev() {
            let first = (firsts[i].1)(&pairs[i], rows)?;
            verdict = match cmp {
                Cmp::Equal => logic::and(&[first, verdict], rows, nullable)?,
                Cmp::NotEqual => logic::or(&[first, verdict], rows, nullable)?,
                _ => {
                    let equal = (equals[i].1)(&pairs[i], rows)?;
                    let rest = logic::and(&[equal, verdict], rows, nullable)?;
                    logic::or(&[first, rest], rows, nullable)?
                }
            };
        }
        logic::and(&[verdict], rows, nullable)
    }))
}
