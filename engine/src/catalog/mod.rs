//! The engine itself: databases, tables, transactions, recovery.
