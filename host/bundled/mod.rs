//! Guests that come with the library, compiled from `guest/orders`.

use crate::error::{Error, Result};
use crate::sandbox::{Guest, Module, Sandbox};

/// A guest that comes with the library.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
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
            wasm: include_bytes!(concat!($name, ".wasm")),
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
