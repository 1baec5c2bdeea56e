//! A short, seeded campaign of every target; `make fuzz` runs the long ones.
//!
//! Goal: no panic, no hang, no wrong answer on damaged input. Method: the same inputs at each run.

use roost_fuzz::{TARGETS, mutate, target};

fn campaign(name: &str) {
    let target = target(name).unwrap_or_else(|| unreachable!("no target {name}"));
    let seeds = (target.seeds)();
    assert!(!seeds.is_empty(), "{name} has seeds");
    seeds.iter().for_each(|seed| (target.run)(seed));
    for number in 0..target.smoke as u64 {
        (target.run)(&mutate::input(&seeds, 1, number));
    }
}

macro_rules! smoke {
    ($($name:ident),*) => {
        const TESTED: &[&str] = &[$(stringify!($name)),*];
        $(
        #[test]
        fn $name() {
            campaign(stringify!($name));
        }
    )*};
}

smoke!(
    sql_parse, sql_run, formats, infer, store, template, datafile, jwt, request
);

#[test]
fn every_target_has_a_smoke_test() {
    let targets: Vec<&str> = TARGETS.iter().map(|t| t.name).collect();
    assert_eq!(targets, TESTED);
}
