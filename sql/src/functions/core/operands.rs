//! Columns of any representation as plain numbers of one type, and loops over two of them.
//!
//! Invariant: a constant stays one value; the loops have no branch on the representation inside.

use roost_engine::column::{Buffer, Column};
use roost_engine::error::Result;

use crate::functions::numeric::{Number, numbers_of};

/// Numbers of one column.
pub(crate) enum Operand<T> {
    /// The same in every row.
    One(T),
    /// One a row.
    Many(Buffer<T>),
}

impl<T: Number> Operand<T> {
    /// The column's numbers as `T`.
    pub(crate) fn of(column: &Column) -> Result<Self> {
        match column {
            Column::Const { value, .. } => Ok(match numbers_of::<T>(value)?.first() {
                Some(one) => Operand::One(*one),
                None => Operand::Many(Buffer::default()),
            }),
            Column::Flat(flat) => Ok(Operand::Many(numbers_of::<T>(flat)?)),
            Column::Dict(_) => Ok(Operand::Many(numbers_of::<T>(&column.to_flat())?)),
        }
    }

    #[inline]
    pub(crate) fn get(&self, row: usize) -> T {
        match self {
            Operand::One(value) => *value,
            Operand::Many(values) => values[row],
        }
    }
}

/// `f` of each row's two numbers.
pub(crate) fn zip<A: Copy, B: Copy, R>(
    a: &Operand<A>,
    b: &Operand<B>,
    rows: usize,
    f: impl Fn(A, B) -> R,
) -> Vec<R> {
    match (a, b) {
        (Operand::Many(a), Operand::Many(b)) => {
            a.iter().zip(b.iter()).map(|(a, b)| f(*a, *b)).collect()
        }
        (Operand::Many(a), Operand::One(b)) => a.iter().map(|a| f(*a, *b)).collect(),
        (Operand::One(a), Operand::Many(b)) => b.iter().map(|b| f(*a, *b)).collect(),
        (Operand::One(a), Operand::One(b)) => (0..rows).map(|_| f(*a, *b)).collect(),
    }
}

/// [`zip`] of a function that may fail.
pub(crate) fn try_zip<A: Copy, B: Copy, R>(
    a: &Operand<A>,
    b: &Operand<B>,
    rows: usize,
    f: impl Fn(A, B) -> Result<R>,
) -> Result<Vec<R>> {
    match (a, b) {
        (Operand::Many(a), Operand::Many(b)) => {
            a.iter().zip(b.iter()).map(|(a, b)| f(*a, *b)).collect()
        }
        (Operand::Many(a), Operand::One(b)) => a.iter().map(|a| f(*a, *b)).collect(),
        (Operand::One(a), Operand::Many(b)) => b.iter().map(|b| f(*a, *b)).collect(),
        (Operand::One(a), Operand::One(b)) => (0..rows).map(|_| f(*a, *b)).collect(),
    }
}

/// A kernel over two columns read as `A` and `B`.
pub(crate) fn binary<A: Number, B: Number, R: Number>(
    f: impl Fn(A, B) -> R + Send + Sync + Copy + 'static,
) -> impl Fn(&[Column], usize) -> Result<Column> + Send + Sync + 'static {
    move |columns, rows| {
        let (a, b) = two(columns)?;
        Ok(Column::native(zip(
            &Operand::<A>::of(a)?,
            &Operand::<B>::of(b)?,
            rows,
            f,
        )))
    }
}

/// [`binary`] of a function that may fail.
pub(crate) fn try_binary<A: Number, B: Number, R: Number>(
    f: impl Fn(A, B) -> Result<R> + Send + Sync + Copy + 'static,
) -> impl Fn(&[Column], usize) -> Result<Column> + Send + Sync + 'static {
    move |columns, rows| {
        let (a, b) = two(columns)?;
        Ok(Column::native(try_zip(
            &Operand::<A>::of(a)?,
            &Operand::<B>::of(b)?,
            rows,
            f,
        )?))
    }
}

/// A kernel over one column read as `A`.
pub(crate) fn unary<A: Number, R: Number>(
    f: impl Fn(A) -> R + Send + Sync + Copy + 'static,
) -> impl Fn(&[Column], usize) -> Result<Column> + Send + Sync + 'static {
    move |columns, rows| {
        let a = one(columns)?;
        Ok(match Operand::<A>::of(a)? {
            Operand::One(a) => Column::native(vec![f(a); rows]),
            Operand::Many(a) => Column::native(a.iter().map(|a| f(*a)).collect()),
        })
    }
}

/// The only column.
pub(crate) fn one(columns: &[Column]) -> Result<&Column> {
    columns
        .first()
        .ok_or_else(|| roost_engine::error::Error::bug("a function lost its argument"))
}

/// The two columns.
pub(crate) fn two(columns: &[Column]) -> Result<(&Column, &Column)> {
    match columns {
        [a, b, ..] => Ok((a, b)),
        _ => Err(roost_engine::error::Error::bug(
            "a function lost an argument",
        )),
    }
}
