//! Long campaigns on a stable compiler: `roost-fuzz [--target NAME] [--seconds N] [--seed N]`.
//!
//! Invariant: an input that fails is printed with the numbers that make it again and kept in a file.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use roost_fuzz::{TARGETS, Target, mutate};

fn option(name: &str) -> Option<String> {
    let args: Vec<String> = std::env::args().collect();
    let at = args.iter().position(|a| a == name)?;
    args.get(at + 1).cloned()
}

fn number(name: &str, otherwise: u64) -> u64 {
    option(name)
        .and_then(|v| v.parse().ok())
        .unwrap_or(otherwise)
}

/// Findings of one campaign: panics, and inputs that took longer than ten seconds.
fn campaign(target: &Target, seed: u64, seconds: u64) -> (u64, u64) {
    let seeds = (target.seeds)();
    let (started, mut inputs, mut findings) = (Instant::now(), 0, 0);
    while started.elapsed() < Duration::from_secs(seconds) {
        let bytes = mutate::input(&seeds, seed, inputs);
        let begun = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(&bytes)));
        if outcome.is_err() || begun.elapsed() > Duration::from_secs(10) {
            findings += 1;
            let file = format!("finding-{}-{seed}-{inputs}", target.name);
            let kept = std::fs::write(&file, &bytes);
            println!(
                "{}: input {inputs} of seed {seed}, {:?}, in {file} ({kept:?})",
                target.name,
                begun.elapsed()
            );
        }
        inputs += 1;
    }
    (inputs, findings)
}

fn main() -> ExitCode {
    let (seed, seconds) = (number("--seed", 1), number("--seconds", 60));
    let only = option("--target");
    let mut total = 0;
    for target in TARGETS
        .iter()
        .filter(|t| only.as_deref().is_none_or(|o| o == t.name))
    {
        let (inputs, findings) = campaign(target, seed, seconds);
        println!("{}: {inputs} inputs, {findings} findings", target.name);
        total += findings;
    }
    if total == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
