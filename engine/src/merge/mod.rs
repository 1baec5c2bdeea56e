//! Choosing parts to merge (pure) and merging them.
