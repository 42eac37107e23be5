//! `i32` records, by value.
//!
//! Makes no sort keys, which are made of bytes: an engine compares numbers on its own.
#![cfg_attr(target_arch = "wasm32", no_std)]

callbox_guest::compare_scalars!(compare_i32, i32, i32::cmp);
