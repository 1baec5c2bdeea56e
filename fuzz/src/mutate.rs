//! Damage: inputs made from seeds by a seeded generator.
//!
//! Invariant: the same seed and number give the same input, so that a finding can be made again.

/// A small generator (xorshift64*); good enough to scatter damage.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// From a seed; 0 is as good as any.
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `n`; 0 where `n` is.
    pub fn below(&mut self, n: usize) -> usize {
        match n {
            0 => 0,
            n => ((self.roll() >> 11) % n as u64) as usize,
        }
    }
}

/// Bytes that lengths, numbers and syntax trip over.
const NASTY: &[&[u8]] = &[
    b"\0",
    b"\xFF\xFF\xFF\xFF",
    b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
    b"-1",
    b"18446744073709551615",
    b"-9223372036854775808",
    b"340282366920938463463374607431768211456",
    b"1e999",
    b"nan",
    b"NULL",
    b"''",
    b"\\",
    b"\\N",
    b"\xC3",
    b"\xF0\x9F\x90\x93",
    b"((((((((((((((((",
    b"[[[[[[[[[[[[[[[[",
    b"{{",
    b"}}",
    b"{%",
    b"%}",
    b"/*",
    b"`",
    b"\"",
    b",",
    b"\n",
    b"\t",
];

/// Input number `number` of a campaign: a seed with one to eight pieces of damage.
pub fn input(seeds: &[Vec<u8>], campaign: u64, number: u64) -> Vec<u8> {
    let mut dice = Dice::new(campaign ^ number.wrapping_mul(0xD134_2543_DE82_EF95));
    let Some(first) = seeds.get(dice.below(seeds.len())) else {
        return Vec::new();
    };
    let mut bytes = first.clone();
    for _ in 0..1 + dice.below(8) {
        damage(&mut bytes, seeds, &mut dice);
        if dice.below(3) == 0 {
            break;
        }
    }
    bytes
}

fn damage(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], dice: &mut Dice) {
    let len = bytes.len();
    let at = dice.below(len + 1);
    let end = at + dice.below((len - at).min(64) + 1);
    match dice.below(9) {
        0 if len > 0 => bytes[at.min(len - 1)] ^= 1 << dice.below(8),
        1 if len > 0 => bytes[at.min(len - 1)] = dice.roll() as u8,
        2 => drop(bytes.drain(at..end)),
        3 => bytes.truncate(at),
        4 => {
            let piece = bytes[at..end].to_vec();
            let to = dice.below(len + 1);
            bytes.splice(to..to, piece);
        }
        5 | 6 => {
            let piece = NASTY[dice.below(NASTY.len())];
            let to = if dice.below(2) == 0 {
                at
            } else {
                (at + piece.len()).min(len)
            };
            bytes.splice(at..to, piece.iter().copied());
        }
        _ => {
            let other = &seeds[dice.below(seeds.len())];
            let from = dice.below(other.len() + 1);
            let to = from + dice.below((other.len() - from).min(200) + 1);
            bytes.splice(at..end, other[from..to].iter().copied());
        }
    }
}
