//! How C passes arguments.

/// How C passes arguments and results.
///
/// Which of them there are depends on the target; a callback of one that this target has not is refused
/// when its function pointer is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallConv {
    /// What the target's C compiler uses when nothing is said; ctypes' `CFUNCTYPE`.
    #[default]
    C,
    /// The System V convention of x86-64, wherever the code runs; Rust's `extern "sysv64"`.
    SysV64,
    /// The Microsoft x64 convention, wherever the code runs; Rust's `extern "win64"`.
    Win64,
    /// `__stdcall`, ctypes' `WINFUNCTYPE`. On x86-64 it is the Microsoft x64 convention.
    Stdcall,
    /// `__fastcall` of 32-bit x86.
    Fastcall,
    /// `__thiscall` of 32-bit x86.
    Thiscall,
}

/// Each with what a C compiler calls it.
const KEYWORDS: [(CallConv, &str); 6] = [
    (CallConv::C, "__cdecl"),
    (CallConv::SysV64, "sysv_abi"),
    (CallConv::Win64, "ms_abi"),
    (CallConv::Stdcall, "__stdcall"),
    (CallConv::Fastcall, "__fastcall"),
    (CallConv::Thiscall, "__thiscall"),
];

impl CallConv {
    /// Whether code of this target can be called so.
    pub fn is_native(self) -> bool {
        match self {
            CallConv::C => true,
            CallConv::SysV64 | CallConv::Win64 => cfg!(target_arch = "x86_64"),
            CallConv::Stdcall => cfg!(any(target_arch = "x86_64", target_arch = "x86")),
            CallConv::Fastcall | CallConv::Thiscall => cfg!(target_arch = "x86"),
        }
    }

    /// The convention of this keyword, or of this word in an `__attribute__`.
    pub(super) fn of(word: &str) -> Option<CallConv> {
        KEYWORDS.iter().find(|(_, name)| *name == word).map(|(conv, _)| *conv)
    }

    /// How it is written before a list of arguments, with the space that follows.
    pub(super) fn keyword(self) -> String {
        match KEYWORDS.iter().find(|(conv, _)| *conv == self) {
            Some((CallConv::C, _)) | None => String::new(),
            Some((_, name)) if name.starts_with("__") => format!("{name} "),
            Some((_, name)) => format!("__attribute__(({name})) "),
        }
    }
}
