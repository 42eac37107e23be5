//! Calling conventions.

/// A C calling convention: how arguments and results are passed.
///
/// The available conventions depend on the target; [`Guest::callback`](crate::Guest::callback) refuses the
/// others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallConv {
    /// The default of the target's C compiler; ctypes' `CFUNCTYPE`.
    #[default]
    C,
    /// The System V convention of x86-64, on any operating system; Rust's `extern "sysv64"`.
    SysV64,
    /// The Microsoft x64 convention, on any operating system; Rust's `extern "win64"`.
    Win64,
    /// `__stdcall`, ctypes' `WINFUNCTYPE`. On x86-64 it is the Microsoft x64 convention.
    Stdcall,
    /// `__fastcall` of 32-bit x86.
    Fastcall,
    /// `__thiscall` of 32-bit x86.
    Thiscall,
}

/// The calling conventions with their keywords or attributes in C compilers.
const KEYWORDS: [(CallConv, &str); 6] = [
    (CallConv::C, "__cdecl"),
    (CallConv::SysV64, "sysv_abi"),
    (CallConv::Win64, "ms_abi"),
    (CallConv::Stdcall, "__stdcall"),
    (CallConv::Fastcall, "__fastcall"),
    (CallConv::Thiscall, "__thiscall"),
];

impl CallConv {
    /// Returns whether this target has the convention.
    pub fn is_native(self) -> bool {
        match self {
            CallConv::C => true,
            CallConv::SysV64 | CallConv::Win64 => cfg!(target_arch = "x86_64"),
            CallConv::Stdcall => cfg!(any(target_arch = "x86_64", target_arch = "x86")),
            CallConv::Fastcall | CallConv::Thiscall => cfg!(target_arch = "x86"),
        }
    }

    /// Returns the convention of a keyword, or of a word in an `__attribute__`.
    pub(super) fn of(word: &str) -> Option<CallConv> {
        KEYWORDS.iter().find(|(_, name)| *name == word).map(|(conv, _)| *conv)
    }

    /// Returns the text that precedes a list of arguments, including a trailing space; empty for the default.
    pub(super) fn keyword(self) -> String {
        match KEYWORDS.iter().find(|(conv, _)| *conv == self) {
            Some((CallConv::C, _)) | None => String::new(),
            Some((_, name)) if name.starts_with("__") => format!("{name} "),
            Some((_, name)) => format!("__attribute__(({name})) "),
        }
    }
}
