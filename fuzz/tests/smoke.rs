//! A short, seeded campaign of every target; `make fuzz` runs the long ones.
//!
//! Goal: no panic, no hang, no wrong answer on damaged input. Method: the same inputs at each run.

use roost_fuzz::{TARGETS, mutate};

fn campaign(name: &str) {
    let targets = TARGETS.iter().filter(|t| t.name == name);
    for target in targets {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{name} has seeds");
        seeds.iter().for_each(|seed| (target.run)(seed));
        for number in 0..target.smoke as u64 {
            (target.run)(&mutate::input(&seeds, 1, number));
        }
    }
}

macro_rules! smoke {
    ($($name:ident),*) => {$(
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
    assert_eq!(TARGETS.len(), 9);
}
