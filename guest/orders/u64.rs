//! `u64` records, by value.
#![cfg_attr(target_arch = "wasm32", no_std)]

callbox_guest::compare_scalars!(compare_u64, u64, u64::cmp);
