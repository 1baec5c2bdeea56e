//! Cryptographic digests of strings, as FixedString.
//!
//! Invariant: the width of the answer is the width of the digest.

use md5::Md5;
use roost_engine::column::{Column, Flat};
use roost_engine::error::Result;
use roost_engine::types::DataType;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512, Sha512_256};

use crate::functions::core::arithmetic::illegal;
use crate::functions::library::kit::{Strs, arity, f};
use crate::functions::{Arg, BoundFunction, ScalarFunction};

const CATEGORY: &str = "hash";

/// Records.
pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    f(
        CATEGORY,
        "MD5(s)",
        "The MD5 digest.",
        ("hex(MD5('abc'))", "900150983CD24FB0D6963F7D28E17F72"),
        |a, _| bind::<Md5>("MD5", a),
    )
    .any_case(),
    f(
        CATEGORY,
        "SHA1(s)",
        "The SHA-1 digest.",
        (
            "hex(SHA1('abc'))",
            "A9993E364706816ABA3E25717850C26C9CD0D89D",
        ),
        |a, _| bind::<Sha1>("SHA1", a),
    )
    .any_case(),
    f(
        CATEGORY,
        "SHA224(s)",
        "The SHA-224 digest.",
        (
            "hex(SHA224('abc'))",
            "23097D223405D8228642A477BDA255B32AADBCE4BDA0B3F7E36C9DA7",
        ),
        |a, _| bind::<Sha224>("SHA224", a),
    )
    .any_case(),
    f(
        CATEGORY,
        "SHA256(s)",
        "The SHA-256 digest.",
        (
            "hex(SHA256('abc'))",
            "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
        ),
        |a, _| bind::<Sha256>("SHA256", a),
    )
    .any_case(),
    f(
        CATEGORY,
        "SHA384(s)",
        "The SHA-384 digest.",
        ("length(SHA384('abc'))", "48"),
        |a, _| bind::<Sha384>("SHA384", a),
    )
    .any_case(),
    f(
        CATEGORY,
        "SHA512(s)",
        "The SHA-512 digest.",
        ("length(SHA512('abc'))", "64"),
        |a, _| bind::<Sha512>("SHA512", a),
    )
    .any_case(),
    f(
        CATEGORY,
        "SHA512_256(s)",
        "The SHA-512/256 digest.",
        ("length(SHA512_256('abc'))", "32"),
        |a, _| bind::<Sha512_256>("SHA512_256", a),
    )
    .any_case(),
];

fn bind<D: Digest + 'static>(name: &str, args: &[Arg]) -> Result<BoundFunction> {
    arity(args, 1..=1)?;
    if !args[0].ty.is_string() {
        return illegal(name, args);
    }
    let width = <D as Digest>::output_size();
    Ok(BoundFunction::new(
        DataType::FixedString(width),
        move |columns, rows| {
            let texts = Strs::of(&columns[0])?;
            let mut data = Vec::with_capacity(rows * width);
            (0..rows).for_each(|row| data.extend_from_slice(&D::digest(texts.get(row))));
            Ok(Column::Flat(Flat::Fixed {
                width,
                data: data.into(),
            }))
        },
    ))
}
