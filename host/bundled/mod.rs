//! Guests that come with the library, compiled from `guest/orders`.

use crate::error::{Error, Result};
use crate::sandbox::{Guest, Module, Sandbox};

/// A guest that comes with the library.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Bundled {
    /// Its name on the command line.
    pub name: &'static str,
    /// The items that it orders, and where others go, in a few words.
    pub about: &'static str,
    /// A command line that sorts by it.
    pub example: &'static str,
    /// The module's binary.
    pub wasm: &'static [u8],
}

macro_rules! bundled {
    ($($name:literal by $order:literal: $about:literal),* $(,)?) => {
        /// Every guest that comes with the library.
        pub const BUNDLED: &[Bundled] = &[$(Bundled {
            name: $name,
            about: $about,
            example: concat!("callbox sort ", $order, " FILE"),
            wasm: include_bytes!(concat!($name, ".wasm")),
        }),*];
    };
}

bundled! {
    "bytes" by "bytes": "lines, bytewise; LC_ALL=C sort",
    "fold" by "-f": "lines, lower case as upper case; sort -f",
    "numeric" by "-n": "lines that begin with a number, others count as 0; sort -n",
    "general" by "-g": "lines like 1.5e3, inf or 0x1p4, others first; sort -g",
    "human" by "-h": "lines like 2K or 1G, others count as 0; sort -h",
    "month" by "-M": "lines that begin with a month's name, others first; sort -M",
    "version" by "-V": "lines with version numbers in them; sort -V",
    "dictionary" by "-d": "lines by letters, digits and blanks only; sort -d",
    "printing" by "-i": "lines by printing characters only; sort -i",
    "natural" by "natural": "lines with numbers of any length in them",
    "ipv4" by "ipv4": "lines like 10.0.0.1 or 10.0.0.0/8, others first",
    "semver" by "semver": "lines that are semantic versions, others first",
    "i32" by "--records i32 i32": "records of type i32",
    "i64" by "--records i64 i64": "records of type i64",
    "u32" by "--records u32 u32": "records of type u32",
    "u64" by "--records u64 u64": "records of type u64",
    "f32" by "--records f32 f32": "records of type f32, in total order",
    "f64" by "--records f64 f64": "records of type f64, in total order",
}

impl Sandbox {
    /// Compiles the [bundled](crate::bundled) guest `name`, and creates one guest of it.
    ///
    /// ```
    /// use callbox::{Limits, Sandbox, native};
    /// # fn main() -> callbox::Result<()> {
    /// let guest = Sandbox::new(Limits::default())?.bundled("f64")?;
    /// let total_order = guest.callback("compare_f64", "int (const double *, const double *)".parse()?)?;
    /// let mut values = [f64::INFINITY, -0.0, 0.0, -1.5];
    /// native::qsort(&mut values, &total_order)?;
    /// assert_eq!(values, [-1.5, -0.0, 0.0, f64::INFINITY]);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NotBundled`] if there is none of this name; those of [`Module::new`] and
    /// [`Module::instantiate`], as where the limits are tight.
    pub fn bundled(&self, name: &str) -> Result<Guest> {
        let Some(bundled) = Bundled::find(name) else {
            let bundled = BUNDLED.iter().map(|guest| guest.name).collect();
            return Err(Error::NotBundled { name: name.to_owned(), bundled });
        };
        Module::new(self, name, bundled.wasm)?.instantiate()
    }
}

impl Bundled {
    /// Returns the bundled guest `name`.
    pub fn find(name: &str) -> Option<Bundled> {
        BUNDLED.iter().find(|guest| guest.name == name).copied()
    }
}
