//! Guests that come with the library, compiled from `guest/orders`.

/// A guest that comes with the library.
#[derive(Clone, Copy, Debug)]
pub struct Bundled {
    /// Its name on the command line.
    pub name: &'static str,
    /// The items that it orders, in a few words.
    pub about: &'static str,
    /// The module's binary.
    pub wasm: &'static [u8],
}

macro_rules! bundled {
    ($($name:literal: $about:literal),* $(,)?) => {
        /// Every guest that comes with the library.
        pub const BUNDLED: &[Bundled] = &[$(Bundled {
            name: $name,
            about: $about,
            wasm: include_bytes!(concat!("../guest/wasm/", $name, ".wasm")),
        }),*];
    };
}

bundled! {
    "bytes": "lines, bytewise; LC_ALL=C sort",
    "fold": "lines, lower case as upper case; sort -f",
    "numeric": "lines that begin with a decimal number; sort -n",
    "human": "lines that begin with a number like 2K or 1G; sort -h",
    "month": "lines that begin with a month's name; sort -M",
    "version": "lines with version numbers in them; sort -V",
    "dictionary": "lines by letters, digits and blanks only; sort -d",
    "natural": "lines with numbers of any length in them",
    "ipv4": "lines that begin with an IPv4 address or network",
    "semver": "lines that are semantic versions",
    "i32": "records of type i32",
    "i64": "records of type i64",
    "u32": "records of type u32",
    "u64": "records of type u64",
    "f32": "records of type f32, in total order",
    "f64": "records of type f64, in total order",
}

impl Bundled {
    /// Returns the bundled guest `name`.
    pub fn find(name: &str) -> Option<Bundled> {
        BUNDLED.iter().find(|guest| guest.name == name).copied()
    }
}
