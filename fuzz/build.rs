//! Links the library that takes from qsort what its safe path needs into every target.

fn main() {
    println!("cargo:rerun-if-changed=../tests/shims/refuse.c");
    cc::Build::new().file("../tests/shims/refuse.c").link_lib_modifier("+whole-archive").compile("refuse");
}
