//! From and to enums.
//!
//! Invariant: a number without a name never becomes an enum value.

use std::sync::Arc;

use roost_engine::bail;
use roost_engine::column::Flat;
use roost_engine::error::Result;
use roost_engine::types::{DataType, EnumNames};

use super::{CastMode, Convert, Ways};
use crate::functions::numeric::numbers_of;

fn names_of(ty: &DataType) -> &[(i16, String)] {
    match ty {
        DataType::Enum8(names) | DataType::Enum16(names) => &names.values,
        _ => &[],
    }
}

fn held_as(numbers: Vec<i16>, to: &DataType) -> Flat {
    match to {
        DataType::Enum8(_) => Flat::native(numbers.iter().map(|n| *n as i8).collect::<Vec<i8>>()),
        _ => Flat::native(numbers),
    }
}

/// Numbers to the enum values that have them.
pub(super) fn from_number(names: &Arc<EnumNames>, to: &DataType, ways: Ways) -> Result<Convert> {
    let (names, to) = (Arc::clone(names), to.clone());
    let null = ways.mode == CastMode::AccurateOrNull;
    Ok(Arc::new(move |flat, skip| {
        let numbers = numbers_of::<i64>(flat)?;
        let known = |n: &i64| i16::try_from(*n).is_ok_and(|n| names.name_of(n).is_some());
        let failed: Vec<u8> = numbers.iter().map(|n| u8::from(!known(n))).collect();
        let visible = |i: usize| failed[i] != 0 && skip.is_none_or(|s| s[i] == 0);
        let bad = (0..numbers.len()).find(|i| visible(*i));
        let flat = held_as(numbers.iter().map(|n| *n as i16).collect(), &to);
        match bad {
            None => Ok(flat),
            Some(_) if null => Flat::nullable(failed, flat),
            Some(i) => bail!(
                UNKNOWN_ELEMENT_OF_ENUM,
                "Unexpected value {} in enum {to}",
                numbers[i]
            ),
        }
    }))
}

/// Between enums: a name must keep its number; every number that occurs must have a name.
pub(super) fn between(from: &DataType, to: &DataType) -> Result<Convert> {
    for (number, name) in names_of(from) {
        let other = names_of(to).iter().find(|v| v.1 == *name);
        if let Some((there, _)) = other.filter(|v| v.0 != *number) {
            bail!(
                CANNOT_CONVERT_TYPE,
                "Enum conversion changes value for element '{name}' from {number} to {there}"
            );
        }
    }
    let to = to.clone();
    Ok(Arc::new(move |flat, skip| {
        let numbers = numbers_of::<i16>(flat)?;
        let names = names_of(&to);
        let known = |n: i16| names.binary_search_by_key(&n, |v| v.0).is_ok();
        for (i, n) in numbers.iter().enumerate() {
            if !known(*n) && skip.is_none_or(|s| s[i] == 0) {
                bail!(UNKNOWN_ELEMENT_OF_ENUM, "Unexpected value {n} in enum {to}");
            }
        }
        Ok(held_as(numbers.to_vec(), &to))
    }))
}
