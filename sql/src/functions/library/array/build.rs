//! Arrays from nothing or from single values.
//!
//! Invariant: values of several types become their supertype.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::kernels::concat::concat;
use roost_engine::types::DataType;

use super::super::kit::{Ints, Lists, arity, array, element, f, gather, unify_args, want};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const A: &str = "array";
const SIZE_MAX: i64 = 1 << 30;

macro_rules! empties {
    ($($name:literal $ty:ident),* $(,)?) => {
        /// The functions of this file.
        pub static FUNCTIONS: &[ScalarFunction] = &[
            f(
                A,
                "array(...)",
                "The arguments as an array of their supertype.",
                ("array(1, 2)", "[1,2]"),
                |args, context| build(args, context),
            )
            .sees_nulls(),
            f(
                A,
                "arrayWithConstant(n, value)",
                "An array with the value `n` times.",
                ("arrayWithConstant(3, 'a')", "['a','a','a']"),
                |args, _| with_constant(args),
            )
            .sees_nulls(),
            f(
                A,
                "emptyArrayToSingle(array)",
                "The array, or one default element where it is empty.",
                ("emptyArrayToSingle(emptyArrayUInt8())", "[0]"),
                |args, _| empty_to_single(args),
            ),
            $( f(
                A,
                concat!("emptyArray", $name, "()"),
                concat!("An empty Array(", $name, ")."),
                (concat!("emptyArray", $name, "()"), "[]"),
                |args, _| empty(args, DataType::$ty),
            ), )*
            f(
                A,
                "emptyArrayDateTime()",
                "An empty Array(DateTime).",
                ("emptyArrayDateTime()", "[]"),
                |args, _| empty(args, DataType::DateTime(None)),
            ),
        ];
    };
}

empties!(
    "UInt8" UInt8, "UInt16" UInt16, "UInt32" UInt32, "UInt64" UInt64, "Int8" Int8, "Int16" Int16,
    "Int32" Int32, "Int64" Int64, "Float32" Float32, "Float64" Float64, "Date" Date,
    "String" String,
);

fn empty(args: &[Arg], element: DataType) -> Result<BoundFunction> {
    arity(args, 0..=0)?;
    let ty = element.array();
    Ok(BoundFunction::new(ty.clone(), move |_, rows| {
        Ok(Column::defaults(&ty, rows))
    }))
}

fn build(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    if args.is_empty() {
        return empty(args, DataType::Nothing);
    }
    let (common, casters) = unify_args(args, context)?;
    Ok(BoundFunction::new(common.clone().array(), move |columns, rows| {
        let width = columns.len();
        let parts = columns.iter().zip(&casters).map(|(c, caster)| caster.apply(c));
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let offsets: Vec<u64> = (0..=rows).map(|r| (r * width) as u64).collect();
        if let [only] = parts.as_slice() {
            return array(offsets, only.clone());
        }
        let pool = concat(&parts.iter().collect::<Vec<_>>(), &common)?;
        let places: Vec<u32> = (0..rows)
            .flat_map(|row| (0..width).map(move |c| (c * rows + row) as u32))
            .collect();
        gather(offsets, &pool, &places)
    }))
}

fn with_constant(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let number = args[0].ty.value_type();
    want(args, 0, number.is_integer(), "an integer")?;
    Ok(BoundFunction::new(args[1].ty.clone().array(), |columns, rows| {
        let times = Ints::of(&columns[0])?;
        let (mut offsets, mut places) = (vec![0u64], Vec::new());
        for row in 0..rows {
            let n = times.get(row);
            if !(0..=SIZE_MAX).contains(&n) || places.len() as i64 + n > SIZE_MAX {
                bail!(
                    TOO_LARGE_ARRAY_SIZE,
                    "array size {n} must be from 0 to {SIZE_MAX}"
                );
            }
            places.extend(std::iter::repeat_n(row as u32, n as usize));
            offsets.push(places.len() as u64);
        }
        gather(offsets, &columns[1], &places)
    }))
}

fn empty_to_single(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    want(args, 0, matches!(args[0].ty, DataType::Array(_)), "an array")?;
    let inner = element(&args[0].ty);
    Ok(BoundFunction::new(args[0].ty.clone(), move |columns, rows| {
        let lists = Lists::of(&columns[0])?;
        let pool = concat(&[lists.elements(), &Column::defaults(&inner, 1)], &inner)?;
        let default = pool.len() as u32 - 1;
        let (mut offsets, mut places) = (vec![0u64], Vec::new());
        for row in 0..rows {
            let (start, end) = lists.bounds(row);
            places.extend(start as u32..end as u32);
            if start == end {
                places.push(default);
            }
            offsets.push(places.len() as u64);
        }
        gather(offsets, &pool, &places)
    }))
}
