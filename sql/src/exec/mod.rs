//! Runs plans: operators over blocks, morsel by morsel, under a memory budget.
