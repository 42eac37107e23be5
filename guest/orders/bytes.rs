//! `LC_ALL=C sort`: byte order.
#![cfg_attr(target_arch = "wasm32", no_std)]

callbox_guest::compare_bytes!(callbox_guest::compare);
