//! The table of limits, which defines each limit once.

use std::time::Duration;

use super::{Exceeded, LimitUnit, LimitValue};

/// Each row gives the documentation, whose first line is the option's help as well; the setter, the getter,
/// type and default; the scope; the variant of [`Limit`] with its unit and option; and the sentence of an
/// [`Error::Limit`](crate::Error::Limit), where the limit has no error of its own.
macro_rules! limits {
    ($(
        $(#[doc = $doc:literal])+
        $field:ident, $getter:ident: $type:ty = $default:expr, per $scope:literal,
        $variant:ident in $unit:ident by $option:literal $(, $error:expr)?;
    )*) => {
        /// The limits of a guest, with defaults that suit a comparator.
        ///
        /// Fuel and deadline are the budget of one native call with all its callbacks (of each call by C, for
        /// a retained callback), and of one instantiation. Memory, table, stack and print hold for a guest's
        /// life. The others are checked before a module is compiled, so that no module can keep the compiler
        /// busy: within the defaults, no module is known that takes more than 3 s or 256 MiB.
        ///
        /// | limit | default | per |
        /// |---|---|---|
        $(
            #[doc = concat!("| [`", stringify!($field), "`](Limits::", stringify!($field), ") | `",
                stringify!($default), "` | ", $scope, " |")]
        )*
        ///
        /// ```
        /// use std::time::Duration;
        /// let limits = callbox::Limits::default().fuel(1_000_000).deadline(Duration::from_secs(2));
        /// assert_eq!(limits.get_fuel(), 1_000_000);
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Limits {
            $(pub(crate) $field: $type,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Limits { $($field: $default,)* }
            }
        }

        impl Limits {
            $(
                $(#[doc = $doc])+
                pub fn $field(self, $field: $type) -> Self {
                    Limits { $field, ..self }
                }

                #[doc = concat!("Returns the limit that [`Limits::", stringify!($field), "`] sets.")]
                pub fn $getter(&self) -> $type {
                    self.$field
                }
            )*

            /// Returns a limit by its name, counted in its [unit](Limit::unit).
            pub fn get(&self, limit: Limit) -> u64 {
                match limit {
                    $(Limit::$variant => self.$field.to_u64(),)*
                }
            }

            /// Sets a limit by its name, counted in its [unit](Limit::unit).
            pub fn set(self, limit: Limit, value: u64) -> Self {
                match limit {
                    $(Limit::$variant => self.$field(<$type>::from_u64(value)),)*
                }
            }
        }

        /// A limit of [`Limits`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Limit {
            $(
                #[doc = concat!("[`Limits::", stringify!($field), "`]")]
                $variant,
            )*
        }

        impl Limit {
            /// All limits, in the order of the table of [`Limits`].
            pub const ALL: &[Limit] = &[$(Limit::$variant,)*];

            /// Returns the name of the setter in [`Limits`].
            pub fn name(self) -> &'static str {
                match self {
                    $(Limit::$variant => stringify!($field),)*
                }
            }

            /// Returns a line that says what is limited.
            pub fn about(self) -> &'static str {
                match self {
                    $(Limit::$variant => [$($doc,)+][0].trim_ascii(),)*
                }
            }

            /// Returns the unit in which the limit is counted.
            pub fn unit(self) -> LimitUnit {
                match self {
                    $(Limit::$variant => LimitUnit::$unit,)*
                }
            }

            /// Returns the option of the command line that sets the limit.
            pub fn option(self) -> &'static str {
                match self {
                    $(Limit::$variant => $option,)*
                }
            }

            /// Returns the sentence that says that the limit was exceeded.
            pub(crate) fn exceeded(self, at: Exceeded<'_>) -> String {
                let sentences: &[fn(Exceeded<'_>) -> String] = match self {
                    $(Limit::$variant => &[$($error,)? ran_into],)*
                };
                sentences[0](at)
            }
        }
    };
}

limits! {
    /// Fuel of one native call, about one unit for each instruction
    ///
    /// In wasmtime's units.
    fuel, get_fuel: u64 = 1_000_000_000_000, per "native call",
        Fuel in Count by "--fuel",
        |at| format!("\"{}\" spent all its fuel, {} units", at.subject, at.limit);

    /// Wall-clock time of one native call
    ///
    /// It is checked every 10 ms.
    deadline, get_deadline: Duration = Duration::from_secs(60), per "native call",
        Deadline in Nanoseconds by "--timeout",
        |at| format!("\"{}\" was still running at its deadline of {}", at.subject, at.limit);

    /// Linear memory of the guest
    ///
    /// In bytes, including elements that the host stages there.
    memory, get_memory: usize = 64 << 20, per "guest",
        Memory in Bytes by "--max-memory",
        |at| format!("{} needs {} of memory, but may have {}", at.subject, at.found, at.limit);

    /// Function table of the guest
    ///
    /// In elements.
    table, get_table: usize = 10_000, per "guest",
        Table in Elements by "--max-table",
        |at| format!("the guest needs a table of {} elements, but may have {}", at.found, at.limit.number);

    /// Native stack of the guest's calls
    ///
    /// In bytes; at least 1. A thread that has less than these and 64 KiB more left when it calls a guest is
    /// refused with [`Error::Stack`](crate::Error::Stack).
    stack, get_stack: usize = 128 << 10, per "guest",
        Stack in Bytes by "--max-stack";

    /// Text that the guest prints in its life
    ///
    /// In bytes, where printing is granted at all.
    print, get_print: usize = 64 << 10, per "guest",
        Print in Bytes by "--max-print",
        |at| format!("the guest printed more than {}", at.limit);

    /// Array that native code sorts or searches
    ///
    /// In bytes; native code gets a private copy. The limit also holds for the total that the arguments of
    /// any other call point to.
    array, get_array: usize = 1 << 30, per "native call",
        Array in Bytes by "--max-array";

    /// String that native code passes, its NUL included
    ///
    /// In bytes, for each `const char *`.
    text, get_text: usize = 1 << 20, per "argument",
        Text in Bytes by "--max-text";

    /// Binary form of the module
    ///
    /// In bytes.
    module_size, get_module_size: usize = 8 << 20, per "module",
        ModuleSize in Bytes by "--max-module",
        |at| format!("the module has more than the {} that it may have", at.limit);

    /// Text form of the module, before it is parsed
    ///
    /// In bytes. The parser takes about a hundred times as many.
    module_text, get_module_text: usize = 1 << 20, per "module",
        ModuleText in Bytes by "--max-module-text",
        |at| format!("the text has more than the {} that it may have", at.limit);

    /// Code section of the module
    ///
    /// In bytes.
    code_size, get_code_size: usize = 256 << 10, per "module",
        CodeSize in Bytes by "--max-code", too_complex;

    /// Functions that the module may define
    functions, get_functions: usize = 5_000, per "module",
        Functions in Count by "--max-functions", too_complex;

    /// Body of each function of the module
    ///
    /// In bytes.
    function_size, get_function_size: usize = 32 << 10, per "function",
        FunctionSize in Bytes by "--max-function", too_complex;

    /// Locals of each function, besides its parameters
    locals, get_locals: usize = 1_000, per "function",
        Locals in Count by "--max-locals", too_complex;

    /// Blocks of a function, one inside the other
    nesting, get_nesting: usize = 1_000, per "function",
        Nesting in Count by "--max-nesting", too_complex;

    /// Types of functions and blocks
    types, get_types: usize = 100, per "module",
        Types in Count by "--max-types", too_complex;

    /// Parameters of each type
    params, get_params: usize = 32, per "type",
        Params in Count by "--max-params", too_complex;

    /// Results of each type
    results, get_results: usize = 8, per "type",
        Results in Count by "--max-results", too_complex;

    /// Entries of all element segments
    entries, get_entries: usize = 4_000, per "module",
        Entries in Count by "--max-entries", too_complex;

    /// Imports, globals, exports, element segments and data segments, of each kind
    declarations, get_declarations: usize = 256, per "module",
        Declarations in Count by "--max-declarations", too_complex;

    /// Estimated cost of compiling the module, 1 for a plain instruction
    ///
    /// Calls, branches past many locals, and instructions that compile to much code cost more; so do types
    /// and exported functions. A unit was measured to take up to 1.5 µs on a machine of 2023.
    complexity, get_complexity: u64 = 1_000_000, per "module",
        Complexity in Count by "--max-complexity", too_complex;
}

fn ran_into(Exceeded { subject, limit, .. }: Exceeded<'_>) -> String {
    format!("{subject} ran into its limit, {limit}")
}

fn too_complex(Exceeded { subject, found, limit }: Exceeded<'_>) -> String {
    format!("the module is too complex: {found} {subject}, but it may have {limit}")
}
