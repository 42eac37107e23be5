//! `i32` records, by value.
#![cfg_attr(target_arch = "wasm32", no_std)]

callbox_guest::compare_scalars!(compare_i32, i32, i32::cmp);
