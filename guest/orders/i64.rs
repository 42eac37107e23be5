//! `i64` records, by value.
#![cfg_attr(target_arch = "wasm32", no_std)]

callbox_guest::compare_scalars!(compare_i64, i64, i64::cmp);
