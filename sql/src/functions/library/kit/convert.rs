//! Values as text, and columns of one type as another: thin names over the casts.
//!
//! Invariant: what has the wanted type already is not copied.

use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::DataType;

use crate::functions::cast::{CastMode, bind_cast};
use crate::functions::supertype::least_supertype;
use crate::functions::text::{Escaping, Style, TextWriter};
use crate::functions::{Arg, BindContext, Kernel, scalar::PlainKernel};

/// The values of `column` as strings, as `toString` writes them.
pub(crate) fn to_text(column: &Column, ty: &DataType) -> Result<Column> {
    Ok(Texts::new(ty, &BindContext::default()).apply(column))
}

/// Turns columns of one type into strings.
pub(crate) struct Texts(Option<TextWriter>);

impl Texts {
    pub(crate) fn new(ty: &DataType, context: &BindContext) -> Self {
        Texts(
            (!ty.is_string())
                .then(|| TextWriter::new(ty, Style::new(Escaping::Plain, context.time_zone))),
        )
    }

    pub(crate) fn apply(&self, column: &Column) -> Column {
        match &self.0 {
            None => column.clone(),
            Some(writer) => match column {
                Column::Const { len, .. } if *len > 1 => Column::Const {
                    value: Flat::Bytes(writer.column(&column.slice(0, 1))).into(),
                    len: *len,
                },
                other => Column::Flat(Flat::Bytes(writer.column(other))),
            },
        }
    }
}

/// A conversion between two types, decided once.
#[derive(Clone)]
pub(crate) struct Caster(Option<PlainKernel>);

impl Caster {
    pub(crate) fn new(from: &DataType, to: &DataType, context: &BindContext) -> Result<Self> {
        if from.without_low_cardinality() == *to {
            return Ok(Caster(None));
        }
        match bind_cast(from, to, CastMode::Strict, context)?.kernel {
            Kernel::Plain(kernel) => Ok(Caster(Some(kernel))),
            Kernel::Lambda(_) => Ok(Caster(None)),
        }
    }

    pub(crate) fn apply(&self, column: &Column) -> Result<Column> {
        match &self.0 {
            None => Ok(column.clone()),
            Some(kernel) => kernel(std::slice::from_ref(column), column.len()),
        }
    }
}

/// The supertype of some types, and a conversion to it from each of them.
pub(crate) fn unify(types: &[DataType], context: &BindContext) -> Result<(DataType, Vec<Caster>)> {
    let common = least_supertype(types)?;
    let casters = types.iter().map(|ty| Caster::new(ty, &common, context));
    let casters = casters.collect::<Result<Vec<_>>>()?;
    Ok((common, casters))
}

/// [`unify`] of arguments.
pub(crate) fn unify_args(args: &[Arg], context: &BindContext) -> Result<(DataType, Vec<Caster>)> {
    let types: Vec<DataType> = args.iter().map(|a| a.ty.clone()).collect();
    unify(&types, context)
}
