//! How key columns are laid out in packed keys: numbers by their bits, everything else by the id
//! of its bytes, sixteen bytes at a time, each further stage starting with the id of the one before.
//!
//! Invariant: equal rows have equal packed keys and different rows different ones.

use roost_engine::types::{DataType, Physical};

/// A part of a key: a number, or an id.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    /// Key column, then tuple positions inside it.
    pub(super) path: Vec<usize>,
    /// Shape of the values under the null mask.
    pub(super) shape: Physical,
    /// Which interner gives the ids; `None`: the bits themselves.
    pub(super) interner: Option<usize>,
    /// Where the null flag stands, when there is one.
    pub(super) null_shift: Option<u32>,
    /// Where the bits stand.
    pub(super) shift: u32,
}

/// Leaves that share a packed key.
#[derive(Debug, Clone, Default)]
pub(super) struct StageLayout {
    /// Parts of the key; the previous stage's id stands at bit zero when there is one.
    pub(super) leaves: Vec<Leaf>,
    /// Bits in use.
    pub(super) bits: u32,
}

/// How values that are not numbers are kept.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kept {
    /// Byte strings as they are.
    Strings,
    /// Any shape, as encoded cells.
    Cells,
}

/// The whole layout.
#[derive(Debug, Clone, Default)]
pub(super) struct Layout {
    /// At least one stage.
    pub(super) stages: Vec<StageLayout>,
    /// The interners by number.
    pub(super) interners: Vec<(Kept, Physical)>,
    /// Shapes of the key columns.
    pub(super) shapes: Vec<Physical>,
}

fn width(shape: &Physical) -> Option<u32> {
    Some(match shape {
        Physical::Nothing => 0,
        Physical::U8 | Physical::I8 => 8,
        Physical::U16 | Physical::I16 => 16,
        Physical::U32 | Physical::I32 | Physical::F32 => 32,
        Physical::U64 | Physical::I64 | Physical::F64 => 64,
        Physical::U128 | Physical::I128 => 128,
        _ => return None,
    })
}

impl Layout {
    /// The layout for keys of these types.
    pub(super) fn of(types: &[DataType]) -> Layout {
        let mut layout = Layout {
            stages: vec![StageLayout::default()],
            interners: Vec::new(),
            shapes: types.iter().map(DataType::physical).collect(),
        };
        let shapes = layout.shapes.clone();
        for (i, shape) in shapes.iter().enumerate() {
            layout.add(vec![i], shape);
        }
        layout
    }

    fn add(&mut self, path: Vec<usize>, shape: &Physical) {
        let (nullable, inner) = match shape {
            Physical::Nullable(inner) => (true, inner.as_ref()),
            other => (false, other),
        };
        if let (false, Physical::Tuple(shapes)) = (nullable, inner) {
            for (i, shape) in shapes.iter().enumerate() {
                let mut path = path.clone();
                path.push(i);
                self.add(path, shape);
            }
            return;
        }
        // A 128-bit number fills a key of its own; beside anything else it goes by the id of its
        // bytes.
        let alone = !nullable && self.shapes.len() == 1 && path.len() == 1;
        let (bits, interner) = match width(inner) {
            Some(bits) if bits < 128 || alone => (bits, None),
            _ => {
                let kept = match inner {
                    Physical::Bytes | Physical::Fixed(_) => Kept::Strings,
                    _ => Kept::Cells,
                };
                self.interners.push((kept, inner.clone()));
                (32, Some(self.interners.len() - 1))
            }
        };
        let flag = if nullable { 8 } else { 0 };
        let stage = self.place(bits, flag);
        stage.leaves.push(Leaf {
            path,
            shape: inner.clone(),
            interner,
            null_shift: nullable.then_some(stage.bits + bits),
            shift: stage.bits,
        });
        stage.bits += bits + flag;
    }

    /// The stage with room for so many bits: the last one, or a new one.
    fn place(&mut self, bits: u32, flag: u32) -> &mut StageLayout {
        let last = self.stages.len() - 1;
        let used = self.stages[last].bits;
        if used + bits + flag > 128 {
            self.stages.push(StageLayout {
                leaves: Vec::new(),
                bits: 32,
            });
        }
        let last = self.stages.len() - 1;
        &mut self.stages[last]
    }

    /// Whether the id of the only interned column is the group itself.
    pub(super) fn is_identity(&self) -> bool {
        matches!(&self.stages[..], [stage] if matches!(&stage.leaves[..],
            [leaf] if leaf.interner.is_some() && leaf.null_shift.is_none()))
    }
}
