//! Resources of a project.


