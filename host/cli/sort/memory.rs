//! How much memory a sort takes, and where it keeps the rest.

use std::ffi::OsStr;
use std::path::PathBuf;

use callbox::escape;
use callbox::sort::{Spill, max_open_files};

use crate::cli::args;
use crate::cli::fault::{Fault, Result};
use crate::cli::system::{free_memory, resident_memory, total_memory};

/// Memory that the process takes before it reads anything, where the system does not tell.
const RESIDENT_BYTES: u64 = 32 << 20;

/// Memory that is taken where the system does not tell how much is free.
const DEFAULT_BYTES: u64 = 1 << 30;

/// Returns the description of the options; it says what the process takes already.
pub(super) fn spill(args: &args::MemoryArgs) -> Result<Spill> {
    let sizes = args.buffer_size.iter().map(|size| buffer_size(size)).collect::<Result<Vec<_>>>()?;
    let most = match sizes.last() {
        Some(size) => *size,
        None => free_memory().map_or(DEFAULT_BYTES, |free| free / 2),
    };
    // At least half, even if the process itself takes more than the other half.
    let items = most.saturating_sub(resident_memory().unwrap_or(RESIDENT_BYTES)).max(most / 2);
    let folders = args.temporary_directory.iter().map(PathBuf::from).collect();
    let mut spill = Spill::new(usize::try_from(items).unwrap_or(usize::MAX)).folders(folders);
    if let Some(text) = &args.batch_size {
        spill = spill.batch(batch_size(text)?);
    }
    if let Some((program, more)) = args.compress_program.split_first() {
        if let Some(other) = more.iter().find(|other| *other != program) {
            let text = "name one program";
            return Err(Fault::trouble(format!("--compress-program {}: {text}", shown(other))));
        }
        spill = spill.program(program);
    }
    Ok(spill)
}

/// Parses a number of files.
fn batch_size(text: &str) -> Result<usize> {
    // Standard input, output and error are open besides.
    let most = max_open_files().saturating_sub(3);
    let fault = |problem: &str| {
        let shown = escape(text);
        Fault::trouble(format!("--batch-size {shown}: {problem}; from 2 to {most} files can be open here"))
    };
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        _ if !digits => Err(fault("it is no number")),
        Ok(number) if number < 2 => Err(fault("it is less than 2")),
        Ok(number) if number <= most => Ok(number),
        _ => Err(fault("it is too large")),
    }
}

/// Parses a size in the units of GNU sort: KiB where there is none, `b` for bytes, `%` of the machine's
/// memory.
fn buffer_size(text: &OsStr) -> Result<u64> {
    const UNITS: &[u8] = b"KMGTPEZYRQ";
    let fault = |problem: &str| {
        Fault::trouble(format!("-S {}: {problem}; write a size like 64M, 1G, 20% or 1000000b", shown(text)))
    };
    let bytes = text.as_encoded_bytes().trim_ascii_start();
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, unit) = bytes.split_at(digits);
    if number.is_empty() {
        return Err(fault("it begins with no number"));
    }
    let digit = |sum: u128, digit: &u8| sum.saturating_mul(10).saturating_add(u128::from(digit - b'0'));
    let number = number.iter().fold(0, digit);
    let size = match unit {
        [] => number.saturating_mul(1024),
        b"b" => number,
        b"%" => number.saturating_mul(u128::from(total_memory().unwrap_or(DEFAULT_BYTES))) / 100,
        [unit] => {
            let power = UNITS.iter().position(|known| known == &unit.to_ascii_uppercase());
            let power = power.filter(|_| unit.is_ascii_uppercase() || b"kmgt".contains(unit));
            let power = power.ok_or_else(|| fault("its unit is unknown"))?;
            number.saturating_mul(1024_u128.saturating_pow(power as u32 + 1))
        }
        _ => return Err(fault("its unit is unknown")),
    };
    u64::try_from(size).map_err(|_| fault("it is too large"))
}

fn shown(text: &OsStr) -> String {
    escape(text.as_encoded_bytes())
}
