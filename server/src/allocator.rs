//! mimalloc as the allocator of the process.
//!
//! Invariant: blocks of an alignment that mimalloc gives to every block are asked for by its plain
//! calls, which are about half the work of the aligned ones; a query asks a thousand times.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_void;

use libmimalloc_sys as mi;

/// What every block of at least this size is aligned to.
const NATURAL: usize = 16;

/// mimalloc.
pub(crate) struct Mimalloc;

/// Whether the plain calls give the alignment: blocks shorter than [`NATURAL`] are whole words.
fn is_natural(layout: Layout, size: usize) -> bool {
    layout.align() <= size_of::<usize>() || (layout.align() <= NATURAL && size >= NATURAL)
}

// SAFETY: every function forwards to the one of mimalloc with that contract; `is_natural` holds
// where no alignment is said (mimalloc's MI_MAX_ALIGN_SIZE, words below it).
unsafe impl GlobalAlloc for Mimalloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: any size and power of two is allowed.
        let block = unsafe {
            match is_natural(layout, layout.size()) {
                true => mi::mi_malloc(layout.size()),
                false => mi::mi_malloc_aligned(layout.size(), layout.align()),
            }
        };
        block.cast()
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: any size and power of two is allowed.
        let block = unsafe {
            match is_natural(layout, layout.size()) {
                true => mi::mi_zalloc(layout.size()),
                false => mi::mi_zalloc_aligned(layout.size(), layout.align()),
            }
        };
        block.cast()
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, _layout: Layout) {
        // SAFETY: the caller has the block from one of the functions here.
        unsafe { mi::mi_free(block.cast::<c_void>()) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let block = block.cast::<c_void>();
        // SAFETY: the caller has the block from one of the functions here.
        let block = unsafe {
            match is_natural(layout, size) {
                true => mi::mi_realloc(block, size),
                false => mi::mi_realloc_aligned(block, size, layout.align()),
            }
        };
        block.cast()
    }
}

#[cfg(test)]
mod tests {
    use std::alloc::{GlobalAlloc, Layout};

    use super::Mimalloc;

    #[test]
    fn blocks_of_every_size_and_alignment_are_aligned_and_keep_their_bytes() {
        for align in [1usize, 2, 4, 8, 16, 32, 64, 4096] {
            for size in [
                1usize, 3, 8, 9, 15, 16, 17, 24, 40, 56, 100, 1000, 5000, 70_000,
            ] {
                let layout = Layout::from_size_align(size, align).unwrap();
                // SAFETY: sizes are not zero; blocks are freed once, with their layout.
                unsafe {
                    let zeroed = Mimalloc.alloc_zeroed(layout);
                    let block = Mimalloc.alloc(layout);
                    assert!(
                        zeroed.addr().is_multiple_of(align) && block.addr().is_multiple_of(align)
                    );
                    assert!((0..size).all(|i| *zeroed.add(i) == 0));
                    (0..size).for_each(|i| *block.add(i) = i as u8);
                    let longer = Mimalloc.realloc(block, layout, size + 33);
                    assert!(longer.addr().is_multiple_of(align));
                    assert!((0..size).all(|i| *longer.add(i) == i as u8));
                    let grown = Layout::from_size_align(size + 33, align).unwrap();
                    Mimalloc.dealloc(longer, grown);
                    Mimalloc.dealloc(zeroed, layout);
                }
            }
        }
    }
}
