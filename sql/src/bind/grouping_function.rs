//! `grouping(a, b)`: which keys a row of GROUPING SETS, ROLLUP or CUBE leaves out.
//!
//! Invariant: inside expressions the call is a column that only the aggregation's rewrite replaces,
//! by a look-up of the row's key subset.

use roost_engine::bail;
use roost_engine::error::Result;
use roost_engine::types::{DataType, Value};

use super::rewrite::{replace_columns, same};
use super::select::{Outputs, SelectBinder};
use crate::expr::{ColumnId, Expr};
use crate::parse::ast;

/// Most keys of one call: one bit each.
const KEYS_MAX: usize = 64;

impl SelectBinder<'_, '_> {
    /// Sets a call of `grouping` aside.
    pub(super) fn grouping_call(&mut self, function: &ast::Function) -> Result<Expr> {
        if function.args.is_empty() || function.args.len() > KEYS_MAX {
            bail!(
                TOO_FEW_ARGUMENTS_FOR_FUNCTION,
                "Function GROUPING takes 1 to {KEYS_MAX} keys, {} given",
                function.args.len()
            );
        }
        let keys = function.args.iter().map(|a| self.bind(a));
        let keys = keys.collect::<Result<Vec<_>>>()?;
        let id = self.binder.fresh();
        self.groupings.push((id, keys));
        Ok(Expr::Column(id, DataType::UInt64))
    }

    /// Refuses `grouping` in a SELECT without groups.
    pub(super) fn refuse_grouping(&self) -> Result<()> {
        if self.groupings.is_empty() {
            return Ok(());
        }
        bail!(
            ILLEGAL_AGGREGATION,
            "GROUPING function is found in SELECT without GROUP BY in query"
        )
    }

    /// Puts values in the place of the calls; answers the column of set numbers they look at.
    pub(super) fn place_grouping(
        &mut self,
        keys: &[(ColumnId, Expr)],
        sets: &[Vec<usize>],
        outputs: &mut Outputs,
    ) -> Result<Option<ColumnId>> {
        if self.groupings.is_empty() {
            return Ok(None);
        }
        for (_, call) in &self.aggregates {
            let mut inside = call.args.iter().flat_map(Expr::columns);
            if inside.any(|id| self.groupings.iter().any(|(g, _)| *g == id)) {
                bail!(
                    ILLEGAL_AGGREGATION,
                    "GROUPING function is found inside another aggregate function in query"
                );
            }
        }
        let number = self.binder.fresh();
        let mut values = Vec::with_capacity(self.groupings.len());
        for (id, args) in std::mem::take(&mut self.groupings) {
            values.push((id, self.grouping_value(&args, keys, sets, number)?));
        }
        let value_of = |id: ColumnId| {
            let found = values.iter().find(|(known, _)| *known == id);
            found.map(|(_, value)| value.clone())
        };
        let mut change = |expr: &mut Expr| {
            *expr = replace_columns(expr, &value_of);
            Ok(())
        };
        outputs.for_each(&mut change)?;
        for (_, call) in &mut self.windows {
            super::window::each_expr(call, &mut change)?;
        }
        Ok((!sets.is_empty()).then_some(number))
    }

    fn grouping_value(
        &self,
        args: &[Expr],
        keys: &[(ColumnId, Expr)],
        sets: &[Vec<usize>],
        number: ColumnId,
    ) -> Result<Expr> {
        let place = |arg: &Expr| match keys.iter().position(|(_, key)| same(key, arg)) {
            Some(at) => Ok(at),
            None => bail!(
                BAD_ARGUMENTS,
                "GROUPING function argument {arg} is not in GROUP BY keys"
            ),
        };
        let places = args.iter().map(place).collect::<Result<Vec<_>>>()?;
        // The first key is the highest bit, which is set where the key is left out.
        let bits = |set: &Vec<usize>| {
            let left_out = places.iter().map(|p| u64::from(!set.contains(p)));
            Value::UInt(left_out.fold(0, |bits, out| bits << 1 | out))
        };
        if sets.is_empty() {
            return Ok(Expr::Literal(Value::UInt(0), DataType::UInt64));
        }
        let table = Value::Array(sets.iter().map(bits).collect());
        let table = Expr::Literal(table, DataType::UInt64.array());
        let one = Expr::Literal(Value::UInt(1), DataType::UInt8);
        let at = Expr::Column(number, DataType::UInt32);
        let at = self.call("plus", vec![at, one])?;
        self.call("arrayElement", vec![table, at])
    }
}
