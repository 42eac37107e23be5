#!/bin/sh
# Builds the bundled guests into host/bundled, or into the folder given, with the tools of Debian 12:
#   apt-get install rustc libstd-rust-dev-wasm32 clang-14 lld-14
# The same tools produce the same bytes. Other tools work too: set RUSTC, WASM_LD or CLANG.
set -eu
cd "$(dirname "$0")"
out=${1:-../host/bundled}
rustc=${RUSTC:-/usr/bin/rustc}
ld=${WASM_LD:-wasm-ld-14}
clang=${CLANG:-clang-14}
mkdir -p "$out"
rlib=$(mktemp -d)
trap 'rm -rf "$rlib"' EXIT

common="--edition 2021 --target wasm32-unknown-unknown -C panic=abort -C opt-level=3"
# shellcheck disable=SC2086
"$rustc" $common --crate-type rlib --crate-name callbox_guest -C embed-bitcode=yes --out-dir "$rlib" lib.rs
for order in orders/*.rs; do
    name=$(basename "$order" .rs)
    # Of several modules, each may be a unit, and the order of units is not always the same.
    units=
    if [ -d "orders/$name" ]; then units="-C codegen-units=1"; fi
    # shellcheck disable=SC2086
    "$rustc" $common $units --crate-type cdylib --crate-name "order_$name" -C lto=fat -C strip=symbols \
        -C linker="$ld" -C linker-flavor=wasm-ld -C link-arg=-zstack-size=16384 \
        --extern callbox_guest="$rlib/libcallbox_guest.rlib" -o "$out/$name.wasm" "$order"
done
for source in c/*.c; do
    [ -e "orders/$(basename "$source" .c).rs" ] || continue # an example, and no twin of an order
    "$clang" --target=wasm32-unknown-unknown -Os -ffreestanding -nostdlib \
        -Wl,--no-entry,--strip-all,-z,stack-size=16384,--stack-first \
        -o "$out/$(basename "$source" .c)-c.wasm" "$source"
done
(cd "$out" && sha256sum -- *.wasm > SHA256SUMS)
