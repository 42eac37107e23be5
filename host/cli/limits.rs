//! Options that set limits, and which option lifts which limit.

use std::time::Duration;

use callbox::Limit;
use clap::{Args, ValueEnum};

/// Longer than the library's: a person waits here, who may sort a lot, and can press Ctrl-C.
const DEADLINE: Duration = Duration::from_secs(600);

/// What the guest may use.
#[derive(Args, Debug)]
pub struct Limits {
    /// Fuel for all comparisons together, about one unit an instruction [default: 10^12]
    #[arg(long, help_heading = "Limits", value_name = "N", value_parser = count)]
    pub fuel: Option<u64>,

    /// Time for all comparisons together, like 500ms or 2m [default: 10m]
    #[arg(long, help_heading = "Limits", value_name = "TIME", value_parser = time)]
    pub timeout: Option<Duration>,

    /// Memory of the guest, like 16M [default: 64M]
    #[arg(long, help_heading = "Limits", value_name = "SIZE", value_parser = size)]
    pub max_memory: Option<usize>,

    /// Elements of the guest's table [default: 10000]
    #[arg(long, help_heading = "Limits", value_name = "N", value_parser = number, hide_short_help = true)]
    pub max_table: Option<usize>,

    /// Stack of the guest [default: 128K]
    #[arg(long, help_heading = "Limits", value_name = "SIZE", value_parser = stack, hide_short_help = true)]
    pub max_stack: Option<usize>,

    /// Bytes that native code sorts: 4 for each item [default: 1G]
    #[arg(long, help_heading = "Limits", value_name = "SIZE", value_parser = size, hide_short_help = true)]
    pub max_array: Option<usize>,

    /// Bytes of the module [default: 8M]
    #[arg(long, help_heading = "Limits", value_name = "SIZE", value_parser = size, hide_short_help = true)]
    pub max_module: Option<usize>,

    /// Bytes of the module's code [default: 256K]
    #[arg(long, help_heading = "Limits", value_name = "SIZE", value_parser = size, hide_short_help = true)]
    pub max_code: Option<usize>,

    /// Functions of the module [default: 5000]
    #[arg(long, help_heading = "Limits", value_name = "N", value_parser = number, hide_short_help = true)]
    pub max_functions: Option<usize>,

    /// Bytes of each function [default: 32K]
    #[arg(long, help_heading = "Limits", value_name = "SIZE", value_parser = size, hide_short_help = true)]
    pub max_function: Option<usize>,

    /// Locals of each function [default: 1000]
    #[arg(long, help_heading = "Limits", value_name = "N", value_parser = number, hide_short_help = true)]
    pub max_locals: Option<usize>,

    /// Types, imports, globals, exports, segments of the module, so many of each [default: 1000]
    #[arg(long, help_heading = "Limits", value_name = "N", value_parser = number, hide_short_help = true)]
    pub max_declarations: Option<usize>,

    /// What the module's code may cost to compile, 1 for a plain instruction [default: 400000]
    #[arg(long, help_heading = "Limits", value_name = "N", value_parser = count, hide_short_help = true)]
    pub max_complexity: Option<u64>,

    /// Allow modules a WebAssembly proposal that is off at first
    #[arg(long, help_heading = "Limits", value_enum, value_name = "FEATURE")]
    pub allow: Vec<Allow>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Allow {
    /// 128-bit SIMD
    Simd,
}

impl Limits {
    /// The sandbox's configuration, with what the options change.
    pub fn config(&self) -> callbox::Config {
        callbox::Config::new(self.set()).simd(!self.allow.is_empty())
    }

    /// The library's limits, with what the options change.
    pub fn set(&self) -> callbox::Limits {
        let mut limits = callbox::Limits::default().deadline(DEADLINE);
        macro_rules! set {
            ($($option:ident => $limit:ident),* $(,)?) => {
                $(if let Some(value) = self.$option { limits = limits.$limit(value); })*
            };
        }
        set! {
            fuel => fuel, timeout => deadline, max_memory => memory, max_table => table,
            max_stack => stack, max_array => array, max_module => module_size, max_code => code_size,
            max_functions => functions, max_function => function_size, max_locals => locals,
            max_declarations => declarations, max_complexity => complexity,
        }
        limits
    }
}

/// Which option allows more.
pub fn option(limit: Limit) -> Option<&'static str> {
    Some(match limit {
        Limit::Fuel => "allow more with --fuel",
        Limit::Deadline => "allow more with --timeout",
        Limit::Memory => "allow more with --max-memory",
        Limit::Table => "allow more with --max-table",
        Limit::Stack => "ask for less with --max-stack",
        Limit::Array => "allow more with --max-array",
        Limit::ModuleSize => "allow more with --max-module",
        Limit::CodeSize => "allow more with --max-code",
        Limit::Functions => "allow more with --max-functions",
        Limit::FunctionSize => "allow more with --max-function",
        Limit::Locals => "allow more with --max-locals",
        Limit::Declarations => "allow more with --max-declarations",
        Limit::Complexity => "allow more with --max-complexity",
        _ => return None,
    })
}

fn count(text: &str) -> Result<u64, String> {
    let digits = text.replace('_', "");
    digits.parse().map_err(|_| "expected a whole number, like 1000000".to_owned())
}

fn number(text: &str) -> Result<usize, String> {
    usize::try_from(count(text)?).map_err(|_| "more than this machine can count".to_owned())
}

fn time(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    humantime::parse_duration(text)
        .map_err(|error| format!("{error}; expected a time like 500ms, 2m, or seconds"))
}

fn size(text: &str) -> Result<usize, String> {
    let sizes = parse_size::Config::new().with_binary();
    let size = sizes.parse_size(text).map_err(|_| "expected a size like 16M or 1000000".to_owned())?;
    usize::try_from(size).map_err(|_| "more than this machine can address".to_owned())
}

fn stack(text: &str) -> Result<usize, String> {
    match size(text)? {
        0 => Err("a guest needs some stack".to_owned()),
        size => Ok(size),
    }
}
