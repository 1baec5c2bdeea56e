//! Functions over arrays that may be mapped by a lambda first.
//!
//! Invariant: all arrays of a row have one length, and `values` has one entry per element of the
//! first array.

use roost_engine::bail;
use roost_engine::column::{Buffer, Column};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use super::list_arg;
use crate::functions::{Arg, BoundFunction, LambdaBody};

/// The arrays of a block after the lambda.
pub(crate) struct Mapped {
    /// From zero; one more than rows.
    pub(crate) offsets: Buffer<u64>,
    /// The lambda's answers, or the elements where there is none.
    pub(crate) values: Column,
    /// The elements of the first array.
    pub(crate) first: Column,
}

impl Mapped {
    /// Start and end of a row in `values` and `first`.
    #[inline]
    pub(crate) fn bounds(&self, row: usize) -> (usize, usize) {
        (self.offsets[row] as usize, self.offsets[row + 1] as usize)
    }
}

/// Types of the lambda's parameters: an element of each array. One array of tuples may feed a
/// lambda of as many parameters as a tuple has elements.
pub(crate) fn elements_of(types: &[DataType], params: usize) -> Result<Vec<DataType>> {
    let mut elements = Vec::with_capacity(types.len());
    for (i, ty) in types.iter().enumerate() {
        match ty {
            DataType::Array(e) => elements.push(e.as_ref().clone()),
            other => bail!(
                ILLEGAL_TYPE_OF_ARGUMENT,
                "illegal type {other} of argument {}, expected an array",
                i + 2
            ),
        }
    }
    if let [DataType::Tuple(t)] = elements.as_slice()
        && params == t.types.len()
        && params > 1
    {
        return Ok(t.types.clone());
    }
    if params != elements.len() {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "the lambda has {params} parameters, expected {}",
            elements.len()
        );
    }
    Ok(elements)
}

/// Binds a function of `Mapped` arrays. `skip` plain arguments stand between lambda and arrays and
/// are handed to the kernel as they are.
pub(crate) fn higher_order(
    args: &[Arg],
    skip: usize,
    ty: DataType,
    kernel: impl Fn(&Mapped, &[Column], usize) -> Result<Column> + Send + Sync + 'static,
) -> Result<BoundFunction> {
    let lambda = args.first().and_then(|a| a.lambda.as_ref());
    let before = usize::from(lambda.is_some()) + skip;
    if args.len() <= before {
        bail!(
            NUMBER_OF_ARGUMENTS_DOESNT_MATCH,
            "found {} arguments, expected an array after them",
            args.len()
        );
    }
    for i in before..args.len() {
        list_arg(args, i)?;
    }
    match lambda {
        Some(lambda) => {
            let params = lambda.params.len();
            Ok(BoundFunction::with_lambda(
                ty,
                move |body, columns, rows| {
                    let (plain, arrays) = columns.split_at(skip.min(columns.len()));
                    kernel(&map(body, arrays, params)?, plain, rows)
                },
            ))
        }
        None => Ok(BoundFunction::new(ty, move |columns, rows| {
            let (plain, arrays) = columns.split_at(skip.min(columns.len()));
            let (offsets, mut parts) = aligned(arrays)?;
            let first = parts.swap_remove(0);
            let values = first.clone();
            let mapped = Mapped {
                offsets,
                values,
                first,
            };
            kernel(&mapped, plain, rows)
        })),
    }
}

/// The elements of all arrays side by side, when they agree in length.
pub(crate) fn aligned(arrays: &[Column]) -> Result<(Buffer<u64>, Vec<Column>)> {
    let mut elements = Vec::with_capacity(arrays.len());
    let mut offsets: Option<Buffer<u64>> = None;
    for column in arrays {
        let flat = column.to_flat();
        let (own, inner) = flat.as_array()?.compact();
        match &offsets {
            Some(first) if first[..] != own[..] => bail!(
                SIZES_OF_ARRAYS_DONT_MATCH,
                "the arrays of a row have different lengths"
            ),
            Some(_) => {}
            None => offsets = Some(own),
        }
        elements.push(inner);
    }
    let offsets = offsets.unwrap_or_else(|| Buffer::from(vec![0]));
    Ok((offsets, elements))
}

fn map(body: &dyn LambdaBody, arrays: &[Column], params: usize) -> Result<Mapped> {
    let (offsets, elements) = aligned(arrays)?;
    let first = elements.first().cloned();
    let Some(first) = first else {
        bail!(NUMBER_OF_ARGUMENTS_DOESNT_MATCH, "expected an array");
    };
    let count = first.len();
    let flat = match (params, elements.len()) {
        (1, 1) => None,
        (_, 1) => Some(first.to_flat()),
        _ => None,
    };
    let values = match &flat {
        Some(tuples) => body.call(tuples.as_tuple()?, &offsets, count)?,
        None => body.call(&elements, &offsets, count)?,
    };
    Ok(Mapped {
        offsets,
        values,
        first,
    })
}
