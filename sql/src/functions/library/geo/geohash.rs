//! Geohashes.
//!
//! Invariant: precision is 1 to 12 characters; everything else means 12.

use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::{DataType, TupleType};

use super::super::kit::{Ints, Strs, arity, f, integer, string, text};
use super::distance::{coordinates, numbers};
use crate::functions::{Arg, BindContext, BoundFunction, ScalarFunction};

const G: &str = "geo";
const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";

/// The functions of this file.
pub static FUNCTIONS: &[ScalarFunction] = &[
    f(
        G,
        "geohashEncode(longitude, latitude[, precision])",
        "The geohash of a place.",
        ("geohashEncode(-5.60302734375, 42.593994140625, 5)", "ezs42"),
        encode,
    ),
    f(
        G,
        "geohashDecode(geohash)",
        "Longitude and latitude of the middle of a geohash.",
        ("geohashDecode('ezs42')", "(-5.60302734375,42.60498046875)"),
        |args, _| decode(args),
    ),
];

/// The first `bits` of the place of `value` in the range.
fn quantize(value: f64, low: f64, high: f64, bits: u32) -> u64 {
    let part = ((value - low) / (high - low)).clamp(0.0, 1.0);
    let cells = (1u64 << bits) as f64;
    ((part * cells) as u64).min((1u64 << bits) - 1)
}

fn write(longitude: f64, latitude: f64, precision: u32, out: &mut Vec<u8>) {
    let bits = precision * 5;
    let (of_lon, of_lat) = (bits.div_ceil(2), bits / 2);
    let lon = quantize(longitude, -180.0, 180.0, of_lon);
    let lat = quantize(latitude, -90.0, 90.0, of_lat);
    let mut word = 0u64;
    for i in 0..bits {
        let (value, left) = match i % 2 {
            0 => (lon, of_lon - 1 - i / 2),
            _ => (lat, of_lat - 1 - i / 2),
        };
        word = word << 1 | (value >> left & 1);
    }
    for i in (0..precision).rev() {
        out.push(ALPHABET[(word >> (5 * i)) as usize & 31]);
    }
}

fn encode(args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
    arity(args, 2..=3)?;
    let casters = numbers(&args[..2], context)?;
    if args.len() == 3 {
        integer(args, 2)?;
    }
    Ok(BoundFunction::new(DataType::String, move |columns, rows| {
        let at = coordinates(&columns[..2], &casters)?;
        let precision = Ints::or(columns, 2, 12)?;
        Ok(text(rows, rows * 12, |i, out| {
            let precision = match precision.get(i) {
                n @ 1..=12 => n as u32,
                _ => 12,
            };
            write(at[0][i], at[1][i], precision, out);
        }))
    }))
}

/// The middle of a geohash; zeros when it is none.
fn middle(hash: &[u8]) -> (f64, f64) {
    let (mut lon, mut lat) = ((-180.0, 180.0), (-90.0, 90.0));
    let mut even = true;
    for symbol in hash.iter().take(12) {
        let Some(word) = ALPHABET.iter().position(|a| *a == symbol.to_ascii_lowercase()) else {
            return (0.0, 0.0);
        };
        for bit in (0..5).rev() {
            let range: &mut (f64, f64) = if even { &mut lon } else { &mut lat };
            let half = f64::midpoint(range.0, range.1);
            match word >> bit & 1 {
                1 => range.0 = half,
                _ => range.1 = half,
            }
            even = !even;
        }
    }
    (f64::midpoint(lon.0, lon.1), f64::midpoint(lat.0, lat.1))
}

fn decode(args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    string(args, 0)?;
    let ty = DataType::Tuple(
        TupleType {
            types: vec![DataType::Float64, DataType::Float64],
            names: vec!["longitude".into(), "latitude".into()],
        }
        .into(),
    );
    Ok(BoundFunction::new(ty, |columns, rows| {
        let s = Strs::of(&columns[0])?;
        let (lon, lat): (Vec<f64>, Vec<f64>) = (0..rows).map(|i| middle(s.get(i))).unzip();
        let parts = vec![Column::native(lon), Column::native(lat)];
        Ok(Column::Flat(Flat::tuple(parts, rows)?))
    }))
}
