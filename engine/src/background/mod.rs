//! Threads that flush, merge and checkpoint.
