//! Every encoding is chosen for some numbers, and all numbers come back bit by bit.

use proptest::prelude::*;

use super::*;
use crate::codec::Compression;

fn round_trip<T: Word>(values: &[T], choice: CodecChoice) -> (u8, usize) {
    let mut bytes = Vec::new();
    put_numbers(&mut bytes, values, choice);
    let (mut cursor, mut found) = (Cursor::new(&bytes), Vec::new());
    read_numbers::<T>(&mut cursor, values.len(), &mut found).unwrap();
    cursor.end().unwrap();
    assert_eq!(found.len(), values.len());
    for (a, b) in found.iter().zip(values) {
        assert!(a.same(*b), "{a:?} {b:?} under {choice:?}");
    }
    (bytes[0], bytes.len())
}

fn auto<T: Word>(values: &[T]) -> (u8, usize) {
    round_trip(
        values,
        CodecChoice {
            compression: Compression::None,
            ..CodecChoice::default()
        },
    )
}

/// SplitMix64.
fn noise(i: u64) -> u64 {
    let z = i.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[test]
fn the_fitting_encoding_is_chosen() {
    let n = 8192u64;
    assert_eq!(auto(&vec![7i64; 8192]).0, CONSTANT);
    assert_eq!(auto(&[f64::NAN; 100]).0, CONSTANT);
    assert_eq!(auto(&(0..n).map(|i| i / 100).collect::<Vec<u64>>()).0, RUNS);
    assert_eq!(
        auto(
            &(0..n)
                .map(|i| (noise(i) % 1000) as i32)
                .collect::<Vec<i32>>()
        ),
        (FRAME, 8192 * 10 / 8 + 7)
    );
    assert_eq!(
        auto(
            &(0..n)
                .map(|i| i * 1000 + noise(i) % 10)
                .collect::<Vec<u64>>()
        )
        .0,
        DELTA
    );
    assert_eq!(
        auto(&(0..n as i64).map(|i| i * i * 3).collect::<Vec<i64>>()).0,
        DOUBLE_DELTA
    );
    assert_eq!(
        auto(&(0..n).map(|i| noise(noise(i) % 50)).collect::<Vec<u64>>()).0,
        DICTIONARY
    );
    assert_eq!(auto(&(0..n).map(noise).collect::<Vec<u64>>()).0, PLAIN);
    assert_eq!(
        auto(
            &(0..n)
                .map(|i| (noise(i) % 100_000) as f64 / 100.0)
                .collect::<Vec<f64>>()
        )
        .0,
        SCALED
    );
    assert_eq!(
        auto(
            &(0..n)
                .map(|i| (noise(i) % 9999) as f32 / 10.0)
                .collect::<Vec<f32>>()
        )
        .0,
        SCALED
    );
    assert_eq!(
        auto(
            &(0..n)
                .map(|i| f64::from_bits(noise(i)))
                .collect::<Vec<f64>>()
        )
        .0,
        PLAIN
    );
    assert_eq!(
        auto(
            &(0..n)
                .map(|i| 1e30 as u128 as i128 + i as i128 * 7)
                .collect::<Vec<i128>>()
        )
        .0,
        FRAME
    );
}

#[test]
fn edges_come_back() {
    auto::<i64>(&[]);
    auto(&[i64::MIN, i64::MAX, 0, -1, i64::MIN]);
    auto(&[u64::MAX, 0, u64::MAX / 2]);
    auto(&[i128::MIN, i128::MAX, 0]);
    auto(&[0u8, 255, 0, 255, 1]);
    auto(&[0.0, -0.0, f64::NAN, -f64::NAN, f64::INFINITY, 1e300, 5e-324]);
    auto(&[0.1f32, 0.2, -0.0, 1e9]);
    auto(
        &(0..5000)
            .map(|i| if i % 7 == 0 { -0.0 } else { 0.5 })
            .collect::<Vec<f64>>(),
    );
}

#[test]
fn explicit_encodings_are_obeyed() {
    let values: Vec<u32> = (0..1000).map(|i| (noise(i) % 100) as u32).collect();
    let tag = |encoding| {
        round_trip(
            &values,
            CodecChoice {
                encoding,
                compression: Compression::Lz4,
            },
        )
        .0
    };
    assert_eq!(tag(Encoding::Plain), PLAIN);
    assert_eq!(tag(Encoding::Delta), DELTA);
    assert_eq!(tag(Encoding::DoubleDelta), DOUBLE_DELTA);
    assert_eq!(tag(Encoding::Frame), FRAME);
    for one in [vec![3u32], vec![3, 4], vec![]] {
        for encoding in [Encoding::Delta, Encoding::DoubleDelta, Encoding::Frame] {
            round_trip(
                &one,
                CodecChoice {
                    encoding,
                    compression: Compression::None,
                },
            );
        }
    }
}

proptest! {
    #[test]
    fn any_numbers_come_back(
        small in prop::collection::vec(-5i16..5, 0..300),
        wide in prop::collection::vec(any::<i64>(), 0..300),
        step in any::<i64>(),
        bits in prop::collection::vec(any::<u32>(), 0..100),
    ) {
        auto(&small);
        auto(&wide);
        let sums: Vec<i64> = small.iter().scan(step, |s, v| { *s = s.wrapping_add(step).wrapping_add(i64::from(*v)); Some(*s) }).collect();
        auto(&sums);
        auto(&bits.iter().map(|b| f32::from_bits(*b)).collect::<Vec<f32>>());
        for encoding in [Encoding::Delta, Encoding::DoubleDelta, Encoding::Frame, Encoding::Plain] {
            round_trip(&wide, CodecChoice { encoding, compression: Compression::Zstd(1) });
            round_trip(&small, CodecChoice { encoding, compression: Compression::Lz4 });
        }
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..80), tag in 0u8..9, count in 0usize..300) {
        let mut bytes = bytes;
        if let Some(first) = bytes.first_mut() { *first = tag; }
        fn check<T: Word>(bytes: &[u8], count: usize) {
            let mut out = Vec::new();
            if read_numbers::<T>(&mut Cursor::new(bytes), count, &mut out).is_ok() {
                assert_eq!(out.len(), count);
            }
        }
        check::<u8>(&bytes, count);
        check::<i64>(&bytes, count);
        check::<u128>(&bytes, count);
        check::<f64>(&bytes, count);
    }
}
