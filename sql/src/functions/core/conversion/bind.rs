//! Target types of conversions, and what binds them to the casts.
//!
//! Invariant: zones, precisions and scales are constants that are read here and nowhere else.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, IntervalUnit, Tz, text};

use super::super::conditional::{null_mask, pick, without_mask};
use super::{Or, Target};
use crate::Value;
use crate::functions::cast::{CastMode, bind_cast};
use crate::functions::library::kit::{Caster, arity, want};
use crate::functions::text::{Escaping, Style, TextWriter};
use crate::functions::{Arg, BindContext, BoundFunction, Kernel};

pub(super) fn zone_argument(args: &[Arg], i: usize) -> Result<Option<Tz>> {
    match args.get(i) {
        None => Ok(None),
        Some(arg) => match &arg.constant {
            Some(Value::Bytes(name)) => text::parse_zone(&String::from_utf8_lossy(name)).map(Some),
            _ => bail!(ILLEGAL_COLUMN, "the time zone must be a constant string"),
        },
    }
}

pub(super) fn constant_number(args: &[Arg], i: usize, name: &str) -> Result<u64> {
    let constant = args
        .get(i)
        .and_then(|a| a.constant.as_ref())
        .and_then(Value::as_u64);
    match constant {
        Some(n) => Ok(n),
        None => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "argument {} of function {name} must be a constant whole number",
            i + 1
        ),
    }
}

/// The zone in the argument's own type, where it has one.
pub(super) fn own_zone(args: &[Arg]) -> Option<Tz> {
    match args.first().map(|a| a.ty.value_type()) {
        Some(DataType::DateTime(tz) | DataType::DateTime64(_, tz)) => *tz,
        _ => None,
    }
}

pub(super) fn date_time(args: &[Arg]) -> Result<(DataType, usize)> {
    if args.get(1).is_some_and(|a| a.ty.is_integer()) {
        return date_time64(args);
    }
    let is_zone = args.get(1).is_some_and(|a| a.ty.is_string());
    let zone = if is_zone {
        zone_argument(args, 1)?
    } else {
        None
    };
    Ok((
        DataType::DateTime(zone.or(own_zone(args))),
        usize::from(is_zone),
    ))
}

/// A date in a zone of its own.
pub(super) fn date(args: &[Arg], ty: DataType) -> Result<(DataType, usize)> {
    let is_zone = args.get(1).is_some_and(|a| a.ty.is_string());
    Ok((ty, usize::from(is_zone)))
}

/// The argument with its time read in the zone that stands beside it, for dates.
pub(super) fn in_zone(arg: &Arg, tz: Tz) -> Arg {
    let ty = match arg.ty.value_type() {
        DataType::DateTime(_) => DataType::DateTime(Some(tz)),
        DataType::DateTime64(p, _) => DataType::DateTime64(*p, Some(tz)),
        _ => return arg.clone(),
    };
    let ty = if arg.ty.is_nullable() {
        ty.nullable()
    } else {
        ty
    };
    Arg { ty, ..arg.clone() }
}

pub(super) fn date_time64(args: &[Arg]) -> Result<(DataType, usize)> {
    let precision = constant_number(args, 1, "toDateTime64")?;
    if precision > 9 {
        bail!(
            ARGUMENT_OUT_OF_BOUND,
            "Scale {precision} is too large for DateTime64. Maximum is up to nanoseconds (9)"
        );
    }
    let is_zone = args.get(2).is_some_and(|a| a.ty.is_string());
    let zone = if is_zone {
        zone_argument(args, 2)?
    } else {
        None
    };
    let ty = DataType::DateTime64(precision as u8, zone.or(own_zone(args)));
    Ok((ty, 1 + usize::from(is_zone)))
}

pub(super) fn decimal(args: &[Arg], precision: u8) -> Result<(DataType, usize)> {
    let scale = constant_number(args, 1, "toDecimal")?;
    match u8::try_from(scale) {
        Ok(scale) if scale <= precision => Ok((DataType::Decimal(precision, scale), 1)),
        _ => bail!(
            ARGUMENT_OUT_OF_BOUND,
            "scale {scale} is larger than the precision {precision}"
        ),
    }
}

/// A conversion of the first argument, of which the target reads some of the others.
pub(super) fn to(
    args: &[Arg],
    context: &BindContext,
    target: Target,
    or: Or,
) -> Result<BoundFunction> {
    let (ty, taken) = target(args)?;
    let most = 1 + taken + usize::from(or == Or::Default);
    arity(args, 1..=most)?;
    if matches!(or, Or::Null | Or::Zero) && !args[0].ty.is_string() {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "Illegal type {} of first argument. Conversion functions with postfix 'OrZero' or 'OrNull' should take String argument",
            args[0].ty
        );
    }
    let mut context = context.clone();
    if let DataType::DateTime(Some(tz)) | DataType::DateTime64(_, Some(tz)) = &ty {
        context.time_zone = *tz;
    }
    let mut moved: Vec<Arg> = args.to_vec();
    if ty.is_date()
        && taken == 1
        && let (Some(tz), Some(first)) = (zone_argument(args, 1)?, moved.first_mut())
    {
        context.time_zone = tz;
        *first = in_zone(first, tz);
    }
    let default = args.get(1 + taken);
    if let Some(default) = default.filter(|d| or == Or::Default && d.ty != ty) {
        bail!(
            BAD_ARGUMENTS,
            "Default value type should be same as cast type. Expected {ty}. Actual {}",
            default.ty
        );
    }
    let args = &moved[..];
    match or {
        Or::Fail => convert_first(args, &context, &ty),
        Or::Null => with_mode(args, &context, &ty, CastMode::OrNull),
        Or::Zero => with_mode(args, &context, &ty, CastMode::OrZero),
        Or::Default => or_default(args, &context, &ty, CastMode::OrNull, args.get(1 + taken)),
    }
}

pub(super) fn with_mode(
    args: &[Arg],
    context: &BindContext,
    ty: &DataType,
    mode: CastMode,
) -> Result<BoundFunction> {
    let bound = bind_cast(&args[0].ty, ty, mode, context)?;
    let Kernel::Plain(kernel) = bound.kernel else {
        bail!(LOGICAL_ERROR, "a cast is no lambda")
    };
    Ok(BoundFunction::new(bound.ty, move |columns, rows| {
        kernel(&columns[..1], rows)
    }))
}

pub(super) fn convert_first(
    args: &[Arg],
    context: &BindContext,
    ty: &DataType,
) -> Result<BoundFunction> {
    let caster = Caster::new(&args[0].ty, ty, context)?;
    Ok(BoundFunction::new(ty.clone(), move |columns, _| {
        caster.apply(&columns[0])
    }))
}

/// NULLs of a forgiving conversion replaced by the default argument (or the type's default).
pub(super) fn or_default(
    args: &[Arg],
    context: &BindContext,
    ty: &DataType,
    mode: CastMode,
    default: Option<&Arg>,
) -> Result<BoundFunction> {
    let source = args[0].ty.without_nullable();
    let bound = bind_cast(&args[0].ty, ty, mode, context)
        .or_else(|_| bind_cast(&source, ty, mode, context))?;
    let Kernel::Plain(kernel) = bound.kernel else {
        bail!(LOGICAL_ERROR, "a cast is no lambda")
    };
    let caster = match default {
        Some(arg) => Some(Caster::new(&arg.ty, ty, context)?),
        None => None,
    };
    let (answer, ty) = (ty.clone(), ty.clone());
    Ok(BoundFunction::new(answer, move |columns, rows| {
        let converted = kernel(&columns[..1], rows)?;
        let nulls = null_mask(&converted, rows);
        let default = match (&caster, columns.last()) {
            (Some(caster), Some(column)) => caster.apply(column)?,
            _ => Column::defaults(&ty, rows),
        };
        let choice: Vec<u32> = nulls.iter().map(|n| u32::from(*n != 0)).collect();
        pick(&choice, &[without_mask(&converted), default], &ty)
    }))
}

pub(super) fn to_interval(
    args: &[Arg],
    context: &BindContext,
    unit: IntervalUnit,
) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    let ty = args[0].ty.value_type();
    want(
        args,
        0,
        ty.is_numeric() || ty.is_string() || matches!(ty, DataType::Interval(_)),
        "a number",
    )?;
    let caster = Caster::new(&args[0].ty, &DataType::Int64, context)?;
    Ok(BoundFunction::new(
        DataType::Interval(unit),
        move |columns, _| caster.apply(&columns[0]),
    ))
}

pub(super) fn to_string(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=2)?;
    let zone = zone_argument(args, 1)?;
    let Some(zone) = zone else {
        return convert_first(args, context, &DataType::String);
    };
    // The zone of the text is the argument's, whatever the type says.
    let ty = match args[0].ty.value_type() {
        DataType::DateTime(_) => DataType::DateTime(Some(zone)),
        DataType::DateTime64(p, _) => DataType::DateTime64(*p, Some(zone)),
        other => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "toString takes a time zone for DateTime only, not for {other}"
        ),
    };
    let writer = TextWriter::new(&ty, Style::new(Escaping::Plain, zone));
    Ok(BoundFunction::new(DataType::String, move |columns, _| {
        Ok(Column::Flat(roost_engine::column::Flat::Bytes(
            writer.column(&columns[0]),
        )))
    }))
}

pub(super) fn type_argument(args: &[Arg], i: usize) -> Result<DataType> {
    match args.get(i).and_then(|a| a.constant.as_ref()) {
        Some(Value::Bytes(name)) => text::parse(&String::from_utf8_lossy(name)),
        _ => bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "the type of a CAST must be a constant string"
        ),
    }
}

pub(super) fn cast(args: &[Arg], context: &BindContext, mode: CastMode) -> Result<BoundFunction> {
    arity(args, 2..=2)?;
    let ty = type_argument(args, 1)?;
    let keep = context
        .settings
        .get("cast_keep_nullable")
        .is_some_and(|v| v == "1");
    let ty = if keep && args[0].ty.is_nullable() {
        ty.nullable()
    } else {
        ty
    };
    with_mode(args, context, &ty, mode)
}

pub(super) fn cast_or_default(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=3)?;
    let ty = type_argument(args, 1)?;
    or_default(args, context, &ty, CastMode::AccurateOrNull, args.get(2))
}
