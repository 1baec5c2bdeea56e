//! The roost binary.
//!
//! Invariant: what it does is the library's; only the allocator of the process is chosen here.

mod allocator;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: allocator::Mimalloc = allocator::Mimalloc;

fn main() -> ExitCode {
    roost_server::cli::main()
}
