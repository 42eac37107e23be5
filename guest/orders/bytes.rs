//! `LC_ALL=C sort`: byte order.
#![cfg_attr(target_arch = "wasm32", no_std)]

use callbox_guest::Key;

callbox_guest::compare_bytes!(callbox_guest::compare);
callbox_guest::sort_key!(key);

fn key(line: &[u8], key: &mut Key) {
    key.extend(line);
}
