//! Numbers as people like to read them.
//!
//! Invariant: two digits after the point, except where a count of units is whole.

use roost_engine::bail;
use roost_engine::column::Column;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use crate::functions::core::arithmetic::illegal;
use crate::functions::core::operands::Operand;
use crate::functions::library::kit::{arity, f, text};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const CATEGORY: &str = "other";
const BINARY: [&str; 9] = [
    " B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB", " ZiB", " YiB",
];
const DECIMAL: [&str; 9] = [" B", " KB", " MB", " GB", " TB", " PB", " EB", " ZB", " YB"];
const QUANTITY: [&str; 12] = [
    "",
    " thousand",
    " million",
    " billion",
    " trillion",
    " quadrillion",
    " quintillion",
    " sextillion",
    " septillion",
    " octillion",
    " nonillion",
    " decillion",
];

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "formatReadableSize(bytes)",
        "A number of bytes with a binary unit.",
        ("formatReadableSize(1024)", "1.00 KiB"),
        |a, _| bind_scaled("formatReadableSize", a, 1024.0, &BINARY),
    )
    .also(&["FORMAT_BYTES"])
    .any_case(),
    f(
        CATEGORY,
        "formatReadableDecimalSize(bytes)",
        "A number of bytes with a decimal unit.",
        ("formatReadableDecimalSize(123456789)", "123.46 MB"),
        |a, _| bind_scaled("formatReadableDecimalSize", a, 1000.0, &DECIMAL),
    ),
    f(
        CATEGORY,
        "formatReadableQuantity(n)",
        "A number with the word for its size.",
        ("formatReadableQuantity(123456789)", "123.46 million"),
        |a, _| bind_scaled("formatReadableQuantity", a, 1000.0, &QUANTITY),
    ),
    f(
        CATEGORY,
        "formatReadableTimeDelta(seconds[, longest[, shortest]])",
        "A number of seconds in years, months, days, ...",
        (
            "formatReadableTimeDelta(3661)",
            "1 hour, 1 minute and 1 second",
        ),
        bind_delta,
    ),
    f(
        CATEGORY,
        "bar(x, min, max[, width])",
        "A bar of blocks, as long as x stands between min and max.",
        ("bar(5, 0, 10, 4)", "██"),
        bind_bar,
    ),
];

fn bind_scaled(
    name: &str,
    args: &[Arg],
    base: f64,
    units: &'static [&'static str],
) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    if !(args[0].ty.is_integer() || args[0].ty.is_float()) {
        return illegal(name, args);
    }
    Ok(BoundFunction::new(
        DataType::String,
        move |columns, rows| {
            let values = Operand::<f64>::of(&columns[0])?;
            Ok(text(rows, rows * 12, |row, out| {
                let (mut value, mut unit) = (values.get(row), 0);
                while unit + 1 < units.len() && value.abs() >= base {
                    value /= base;
                    unit += 1;
                }
                out.extend_from_slice(format!("{value:.2}{}", units[unit]).as_bytes());
            }))
        },
    ))
}

/// Units from long to short: name, seconds.
const UNITS: [(&str, f64); 9] = [
    ("years", 31_536_000.0),
    ("months", 2_635_200.0),
    ("days", 86_400.0),
    ("hours", 3600.0),
    ("minutes", 60.0),
    ("seconds", 1.0),
    ("milliseconds", 1e-3),
    ("microseconds", 1e-6),
    ("nanoseconds", 1e-9),
];

fn unit_argument(args: &[Arg], i: usize, default: usize) -> Result<usize> {
    let Some(arg) = args.get(i) else {
        return Ok(default);
    };
    let Some(Value::Bytes(name)) = &arg.constant else {
        bail!(
            ILLEGAL_TYPE_OF_ARGUMENT,
            "the unit of function formatReadableTimeDelta must be a constant string"
        );
    };
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    match UNITS
        .iter()
        .position(|u| u.0 == name || u.0.strip_suffix('s') == Some(&name))
    {
        Some(at) => Ok(at),
        None => bail!(
            BAD_ARGUMENTS,
            "Unexpected value of unit '{name}' in function formatReadableTimeDelta"
        ),
    }
}

fn bind_delta(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 1..=3)?;
    if !(args[0].ty.is_integer() || args[0].ty.is_float()) {
        return illegal("formatReadableTimeDelta", args);
    }
    let longest = unit_argument(args, 1, 0)?;
    let shortest = unit_argument(args, 2, longest.max(5))?;
    if shortest < longest {
        bail!(
            BAD_ARGUMENTS,
            "the shortest unit of function formatReadableTimeDelta is longer than the longest"
        );
    }
    Ok(BoundFunction::new(
        DataType::String,
        move |columns, rows| {
            let values = Operand::<f64>::of(&columns[0])?;
            Ok(text(rows, rows * 32, |row, out| {
                out.extend_from_slice(delta(values.get(row), longest, shortest).as_bytes());
            }))
        },
    ))
}

fn delta(seconds: f64, longest: usize, shortest: usize) -> String {
    if !seconds.is_finite() {
        return if seconds.is_nan() {
            "nan".into()
        } else if seconds > 0.0 {
            "inf".into()
        } else {
            "-inf".into()
        };
    }
    let sign = if seconds < 0.0 { "- " } else { "" };
    // In whole steps of the shortest unit, so that no fraction gets lost on the way.
    let mut left = (seconds.abs() / UNITS[shortest].1 + 1e-6).floor();
    let mut parts: Vec<String> = Vec::new();
    for (i, (name, length)) in UNITS.iter().enumerate().take(shortest + 1).skip(longest) {
        let steps = (length / UNITS[shortest].1).round();
        let count = (left / steps).floor();
        left -= count * steps;
        let whole_second = *name == "seconds" && shortest > 5;
        if count == 0.0 && !(i == shortest && parts.is_empty()) && !whole_second {
            continue;
        }
        let name = if count == 1.0 {
            name.trim_end_matches('s')
        } else {
            name
        };
        parts.push(format!("{count} {name}"));
    }
    match parts.split_last() {
        Some((last, [])) => format!("{sign}{last}"),
        Some((last, rest)) => format!("{sign}{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

fn bind_bar(args: &[Arg], _: &BindContext) -> Result<BoundFunction> {
    arity(args, 3..=4)?;
    if args.iter().any(|a| !(a.ty.is_integer() || a.ty.is_float())) {
        return illegal("bar", args);
    }
    Ok(BoundFunction::new(DataType::String, |columns, rows| {
        let numbers: Vec<Operand<f64>> = columns.iter().map(Operand::of).collect::<Result<_>>()?;
        let mut wrong = false;
        let column: Column = text(rows, rows * 24, |row, out| {
            let get = |i: usize| numbers.get(i).map_or(80.0, |n: &Operand<f64>| n.get(row));
            let (x, min, max, width) = (get(0), get(1), get(2), get(3));
            wrong |= !(1.0..=1000.0).contains(&width);
            if !wrong {
                write_bar(x, min, max, width, out);
            }
        });
        match wrong {
            true => bail!(
                ARGUMENT_OUT_OF_BOUND,
                "Max_width argument must be >= 1 and <= 1000"
            ),
            false => Ok(column),
        }
    }))
}

fn write_bar(x: f64, min: f64, max: f64, width: f64, out: &mut Vec<u8>) {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if x.is_nan() || min.is_nan() || max.is_nan() || x <= min || max <= min {
        return;
    }
    let length = if x >= max {
        width
    } else {
        (x - min) * width / (max - min)
    };
    let eighths = (length * 8.0) as usize;
    for _ in 0..eighths / 8 {
        out.extend_from_slice("█".as_bytes());
    }
    out.extend_from_slice(PARTS[eighths % 8].as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deltas_and_bars_read_as_in_clickhouse() {
        assert_eq!(delta(3661.0, 0, 5), "1 hour, 1 minute and 1 second");
        assert_eq!(
            delta(100_000_000.0, 0, 5),
            "3 years, 2 months, 1 day, 9 hours, 46 minutes and 40 seconds"
        );
        assert_eq!(delta(3661.0, 4, 5), "61 minutes and 1 second");
        assert_eq!(delta(1.1, 0, 5), "1 second");
        assert_eq!(delta(0.5, 3, 6), "0 seconds and 500 milliseconds");
        let mut out = Vec::new();
        write_bar(1.5, 0.0, 10.0, 20.0, &mut out);
        assert_eq!(out, "███".as_bytes());
    }
}
