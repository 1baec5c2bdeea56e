//! Finds functions by name: exact first, then any case where the function allows it.
//!
//! Invariant: names are unique over all families; the lists are the only way in.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::aggregate::AggregateFunction;
use super::scalar::ScalarFunction;

/// Every scalar function.
pub fn scalar_functions() -> impl Iterator<Item = &'static ScalarFunction> {
    let library = super::library::FAMILIES
        .iter()
        .flat_map(|folder| folder.iter());
    let conversions = super::core::CONVERSIONS.iter();
    let families = super::core::FAMILIES
        .iter()
        .chain(conversions)
        .chain(super::core::FOLDERS.iter().flat_map(|folder| folder.iter()))
        .chain(library);
    families.flat_map(|family| family.iter())
}

/// Every aggregate function.
pub fn aggregate_functions() -> impl Iterator<Item = &'static AggregateFunction> {
    super::aggregates::FAMILIES
        .iter()
        .flat_map(|family| family.iter())
}

type Names<T> = (
    HashMap<&'static str, &'static T>,
    HashMap<String, &'static T>,
);

static SCALARS: LazyLock<Names<ScalarFunction>> = LazyLock::new(|| {
    index(scalar_functions(), |f| {
        (f.name, f.aliases, f.case_insensitive)
    })
});

static AGGREGATES: LazyLock<Names<AggregateFunction>> = LazyLock::new(|| {
    index(aggregate_functions(), |f| {
        (f.name, f.aliases, f.case_insensitive)
    })
});

fn index<T>(
    all: impl Iterator<Item = &'static T>,
    names: fn(&'static T) -> (&'static str, &'static [&'static str], bool),
) -> Names<T> {
    let (mut exact, mut any_case) = (HashMap::new(), HashMap::new());
    for function in all {
        let (name, aliases, insensitive) = names(function);
        for name in std::iter::once(&name).chain(aliases) {
            exact.insert(*name, function);
            if insensitive {
                any_case.insert(name.to_ascii_lowercase(), function);
            }
        }
    }
    (exact, any_case)
}

/// The scalar function of that name.
pub fn scalar_function(name: &str) -> Option<&'static ScalarFunction> {
    let (exact, any_case) = &*SCALARS;
    exact
        .get(name)
        .or_else(|| any_case.get(&name.to_ascii_lowercase()))
        .copied()
}

/// The aggregate function of that name, without combinators.
pub fn aggregate_function(name: &str) -> Option<&'static AggregateFunction> {
    let (exact, any_case) = &*AGGREGATES;
    exact
        .get(name)
        .or_else(|| any_case.get(&name.to_ascii_lowercase()))
        .copied()
}
