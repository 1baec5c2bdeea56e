//! Tunable numbers of the engine, with their units in their names.
