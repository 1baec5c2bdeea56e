//! Expressions into a graph of nodes, equal subexpressions once.
//!
//! Invariant: a node's arguments stand before it; two nodes never compute the same.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use roost_engine::column::{Column, Flat};
use roost_engine::error::{Error, Result};
use roost_engine::types::{DataType, Value};

use super::lazy::{self, Lazy};
use super::set::SetProbe;
use crate::expr::{Call, ColumnId, ColumnMap, Expr, InSet, Lambda};
use crate::functions::Kernel;
use crate::functions::scalar::{LambdaKernel, PlainKernel};

/// Place of a node in its program.
pub(super) type NodeId = usize;

/// One step of a program.
pub(super) struct Node {
    pub(super) work: Work,
    pub(super) ty: DataType,
    /// Whether evaluating it for rows that nobody asked about may fail or cost much.
    pub(super) heavy: bool,
}

/// What a node does.
pub(super) enum Work {
    /// The input column at this place.
    Input(usize),
    /// One value for all rows.
    Const(Arc<Flat>),
    /// A function of other nodes.
    Call {
        kernel: PlainKernel,
        args: Vec<NodeId>,
        lazy: Option<Lazy>,
    },
    /// A function whose first argument is a lambda.
    HigherOrder {
        kernel: LambdaKernel,
        lambda: Arc<LambdaProgram>,
        args: Vec<NodeId>,
    },
    /// Membership in a set.
    In {
        needle: Vec<NodeId>,
        probe: SetProbe,
    },
}

/// A lambda's body over its parameters, then the captured nodes of the program around it.
pub(super) struct LambdaProgram {
    pub(super) body: Program,
    pub(super) captured: Vec<NodeId>,
}

/// Compiled expressions.
#[derive(Default)]
pub(super) struct Program {
    pub(super) nodes: Vec<Node>,
    pub(super) outputs: Vec<NodeId>,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} nodes -> {:?}", self.nodes.len(), self.outputs)
    }
}

/// What makes two calls equal: the function, the type it was bound to, and its arguments.
type CallKey = (usize, DataType, Vec<NodeId>);

struct Compiler<'a> {
    program: Program,
    input: &'a ColumnMap<usize>,
    /// The nodes of input columns, by place.
    inputs: Vec<Option<NodeId>>,
    literals: Vec<(Value, NodeId)>,
    calls: HashMap<CallKey, NodeId, FixedState>,
    shared: HashMap<*const Call, NodeId, FixedState>,
}

impl Program {
    pub(super) fn new(exprs: &[Expr], input: &[ColumnId]) -> Result<Program> {
        let places = input.iter().enumerate().map(|(i, id)| (*id, i)).collect();
        let mut compiler = Compiler {
            program: Program::default(),
            input: &places,
            inputs: vec![None; input.len()],
            literals: Vec::new(),
            calls: HashMap::default(),
            shared: HashMap::default(),
        };
        for expr in exprs {
            let node = compiler.node(expr)?;
            compiler.program.outputs.push(node);
        }
        Ok(compiler.program)
    }

    pub(super) fn is_trivial(&self) -> bool {
        let input = |n: &NodeId| matches!(self.nodes[*n].work, Work::Input(_));
        self.outputs.iter().all(input)
    }

    pub(super) fn used_inputs(&self) -> Vec<usize> {
        let places = self.nodes.iter().filter_map(|n| match n.work {
            Work::Input(place) => Some(place),
            _ => None,
        });
        places.collect()
    }
}

impl Compiler<'_> {
    fn push(&mut self, work: Work, ty: &DataType, heavy: bool) -> NodeId {
        self.program.nodes.push(Node {
            work,
            ty: ty.clone(),
            heavy,
        });
        self.program.nodes.len() - 1
    }

    fn node(&mut self, expr: &Expr) -> Result<NodeId> {
        match expr {
            Expr::Column(id, ty) => self.input(*id, ty),
            Expr::Literal(value, ty) => self.literal(value, ty),
            Expr::Call(call) => self.call(call),
            Expr::In(set) => self.membership(set),
            Expr::Lambda(_) => Err(Error::bug("a lambda outside of a higher-order function")),
        }
    }

    fn input(&mut self, id: ColumnId, ty: &DataType) -> Result<NodeId> {
        let place = *self
            .input
            .get(&id)
            .ok_or_else(|| Error::bug(format!("column #{} is not in the input", id.0)))?;
        if let Some(node) = self.inputs[place] {
            return Ok(node);
        }
        let node = self.push(Work::Input(place), ty, false);
        self.inputs[place] = Some(node);
        Ok(node)
    }

    fn literal(&mut self, value: &Value, ty: &DataType) -> Result<NodeId> {
        let nodes = &self.program.nodes;
        let equal = |(v, n): &&(Value, NodeId)| v == value && nodes[*n].ty == *ty;
        if let Some((_, node)) = self.literals.iter().find(equal) {
            return Ok(*node);
        }
        let flat = match Column::constant(value, ty, 1)? {
            Column::Const { value, .. } => value,
            other => Arc::new(other.to_flat()),
        };
        let node = self.push(Work::Const(flat), ty, false);
        self.literals.push((value.clone(), node));
        Ok(node)
    }

    fn call(&mut self, call: &Arc<Call>) -> Result<NodeId> {
        if let Some(node) = self.shared.get(&Arc::as_ptr(call)) {
            return Ok(*node);
        }
        let node = match &call.bound.kernel {
            Kernel::Plain(kernel) => self.plain(call, kernel)?,
            Kernel::Lambda(kernel) => self.higher_order(call, kernel)?,
        };
        self.shared.insert(Arc::as_ptr(call), node);
        Ok(node)
    }

    fn plain(&mut self, call: &Call, kernel: &PlainKernel) -> Result<NodeId> {
        let args = call.args.iter().map(|a| self.node(a));
        let args = args.collect::<Result<Vec<_>>>()?;
        let record = std::ptr::from_ref(call.function) as usize;
        let key = (record, call.bound.ty.clone(), args.clone());
        if let Some(node) = self.calls.get(&key) {
            return Ok(*node);
        }
        let below = args.iter().any(|a| self.program.nodes[*a].heavy);
        let heavy = below || !lazy::is_light(call);
        let lazy =
            Lazy::of(call.function.name, args.len()).filter(|l| l.pays(&args, &self.program.nodes));
        let kernel = Arc::clone(kernel);
        let work = Work::Call { kernel, args, lazy };
        let node = self.push(work, &call.bound.ty, heavy);
        self.calls.insert(key, node);
        Ok(node)
    }

    fn higher_order(&mut self, call: &Call, kernel: &LambdaKernel) -> Result<NodeId> {
        let Some((Expr::Lambda(lambda), rest)) = call.args.split_first() else {
            // Without its lambda (`arraySum(xs)`) the function sees the elements themselves.
            return Err(Error::bug(format!(
                "{} was bound without its lambda",
                call.function.name
            )));
        };
        let lambda = Arc::new(self.lambda(lambda)?);
        let args = rest.iter().map(|a| self.node(a));
        let work = Work::HigherOrder {
            kernel: Arc::clone(kernel),
            lambda,
            args: args.collect::<Result<Vec<_>>>()?,
        };
        Ok(self.push(work, &call.bound.ty, true))
    }

    fn lambda(&mut self, lambda: &Lambda) -> Result<LambdaProgram> {
        let own: Vec<ColumnId> = lambda.params.iter().map(|p| p.0).collect();
        let mut types: ColumnMap<DataType> = ColumnMap::default();
        lambda.body.walk(&mut |e| {
            if let Expr::Column(id, ty) = e {
                types.insert(*id, ty.clone());
            }
        });
        let outer = lambda.body.columns().into_iter();
        let outer: Vec<ColumnId> = outer.filter(|id| !own.contains(id)).collect();
        let captured = outer.iter().map(|id| {
            let ty = types.get(id).cloned().unwrap_or(DataType::Nothing);
            self.input(*id, &ty)
        });
        let captured = captured.collect::<Result<Vec<_>>>()?;
        let input: Vec<ColumnId> = own.into_iter().chain(outer).collect();
        let body = Program::new(std::slice::from_ref(&lambda.body), &input)?;
        Ok(LambdaProgram { body, captured })
    }

    fn membership(&mut self, set: &Arc<InSet>) -> Result<NodeId> {
        let needle = set.needle.iter().map(|n| self.node(n));
        let needle = needle.collect::<Result<Vec<_>>>()?;
        let heavy = needle.iter().any(|n| self.program.nodes[*n].heavy);
        let probe = SetProbe::new(set);
        Ok(self.push(Work::In { needle, probe }, &set.ty, heavy))
    }
}
