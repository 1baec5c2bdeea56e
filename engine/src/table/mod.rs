//! Tables: definitions, snapshots, inserts.
