//! The contract of scalar functions and the frame around them that handles NULL, constants and
//! dictionaries.
//!
//! Invariant: a kernel of a [`Nulls::Propagate`] function never sees a Nullable column, and runs
//! once per dictionary entry where all other arguments are constant.

use std::sync::Arc;

use roost_engine::column::{Buffer, Column, Flat, NullableColumn};
use roost_engine::error::Result;
use roost_engine::types::{DataType, Tz, Value};

use super::Doc;

/// What `execute` does: columns of equal length in, one column of that length out.
/// Arguments may be in any representation; the answer too. `rows` counts when there are no arguments.
pub type PlainKernel = Arc<dyn Fn(&[Column], usize) -> Result<Column> + Send + Sync>;

/// Like [`PlainKernel`] for functions whose first argument is a lambda.
pub type LambdaKernel =
    Arc<dyn Fn(&dyn LambdaBody, &[Column], usize) -> Result<Column> + Send + Sync>;

/// The compiled work of a bound function.
#[derive(Clone)]
pub enum Kernel {
    /// Works on columns only.
    Plain(PlainKernel),
    /// Calls a lambda; the columns are the arguments after it.
    Lambda(LambdaKernel),
}

/// A lambda at execution time.
pub trait LambdaBody {
    /// The body's value for each of `rows` elements. `params` are the lambda's parameters, one
    /// entry per element; element `e` belongs to outer row `r` when
    /// `offsets[r] <= e < offsets[r + 1]` (captured columns are repeated accordingly).
    fn call(&self, params: &[Column], offsets: &[u64], rows: usize) -> Result<Column>;
}

/// Parameter and result types of a bound lambda.
#[derive(Debug, Clone)]
pub struct LambdaType {
    /// Types of the parameters.
    pub params: Vec<DataType>,
    /// Type of the body.
    pub result: DataType,
}

/// What `bind` knows of an argument.
#[derive(Debug, Clone)]
pub struct Arg {
    /// Its type. For a lambda: the type of its body.
    pub ty: DataType,
    /// Its value when it is known at bind time.
    pub constant: Option<Value>,
    /// Set when the argument is a lambda.
    pub lambda: Option<LambdaType>,
}

impl Arg {
    /// An argument whose value is only known at run time.
    pub fn of(ty: DataType) -> Self {
        Arg {
            ty,
            constant: None,
            lambda: None,
        }
    }

    /// A constant argument.
    pub fn constant(value: Value, ty: DataType) -> Self {
        Arg {
            ty,
            constant: Some(value),
            lambda: None,
        }
    }
}

/// What a function may ask of the query while it binds.
#[derive(Debug, Clone)]
pub struct BindContext {
    /// Zone of values without one.
    pub time_zone: Tz,
    /// Start of the query, microseconds since the epoch: the one `now()` of the whole query.
    pub now_micros: i64,
    /// Set once somebody asks for the time: what was bound then is not to be kept.
    pub asked_time: Arc<std::sync::atomic::AtomicBool>,
    /// Seed of `rand()` and friends in this query.
    pub random_seed: u64,
    /// Name of the current database.
    pub database: String,
    /// Text values of settings that functions look at (`cast_keep_nullable`, ...).
    pub settings: Arc<std::collections::HashMap<String, String>>,
}

impl BindContext {
    /// The one `now()` of the query.
    pub fn now(&self) -> i64 {
        self.asked_time
            .store(true, std::sync::atomic::Ordering::Relaxed);
        self.now_micros
    }
}

impl Default for BindContext {
    fn default() -> Self {
        BindContext {
            time_zone: Tz::UTC,
            now_micros: 0,
            asked_time: Arc::default(),
            random_seed: 0,
            database: "default".into(),
            settings: Arc::default(),
        }
    }
}

/// How a function meets NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// A NULL argument makes the answer NULL; the function sees values only.
    Propagate,
    /// The function gets Nullable types and columns as they are.
    Own,
    /// The function gets every type as it is, LowCardinality too, and its answer stays as it is.
    Untouched,
}

/// Types of a lambda's parameters from the types of the other arguments and how many it has.
pub type LambdaParams = fn(&[DataType], usize) -> Result<Vec<DataType>>;

/// A scalar function: one static record each.
pub struct ScalarFunction {
    /// ClickHouse's name.
    pub name: &'static str,
    /// Other names, as ClickHouse has them.
    pub aliases: &'static [&'static str],
    /// Whether name and aliases are found in any case.
    pub case_insensitive: bool,
    /// How it meets NULL.
    pub nulls: Nulls,
    /// Whether equal arguments always give an equal answer (within one query `now()` does).
    pub deterministic: bool,
    /// For higher-order functions: the parameter types of the lambda (which stands first) from the
    /// types of the other arguments and the number of parameters that the lambda was written with.
    pub lambda_params: Option<LambdaParams>,
    /// For the manual.
    pub doc: Doc,
    /// Decides the type and builds the kernel.
    pub bind: fn(&[Arg], &BindContext) -> Result<BoundFunction>,
}

impl std::fmt::Debug for ScalarFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// A function bound to its argument types.
#[derive(Clone)]
pub struct BoundFunction {
    /// Type of the answer.
    pub ty: DataType,
    /// The work.
    pub kernel: Kernel,
    /// The answer is not made LowCardinality where an argument is.
    pub keeps_type: bool,
}

impl BoundFunction {
    /// A function of columns.
    pub fn new(
        ty: DataType,
        kernel: impl Fn(&[Column], usize) -> Result<Column> + Send + Sync + 'static,
    ) -> Self {
        BoundFunction {
            ty,
            kernel: Kernel::Plain(Arc::new(kernel)),
            keeps_type: false,
        }
    }

    /// A function of a lambda and columns.
    pub fn with_lambda(
        ty: DataType,
        kernel: impl Fn(&dyn LambdaBody, &[Column], usize) -> Result<Column> + Send + Sync + 'static,
    ) -> Self {
        BoundFunction {
            ty,
            kernel: Kernel::Lambda(Arc::new(kernel)),
            keeps_type: false,
        }
    }

    /// The same function with `keeps_type`.
    #[must_use]
    pub fn keeping_type(mut self) -> Self {
        self.keeps_type = true;
        self
    }
}

impl std::fmt::Debug for BoundFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "-> {}", self.ty)
    }
}

impl ScalarFunction {
    /// Binds with the frame around it: strips LowCardinality and (for [`Nulls::Propagate`])
    /// Nullable, and puts them back on the answer.
    pub fn bind_framed(&self, args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
        if self.lambda_params.is_some() || self.nulls == Nulls::Untouched {
            return (self.bind)(args, context);
        }
        let stripped: Vec<Arg> = args.iter().map(without_low_cardinality).collect();
        let inner = match self.nulls {
            Nulls::Own | Nulls::Untouched => (self.bind)(&stripped, context)?,
            Nulls::Propagate => self.bind_propagating(&stripped, context)?,
        };
        let low = args
            .iter()
            .filter(|a| matches!(a.ty, DataType::LowCardinality(_)))
            .count();
        let others_constant = args
            .iter()
            .all(|a| matches!(a.ty, DataType::LowCardinality(_)) || a.constant.is_some());
        let wrap = !inner.keeps_type
            && low == 1
            && others_constant
            && self.deterministic
            && can_be_dictionary(&inner.ty);
        let ty = if wrap {
            inner.ty.clone().low_cardinality()
        } else {
            inner.ty
        };
        let Kernel::Plain(kernel) = inner.kernel else {
            return Ok(BoundFunction {
                ty,
                kernel: inner.kernel,
                keeps_type: inner.keeps_type,
            });
        };
        let pure = self.deterministic;
        Ok(BoundFunction::new(ty, move |columns, rows| {
            over_entries(&kernel, columns, rows, pure)
        }))
    }

    fn bind_propagating(&self, args: &[Arg], context: &BindContext) -> Result<BoundFunction> {
        let any_nullable = args.iter().any(|a| a.ty.is_nullable());
        if !any_nullable {
            return (self.bind)(args, context);
        }
        let only_null =
            |a: &Arg| matches!(a.ty.value_type(), DataType::Nothing) && a.ty.is_nullable();
        if args.iter().any(only_null) {
            let ty = DataType::Nothing.nullable();
            let answer = ty.clone();
            return Ok(BoundFunction::new(ty, move |_, rows| {
                Ok(Column::defaults(&answer, rows))
            }));
        }
        let plain: Vec<Arg> = args
            .iter()
            .map(|a| Arg {
                ty: a.ty.without_nullable(),
                constant: a.constant.clone().filter(|v| !v.is_null()),
                lambda: None,
            })
            .collect();
        let inner = (self.bind)(&plain, context)?;
        let Kernel::Plain(kernel) = inner.kernel else {
            return Ok(inner);
        };
        let ty = match can_be_nullable(&inner.ty) {
            true => inner.ty.clone().nullable(),
            false => inner.ty.clone(),
        };
        let keeps_nulls = ty.is_nullable();
        Ok(BoundFunction::new(ty, move |columns, rows| {
            under_nulls(&kernel, columns, rows, keeps_nulls)
        }))
    }
}

fn without_low_cardinality(arg: &Arg) -> Arg {
    Arg {
        ty: arg.ty.without_low_cardinality(),
        ..arg.clone()
    }
}

fn can_be_nullable(ty: &DataType) -> bool {
    !matches!(
        ty,
        DataType::Array(_)
            | DataType::Map(..)
            | DataType::Tuple(_)
            | DataType::AggregateFunction(_)
    )
}

fn can_be_dictionary(ty: &DataType) -> bool {
    roost_engine::types::text::low_cardinality_of(ty.clone()).is_ok()
}

/// Runs a kernel once per distinct entry where the arguments allow it: on one row when all are
/// constant, on the dictionary when one is a dictionary and the others are constant.
fn over_entries(
    kernel: &PlainKernel,
    columns: &[Column],
    rows: usize,
    pure: bool,
) -> Result<Column> {
    if rows == 0 || columns.is_empty() || !pure {
        return kernel(columns, rows);
    }
    if columns.iter().all(|c| c.as_const().is_some()) {
        let ones: Vec<Column> = columns.iter().map(|c| c.slice(0, 1)).collect();
        let one = kernel(&ones, 1)?.to_flat();
        return Ok(Column::Const {
            value: Arc::new(one),
            len: rows,
        });
    }
    let mut dictionary = None;
    for (i, column) in columns.iter().enumerate() {
        match column {
            Column::Const { .. } => {}
            Column::Dict(d) if dictionary.is_none() && d.dict().len() <= rows => {
                dictionary = Some((i, d));
            }
            _ => return kernel(columns, rows),
        }
    }
    let Some((at, d)) = dictionary else {
        return kernel(columns, rows);
    };
    let entries = d.dict().len();
    let mapped: Vec<Column> = columns
        .iter()
        .enumerate()
        .map(|(i, c)| match c {
            _ if i == at => Column::Flat(d.dict().as_ref().clone()),
            Column::Const { value, .. } => Column::Const {
                value: Arc::clone(value),
                len: entries,
            },
            other => other.clone(),
        })
        .collect();
    // An entry that no row uses must not fail the query.
    match kernel(&mapped, entries) {
        Ok(answer) => Ok(Column::Dict(d.with_dict(answer.to_flat())?)),
        Err(_) => kernel(columns, rows),
    }
}

/// Takes the masks off, runs the kernel on the values, and puts the union of the masks back.
fn under_nulls(
    kernel: &PlainKernel,
    columns: &[Column],
    rows: usize,
    keeps_nulls: bool,
) -> Result<Column> {
    let mut mask: Option<Vec<u8>> = None;
    let mut values = Vec::with_capacity(columns.len());
    for column in columns {
        if let Some(one) = column.as_const()
            && let Flat::Nullable(n) = one
        {
            if n.nulls()[0] != 0 {
                mask = Some(vec![1; rows]);
            }
            let value = Arc::new(n.values().clone());
            values.push(Column::Const { value, len: rows });
            continue;
        }
        match column {
            Column::Flat(Flat::Nullable(n)) => {
                union_masks(&mut mask, n.nulls());
                values.push(Column::Flat(n.values().clone()));
            }
            Column::Dict(d) if matches!(d.dict().as_ref(), Flat::Nullable(_)) => {
                let flat = column.to_flat();
                if let Flat::Nullable(n) = &flat {
                    union_masks(&mut mask, n.nulls());
                    values.push(Column::Flat(n.values().clone()));
                }
            }
            other => values.push(other.clone()),
        }
    }
    if let (false, Some(mask)) = (keeps_nulls, &mask) {
        // The answer holds no NULL: a NULL counts as its type's default.
        use roost_engine::kernels::take::{NO_ROW, take_or_default};
        let keep = |(row, null): (usize, &u8)| if *null != 0 { NO_ROW } else { row as u32 };
        let rows: Vec<u32> = mask.iter().enumerate().map(keep).collect();
        values = values.iter().map(|c| take_or_default(c, &rows)).collect();
    }
    let all_null = mask.as_ref().is_some_and(|m| m.iter().all(|b| *b != 0)) && rows > 0;
    let answer = match (all_null, &mask) {
        // Nothing but NULL: one default row is enough to learn the shape, and cannot fail on data.
        (true, Some(mask)) => {
            let ones: Vec<Column> = values.iter().map(|c| c.slice(0, 1)).collect();
            match kernel(&ones, 1) {
                Ok(shape) => roost_engine::kernels::take::repeat(&shape.to_flat(), mask.len()),
                Err(_) => over_values(kernel, &values, mask)?,
            }
        }
        (_, Some(mask)) => match kernel(&values, rows) {
            Ok(answer) => answer.to_flat(),
            // What stands under a NULL must not fail the query (a division by it).
            Err(_) => over_values(kernel, &values, mask)?,
        },
        (_, None) => kernel(&values, rows)?.to_flat(),
    };
    if !keeps_nulls {
        return Ok(Column::Flat(answer));
    }
    let (own, inner) = match &answer {
        Flat::Nullable(n) => (Some(n.nulls()), n.values().clone()),
        other => (None, other.clone()),
    };
    if let Some(own) = own {
        union_masks(&mut mask, own);
    }
    let mask = mask.unwrap_or_else(|| vec![0; rows]);
    Ok(Column::Flat(Flat::Nullable(NullableColumn::new(
        Buffer::from(mask),
        inner,
    )?)))
}

/// Runs the kernel on the rows that are not NULL only; the others get defaults.
fn over_values(kernel: &PlainKernel, values: &[Column], mask: &[u8]) -> Result<Flat> {
    use roost_engine::kernels::take::{NO_ROW, take, take_or_default};
    let (mut rows, mut back) = (Vec::new(), Vec::with_capacity(mask.len()));
    for (row, null) in mask.iter().enumerate() {
        back.push(if *null != 0 {
            NO_ROW
        } else {
            rows.len() as u32
        });
        if *null == 0 {
            rows.push(row as u32);
        }
    }
    let kept: Vec<Column> = values.iter().map(|c| take(c, &rows)).collect();
    Ok(take_or_default(&kernel(&kept, rows.len())?, &back).to_flat())
}

fn union_masks(mask: &mut Option<Vec<u8>>, more: &[u8]) {
    match mask {
        None => *mask = Some(more.to_vec()),
        Some(all) => all.iter_mut().zip(more).for_each(|(a, b)| *a |= *b),
    }
}
