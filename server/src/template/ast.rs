//! The syntax tree of a template: chunks of text and tags, and the expressions inside the tags.
//!
//! Invariant: nesting is bounded by the parsers, so that walking a tree cannot exhaust the stack.

/// A piece of a template.
#[derive(Debug, Clone)]
pub(super) enum Chunk {
    /// Text that comes out as it is.
    Text(String),
    /// `{{ expr }}`; `source` names it in errors.
    Output {
        expr: Expr,
        source: String,
        line: usize,
    },
    /// `{% set … %}`.
    Set { statement: Statement, line: usize },
    /// `{% if %} … {% elif %} … {% else %} … {% end %}`; the last arm may have no condition.
    If {
        arms: Vec<(Option<Expr>, Vec<Chunk>)>,
        line: usize,
    },
    /// `{% for a, b in expr %} … {% else %} … {% end %}`.
    For {
        target: Expr,
        iterable: Expr,
        body: Vec<Chunk>,
        otherwise: Vec<Chunk>,
        line: usize,
    },
    /// `{% while expr %} … {% end %}`.
    While {
        condition: Expr,
        body: Vec<Chunk>,
        line: usize,
    },
    /// `{% break %}`.
    Break,
    /// `{% continue %}`.
    Continue,
}

/// What `{% set %}` may hold.
#[derive(Debug, Clone)]
pub(super) enum Statement {
    /// `target = expr`.
    Assign(Expr, Expr),
    /// `target op= expr`.
    Augment(Expr, Binary, Expr),
    /// A call for its effect.
    Expr(Expr),
}

/// An expression.
#[derive(Debug, Clone)]
pub(super) enum Expr {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(String),
    Name(String),
    Attribute(Box<Expr>, String),
    Call {
        function: Box<Expr>,
        args: Vec<Expr>,
        named: Vec<(String, Expr)>,
    },
    Index(Box<Expr>, Box<Expr>),
    Slice(Box<Expr>, [Option<Box<Expr>>; 3]),
    Negate(Box<Expr>),
    Not(Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    Compare(Box<Expr>, Vec<(Compare, Expr)>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Ternary {
        test: Box<Expr>,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    /// `[item for target in iterable if condition]`.
    Comprehension {
        item: Box<Expr>,
        target: Box<Expr>,
        iterable: Box<Expr>,
        conditions: Vec<Expr>,
    },
}

/// An arithmetic operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
}

impl Binary {
    /// As Python writes it.
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Binary::Add => "+",
            Binary::Subtract => "-",
            Binary::Multiply => "*",
            Binary::Divide => "/",
            Binary::FloorDivide => "//",
            Binary::Modulo => "%",
            Binary::Power => "**",
        }
    }
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    NotIn,
    Is,
    IsNot,
}

impl Compare {
    /// As Python writes it.
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Compare::Equal => "==",
            Compare::NotEqual => "!=",
            Compare::Less => "<",
            Compare::LessEqual => "<=",
            Compare::Greater => ">",
            Compare::GreaterEqual => ">=",
            Compare::In => "in",
            Compare::NotIn => "not in",
            Compare::Is => "is",
            Compare::IsNot => "is not",
        }
    }
}

impl Expr {
    /// Calls `visit` on the direct children.
    pub(super) fn for_each_child<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        match self {
            Expr::None | Expr::Bool(_) | Expr::Int(_) | Expr::Float(_) | Expr::Str(_) => {}
            Expr::Name(_) => {}
            Expr::Attribute(e, _) | Expr::Negate(e) | Expr::Not(e) => visit(e),
            Expr::Call {
                function,
                args,
                named,
            } => {
                visit(function);
                args.iter().for_each(&mut *visit);
                named.iter().for_each(|(_, e)| visit(e));
            }
            Expr::Index(a, b) | Expr::Binary(_, a, b) => {
                visit(a);
                visit(b);
            }
            Expr::Slice(a, bounds) => {
                visit(a);
                bounds.iter().flatten().for_each(|e| visit(e));
            }
            Expr::Compare(first, rest) => {
                visit(first);
                rest.iter().for_each(|(_, e)| visit(e));
            }
            Expr::And(list) | Expr::Or(list) | Expr::List(list) | Expr::Tuple(list) => {
                list.iter().for_each(visit);
            }
            Expr::Ternary {
                test,
                then,
                otherwise,
            } => {
                visit(then);
                visit(test);
                visit(otherwise);
            }
            Expr::Dict(pairs) => pairs.iter().for_each(|(k, v)| {
                visit(k);
                visit(v);
            }),
            Expr::Comprehension {
                item,
                target,
                iterable,
                conditions,
            } => {
                visit(iterable);
                visit(target);
                visit(item);
                conditions.iter().for_each(visit);
            }
        }
    }
}
