//! Resources of a project.
