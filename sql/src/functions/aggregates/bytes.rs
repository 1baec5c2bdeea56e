//! Bytes of aggregate states: a small writer over `Vec<u8>` and a reader that trusts nothing.
//!
//! Invariant: a [`Reader`] never reads past its end and never allocates more than its bytes justify.

use roost_engine::column::Native;
use roost_engine::error::{Error, Result};
use roost_engine::types::Value;

/// Version of every state written by this release.
pub(crate) const VERSION: u8 = 1;

/// Appends a length or count: seven bits a byte, low first.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Appends a length and the bytes.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads what the `put_` functions wrote.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads a state: checks the version byte.
    pub(crate) fn state(bytes: &'a [u8]) -> Result<Self> {
        match bytes.split_first() {
            Some((&VERSION, rest)) => Ok(Reader { rest }),
            Some((other, _)) => Err(Error::corrupt(format!(
                "aggregate state has version {other}, expected {VERSION}"
            ))),
            None => Err(Error::corrupt("aggregate state has no bytes")),
        }
    }

    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let Some((head, rest)) = self.rest.split_at_checked(n) else {
            return Err(Error::corrupt(format!(
                "aggregate state is too short: {n} bytes expected, {} left",
                self.rest.len()
            )));
        };
        self.rest = rest;
        Ok(head)
    }

    pub(crate) fn byte(&mut self) -> Result<u8> {
        self.take(1).map(|b| b[0])
    }

    pub(crate) fn number<T: Native>(&mut self) -> Result<T> {
        self.take(T::WIDTH).map(T::read_le)
    }

    pub(crate) fn varint(&mut self) -> Result<u64> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let b = self.byte()?;
            n |= u64::from(b & 0x7f) << shift;
            if b < 0x80 {
                return Ok(n);
            }
        }
        Err(Error::corrupt("aggregate state holds an overlong number"))
    }

    /// A count of things of at least `width` bytes each.
    pub(crate) fn count(&mut self, width: usize) -> Result<usize> {
        let n = self.varint()?;
        match usize::try_from(n) {
            Ok(n)
                if n.checked_mul(width.max(1))
                    .is_some_and(|b| b <= self.rest.len()) =>
            {
                Ok(n)
            }
            _ => Err(Error::corrupt(format!(
                "aggregate state counts {n} elements, more than its bytes can hold"
            ))),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8]> {
        let n = self.count(1)?;
        self.take(n)
    }

    pub(crate) fn numbers<T: Native>(&mut self) -> Result<Vec<T>> {
        let n = self.count(T::WIDTH)?;
        Ok(self
            .take(n * T::WIDTH)?
            .chunks_exact(T::WIDTH)
            .map(T::read_le)
            .collect())
    }

    /// What is left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Refuses bytes that nothing read.
    pub(crate) fn end(&self) -> Result<()> {
        match self.rest.len() {
            0 => Ok(()),
            n => Err(Error::corrupt(format!(
                "aggregate state has {n} bytes too many"
            ))),
        }
    }
}

/// Appends a count and the numbers.
pub(crate) fn put_numbers<T: Native>(out: &mut Vec<u8>, values: &[T]) {
    put_varint(out, values.len() as u64);
    out.reserve(values.len() * T::WIDTH);
    values.iter().for_each(|v| v.write_le(out));
}

/// Appends a cell with its class, so that it reads back without a type.
pub(crate) fn put_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(0),
        Value::UInt(v) => {
            out.push(1);
            v.write_le(out);
        }
        Value::Int(v) => {
            out.push(2);
            v.write_le(out);
        }
        Value::UInt128(v) => {
            out.push(3);
            v.write_le(out);
        }
        Value::Int128(v) => {
            out.push(4);
            v.write_le(out);
        }
        Value::Float(v) => {
            out.push(5);
            v.write_le(out);
        }
        Value::Bytes(v) => {
            out.push(6);
            put_bytes(out, v);
        }
        Value::Array(values) | Value::Tuple(values) => {
            out.push(if matches!(value, Value::Array(_)) {
                7
            } else {
                8
            });
            put_varint(out, values.len() as u64);
            values.iter().for_each(|v| put_value(out, v));
        }
        Value::Map(entries) => {
            out.push(7);
            put_varint(out, entries.len() as u64);
            for (k, v) in entries {
                out.push(8);
                put_varint(out, 2);
                put_value(out, k);
                put_value(out, v);
            }
        }
    }
}

/// Reads what [`put_value`] wrote.
pub(crate) fn read_value(reader: &mut Reader<'_>, depth: usize) -> Result<Value> {
    if depth > 100 {
        return Err(Error::corrupt("aggregate state nests values too deep"));
    }
    Ok(match reader.byte()? {
        0 => Value::Null,
        1 => Value::UInt(reader.number()?),
        2 => Value::Int(reader.number()?),
        3 => Value::UInt128(reader.number()?),
        4 => Value::Int128(reader.number()?),
        5 => Value::Float(reader.number()?),
        6 => Value::Bytes(reader.bytes()?.to_vec()),
        class @ (7 | 8) => {
            let n = reader.count(1)?;
            let values = (0..n)
                .map(|_| read_value(reader, depth + 1))
                .collect::<Result<Vec<_>>>()?;
            if class == 7 {
                Value::Array(values)
            } else {
                Value::Tuple(values)
            }
        }
        other => {
            return Err(Error::corrupt(format!(
                "aggregate state holds a value of unknown class {other}"
            )));
        }
    })
}
