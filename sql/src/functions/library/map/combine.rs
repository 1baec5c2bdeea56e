//! Maps combined key by key.
//!
//! Invariant: sums come with their keys in ascending order; updates keep the order of entries.

use hashbrown::HashSet;
use roost_engine::bail;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::kernels::compare::compare;
use roost_engine::kernels::concat::concat;
use roost_engine::kernels::take::take;
use roost_engine::types::DataType;

use super::super::array::totals::sum_type;
use super::super::kit::{Caster, Lists, arity, array, f, gather, ids_of_two, unify};
use super::build::{entries, map_arg, map_column, map_type};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const M: &str = "map";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        M,
        "mapAdd(map, ...)",
        "The sums of the values of equal keys. Maps, or tuples of arrays of keys and values.",
        ("mapAdd(map('a', 1), map('a', 2, 'b', 3))", "{'a':3,'b':3}"),
        |args, context| total(args, context, 1),
    ),
    f(
        M,
        "mapSubtract(map, ...)",
        "The first map's values less those of equal keys in the others.",
        ("mapSubtract(map('a', toInt64(1)), map('a', toInt64(3)))", "{'a':-2}"),
        |args, context| total(args, context, -1),
    ),
    f(
        M,
        "mapUpdate(map, changes)",
        "The entries of the first map whose keys the second does not have, then those of the second.",
        ("mapUpdate(map('a', 1, 'b', 2), map('a', 5))", "{'b':2,'a':5}"),
        update,
    ),
];

/// Types of keys and values of a map, or of a tuple of two arrays.
fn sides(args: &[Arg], i: usize) -> Result<(DataType, DataType)> {
    match args[i].ty.tuple_types() {
        Some([DataType::Array(k), DataType::Array(v)]) => {
            Ok((k.as_ref().clone(), v.as_ref().clone()))
        }
        _ => map_arg(args, i),
    }
}

/// Offsets, keys and values of a map column or of a column of such tuples.
fn read(column: &Column, tuple: bool) -> Result<(Vec<u64>, Column, Column)> {
    if tuple {
        let parts = super::super::tuple::build::elements(column)?;
        let (offsets, mut parts) = super::super::kit::aligned(&parts)?;
        return match (parts.pop(), parts.pop()) {
            (Some(values), Some(keys)) => Ok((offsets.to_vec(), keys, values)),
            _ => bail!(LOGICAL_ERROR, "a map's entries are not pairs"),
        };
    }
    let flat = column.to_flat();
    let (offsets, inner) = flat.as_array()?.compact();
    let pairs = inner.to_flat();
    match pairs.as_tuple()? {
        [keys, values] => Ok((offsets.to_vec(), keys.clone(), values.clone())),
        other => bail!(LOGICAL_ERROR, "a map's entries have {} parts", other.len()),
    }
}

fn total(args: &[Arg], context: &BindContext, sign: i8) -> Result<BoundFunction> {
    arity(args, 1..=usize::MAX)?;
    let tuple = args[0].ty.tuple_types().is_some();
    let types = (0..args.len()).map(|i| sides(args, i)).collect::<Result<Vec<_>>>()?;
    let (keys, values): (Vec<_>, Vec<_>) = types.into_iter().unzip();
    let (key, key_casts) = unify(&keys, context)?;
    let value = sum_type(&unify(&values, context)?.0)?;
    let value_casts = values.iter().map(|v| Caster::new(v, &value, context));
    let value_casts = value_casts.collect::<Result<Vec<_>>>()?;
    let ty = match tuple {
        true => DataType::tuple(vec![key.clone().array(), value.clone().array()]),
        false => map_type(key.clone(), value.clone())?,
    };
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let mut parts = Vec::with_capacity(columns.len());
        for (i, column) in columns.iter().enumerate() {
            let (offsets, k, v) = read(column, tuple)?;
            parts.push((offsets, key_casts[i].apply(&k)?, value_casts[i].apply(&v)?));
        }
        let keys = concat(&parts.iter().map(|p| &p.1).collect::<Vec<_>>(), &key)?;
        let values = concat(&parts.iter().map(|p| &p.2).collect::<Vec<_>>(), &value)?;
        let sums = Sums::over(&parts, &keys, rows);
        let values = sums.add(&values.to_flat(), sign)?;
        let keys = take(&keys, &sums.firsts);
        match tuple {
            true => {
                let keys = array(sums.offsets.clone(), keys)?;
                Ok(Column::Flat(Flat::tuple(vec![keys, array(sums.offsets, values)?], rows)?))
            }
            false => map_column(sums.offsets, keys, values),
        }
    }))
}

/// Which entries of all maps add up to which entries of the answer.
struct Sums {
    /// Ends of the answer's rows.
    offsets: Vec<u64>,
    /// For each entry of the answer one entry with its key.
    firsts: Vec<u32>,
    /// (entry, entry of the answer, whether it is from the first map).
    terms: Vec<(u32, u32, bool)>,
}

impl Sums {
    fn over(parts: &[(Vec<u64>, Column, Column)], keys: &Column, rows: usize) -> Sums {
        let mut sums = Sums {
            offsets: vec![0],
            firsts: Vec::new(),
            terms: Vec::new(),
        };
        for row in 0..rows {
            let (mut base, mut all) = (0usize, Vec::new());
            for (i, (offsets, k, _)) in parts.iter().enumerate() {
                let range = offsets[row] as usize..offsets[row + 1] as usize;
                all.extend(range.map(|at| ((base + at) as u32, i == 0)));
                base += k.len();
            }
            all.sort_by(|a, b| compare(keys, a.0 as usize, keys, b.0 as usize));
            for (at, first) in all {
                let row_start = sums.offsets.last().copied().unwrap_or(0) as usize;
                let same = sums.firsts[row_start.min(sums.firsts.len())..]
                    .last()
                    .is_some_and(|last| compare(keys, *last as usize, keys, at as usize).is_eq());
                if !same {
                    sums.firsts.push(at);
                }
                sums.terms.push((at, sums.firsts.len() as u32 - 1, first));
            }
            sums.offsets.push(sums.firsts.len() as u64);
        }
        sums
    }

    fn add(&self, values: &Flat, sign: i8) -> Result<Column> {
        macro_rules! add {
            ($v:expr, $ty:ty, $plus:expr, $minus:expr) => {{
                let mut out = vec![<$ty>::default(); self.firsts.len()];
                for (from, to, first) in &self.terms {
                    let slot = &mut out[*to as usize];
                    let term = $v[*from as usize];
                    *slot = match sign < 0 && !first {
                        true => $minus(*slot, term),
                        false => $plus(*slot, term),
                    };
                }
                Ok(Column::native(out))
            }};
        }
        match values {
            Flat::U64(v) => add!(v, u64, u64::wrapping_add, u64::wrapping_sub),
            Flat::I64(v) => add!(v, i64, i64::wrapping_add, i64::wrapping_sub),
            Flat::U128(v) => add!(v, u128, u128::wrapping_add, u128::wrapping_sub),
            Flat::I128(v) => add!(v, i128, i128::wrapping_add, i128::wrapping_sub),
            Flat::F64(v) => add!(v, f64, |a: f64, b: f64| a + b, |a: f64, b: f64| a - b),
            other => bail!(LOGICAL_ERROR, "cannot add {}", other.shape_name()),
        }
    }
}

fn update(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let ((k1, v1), (k2, v2)) = (map_arg(args, 0)?, map_arg(args, 1)?);
    let ty = map_type(unify(&[k1, k2], context)?.0, unify(&[v1, v2], context)?.0)?;
    let casters = [
        Caster::new(&args[0].ty, &ty, context)?,
        Caster::new(&args[1].ty, &ty, context)?,
    ];
    let entry = ty.map_entry().unwrap_or(DataType::Nothing);
    Ok(BoundFunction::new(ty, move |columns, rows| {
        let (old, new) = (casters[0].apply(&columns[0])?, casters[1].apply(&columns[1])?);
        let (old, new) = (Lists::of(&old)?, Lists::of(&new)?);
        let pool = concat(&[old.elements(), new.elements()], &entry)?;
        let base = old.elements().len();
        let (k1, _) = entries(&old)?;
        let (k2, _) = entries(&new)?;
        let (first, second) = ids_of_two(&k1, &k2);
        let (mut offsets, mut places) = (vec![0u64], Vec::new());
        for row in 0..rows {
            let ((s, e), (t, u)) = (old.bounds(row), new.bounds(row));
            let changed: HashSet<u32> = second[t..u].iter().copied().collect();
            places.extend((s..e).filter(|i| !changed.contains(&first.of[*i])).map(|i| i as u32));
            places.extend((base + t) as u32..(base + u) as u32);
            offsets.push(places.len() as u64);
        }
        gather(offsets, &pool, &places)
    }))
}
