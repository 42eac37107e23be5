//! Links the shim that denies qsort the resources of its safe path into every target.

fn main() {
    println!("cargo:rerun-if-changed=../tests/shims/refuse.c");
    cc::Build::new().file("../tests/shims/refuse.c").link_lib_modifier("+whole-archive").compile("refuse");
}
