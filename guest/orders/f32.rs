//! `f32` records, in the total order of IEEE 754: -NaN, -∞, …, -0, +0, …, ∞, NaN.
//!
//! Makes no sort keys, which are made of bytes: an engine compares numbers on its own.
#![cfg_attr(target_arch = "wasm32", no_std)]

callbox_guest::compare_scalars!(compare_f32, f32, f32::total_cmp);
