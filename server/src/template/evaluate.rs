//! Evaluates expressions.
//!
//! Invariant: a name means, in this order: what the template set, a function of the language, a value
//! of the request, a builtin; else it is null (or a placeholder while checking).

use super::ast::{Compare, Expr};
use super::interpret::Machine;
use super::value::Value;
use super::{Result, TemplateError, builtins, functions, methods, operators};

impl Machine<'_> {
    /// The value of `expr`.
    pub(super) fn evaluate(&mut self, expr: &Expr) -> Result<Value> {
        self.pay(1)?;
        Ok(match expr {
            Expr::None => Value::None,
            Expr::Bool(b) => Value::Bool(*b),
            Expr::Int(n) => Value::Int(*n),
            Expr::Float(n) => Value::Float(*n),
            Expr::Str(s) => Value::str(s),
            Expr::Name(name) => self.name(name),
            Expr::Attribute(base, name) => self.attribute(base, name)?,
            Expr::Call {
                function,
                args,
                named,
            } => self.call(function, args, named)?,
            Expr::Index(base, index) => {
                let base = self.evaluate(base)?;
                let index = self.evaluate(index)?;
                operators::index(&base, &index)?
            }
            Expr::Slice(base, bounds) => {
                let base = self.evaluate(base)?;
                let mut at = [None; 3];
                for (slot, bound) in at.iter_mut().zip(bounds) {
                    if let Some(bound) = bound {
                        *slot = match self.evaluate(bound)? {
                            Value::None => None,
                            value => Some(value.as_int().ok_or_else(|| {
                                TemplateError::syntax("slice indices must be integers or None")
                            })?),
                        };
                    }
                }
                operators::slice(&base, at)?
            }
            Expr::Negate(inner) => operators::negate(&self.evaluate(inner)?)?,
            Expr::Not(inner) => Value::Bool(!self.evaluate(inner)?.truthy()),
            Expr::Binary(operator, left, right) => {
                let left = self.evaluate(left)?;
                let right = self.evaluate(right)?;
                self.binary(*operator, left, right)?
            }
            Expr::Compare(first, rest) => Value::Bool(self.chain(first, rest)?),
            Expr::And(items) => self.first(items, false)?,
            Expr::Or(items) => self.first(items, true)?,
            Expr::Ternary {
                test,
                then,
                otherwise,
            } => {
                let branch = if self.evaluate(test)?.truthy() {
                    then
                } else {
                    otherwise
                };
                self.evaluate(branch)?
            }
            Expr::List(items) => shallow(Value::list(self.all(items)?))?,
            Expr::Tuple(items) => shallow(Value::tuple(self.all(items)?))?,
            Expr::Dict(pairs) => {
                let mut dict = Value::dict(Vec::new());
                for (key, value) in pairs {
                    let key = self.evaluate(key)?;
                    let value = self.evaluate(value)?;
                    dict = operators::insert(dict, key, value)?;
                }
                shallow(dict)?
            }
            Expr::Comprehension {
                item,
                target,
                iterable,
                conditions,
            } => self.comprehension(item, target, iterable, conditions)?,
        })
    }

    fn all(&mut self, items: &[Expr]) -> Result<Vec<Value>> {
        items.iter().map(|item| self.evaluate(item)).collect()
    }

    fn name(&self, name: &str) -> Value {
        if let Some(local) = self.locals.get(name) {
            return local.clone();
        }
        if let Some(function) = functions::lookup(name) {
            return Value::Function(function);
        }
        if let Some(value) = self.variable(name) {
            return value;
        }
        match builtins::lookup(name) {
            Some(function) => Value::Function(function),
            None => self.missing(),
        }
    }

    /// The value of a name that nobody set.
    fn missing(&self) -> Value {
        if self.checking() {
            Value::Placeholder
        } else {
            Value::None
        }
    }

    /// `loop.first` and its kin; other attributes are methods and must be called.
    fn attribute(&mut self, base: &Expr, name: &str) -> Result<Value> {
        let value = self.evaluate(base)?;
        let is_loop = matches!(base, Expr::Name(n) if n == "loop");
        match (&value, is_loop) {
            (Value::Dict(_), true) => operators::index(&value, &Value::str(name)),
            (Value::Placeholder, _) => Ok(Value::Placeholder),
            _ => Err(no_attribute(&value, name)),
        }
    }

    fn call(&mut self, function: &Expr, args: &[Expr], named: &[(String, Expr)]) -> Result<Value> {
        if let Expr::Attribute(target, method) = function {
            let base = self.evaluate(target)?;
            let args = self.all(args)?;
            let outcome = methods::call(self, base, method, &args)?;
            if let Some(changed) = outcome.changed {
                self.assign(target, shallow(changed)?)?;
            }
            return Ok(outcome.value);
        }
        let callee = self.evaluate(function)?;
        // `defined(x)` must see a missing x as missing even when a builtin has that name.
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            values.push(match arg {
                Expr::Name(name) => self.argument(name),
                other => self.evaluate(other)?,
            });
        }
        let mut by_name = Vec::with_capacity(named.len());
        for (name, expr) in named {
            by_name.push((name.as_str(), self.evaluate(expr)?));
        }
        match callee {
            Value::Function(name) => {
                let args = functions::Args {
                    function: name,
                    positional: values,
                    named: by_name,
                };
                if functions::lookup(name).is_some() {
                    functions::call(self, args)
                } else {
                    builtins::call(self, args)
                }
            }
            Value::Placeholder | Value::None => Err(TemplateError::syntax(match function {
                Expr::Name(name) => format!("'{name}' is not a valid function"),
                _ => "wrong syntax, you might be using a not valid function inside a control block"
                    .to_owned(),
            })),
            other => Err(TemplateError::syntax(format!(
                "'{}' object is not callable",
                other.type_name()
            ))),
        }
    }

    /// A bare name as an argument: parameters may be called like builtins (`open`, `id`, `type`).
    fn argument(&self, name: &str) -> Value {
        match self.name(name) {
            Value::Function(f) if functions::lookup(f).is_none() && builtins::shadowed(f) => {
                self.missing()
            }
            value => value,
        }
    }

    fn chain(&mut self, first: &Expr, rest: &[(Compare, Expr)]) -> Result<bool> {
        let mut left = self.evaluate(first)?;
        for (compare, right) in rest {
            let right = self.evaluate(right)?;
            if !operators::compare(*compare, &left, &right)? {
                return Ok(false);
            }
            left = right;
        }
        Ok(true)
    }

    /// `and` and `or`: the first item whose truth is `stop`, or the last.
    fn first(&mut self, items: &[Expr], stop: bool) -> Result<Value> {
        let mut value = Value::None;
        for item in items {
            value = self.evaluate(item)?;
            if value.truthy() == stop {
                break;
            }
        }
        Ok(value)
    }

    fn comprehension(
        &mut self,
        item: &Expr,
        target: &Expr,
        iterable: &Expr,
        conditions: &[Expr],
    ) -> Result<Value> {
        let source = self.evaluate(iterable)?;
        let items = self.items(&source)?;
        let saved = self.locals.clone();
        let mut out = Vec::new();
        for value in items {
            self.assign(target, value)?;
            let mut keep = true;
            for condition in conditions {
                keep = keep && self.evaluate(condition)?.truthy();
            }
            if keep {
                out.push(self.evaluate(item)?);
            }
        }
        self.locals = saved;
        shallow(Value::list(out))
    }

    /// The items `value` is iterated as.
    pub(super) fn items(&mut self, value: &Value) -> Result<Vec<Value>> {
        let items = match value {
            Value::List(items) => items.to_vec(),
            Value::Tuple(items) => items.to_vec(),
            Value::Dict(pairs) => pairs.iter().map(|(k, _)| k.clone()).collect(),
            Value::Str(s) | Value::Sql(s) => {
                self.pay(s.len())?;
                s.chars().map(|c| Value::str(c.to_string())).collect()
            }
            Value::Placeholder => vec![Value::Placeholder; 3],
            other => {
                return Err(TemplateError::syntax(format!(
                    "'{}' object is not iterable",
                    other.type_name()
                )));
            }
        };
        self.pay(items.len())?;
        Ok(items)
    }

    /// Gives `value` to a name, an item, or piece by piece to several.
    pub(super) fn assign(&mut self, target: &Expr, value: Value) -> Result<()> {
        match target {
            Expr::Name(name) => {
                self.locals.insert(name.clone(), value);
                Ok(())
            }
            Expr::Index(base, index) => {
                let container = self.evaluate(base)?;
                let index = self.evaluate(index)?;
                let changed = operators::insert(container, index, value)?;
                self.assign(base, shallow(changed)?)
            }
            Expr::Tuple(targets) | Expr::List(targets) => {
                let values = match value {
                    Value::Placeholder => vec![Value::Placeholder; targets.len()],
                    value => self.items(&value)?,
                };
                if values.len() != targets.len() {
                    return Err(TemplateError::syntax(format!(
                        "cannot unpack {} values into {} names",
                        values.len(),
                        targets.len()
                    )));
                }
                for (target, value) in targets.iter().zip(values) {
                    self.assign(target, value)?;
                }
                Ok(())
            }
            // A literal that nobody else can see.
            _ => Ok(()),
        }
    }
}

/// How deep lists may nest.
const NESTING: usize = 200;

/// `value`, unless it nests too deep to be walked.
pub(super) fn shallow(value: Value) -> Result<Value> {
    if value.depth(NESTING) >= NESTING {
        return Err(TemplateError::syntax(format!(
            "a list of the template nests deeper than {NESTING} levels"
        )));
    }
    Ok(value)
}

/// Python's words for a method that is not there.
pub(super) fn no_attribute(value: &Value, name: &str) -> TemplateError {
    let message = format!("'{}' object has no attribute '{name}'", value.type_name());
    if name == "get" {
        return TemplateError::syntax(format!(
            "{message}. Make sure you're using an object/dictionary where trying to use .get()"
        ));
    }
    TemplateError::syntax(message)
}
