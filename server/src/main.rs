//! The roost binary: HTTP in front of the `roost` library, and the command line.

mod datafile;
mod template;
mod tokens;

fn main() {}
