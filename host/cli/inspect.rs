//! `callbox inspect`.

use std::fmt::Write as _;

use callbox::{CompareShape, ElementRoom, Error, Module, ModuleError, Sandbox, SortKey};

use super::args;
use super::fault::{Context, Exit, Result};
use super::output::Output;

pub(super) fn run(args: &args::Inspect) -> Result<Exit> {
    let Some(guest) = &args.guest else { return super::guests::run() };
    let about = || guest.clone();
    let print = |_: &[u8]| {}; // no code of the guest runs here
    let sandbox = Sandbox::new(args.limits.config().grant_print(print)).with_context(about)?;
    let source = super::guest::find(guest, sandbox.limits())?;
    let module = source.compile(&sandbox).with_context(about)?;
    let complexity = source.complexity(&sandbox).with_context(about)?;
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    let _ = describe(&mut text, &module, complexity, &sandbox);
    Output::Stdout.write(|to| to.write_all(text.as_bytes()))?;
    Ok(Exit::Done)
}

fn describe(text: &mut String, module: &Module, complexity: u64, sandbox: &Sandbox) -> std::fmt::Result {
    let hex = module.sha256().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    row(text, "module", &format!("{}, {} bytes", module.name(), module.size()))?;
    row(text, "sha256", &hex)?;
    let imports = module.imports();
    if imports.is_empty() {
        row(text, "imports", "none")?;
    }
    for import in imports {
        let fate = match import.advice() {
            _ if module.is_granted(&import) => "granted with --grant print".to_owned(),
            Some(advice) => format!("never granted; {advice}"),
            None => "never granted".to_owned(),
        };
        row(text, "import", &format!("{}: {}; {fate}", import.shown(), import.ty))?;
    }
    for export in module.exports() {
        let shape = match export.shape {
            Some(CompareShape::Pointers) => "; a comparator by pointers: --records i32, bytes:N, …",
            Some(CompareShape::Scalars) => "; a comparator by scalars: --records with its type",
            Some(CompareShape::Slices) => "; a comparator by slices: lines, --records bytes:N",
            None if export.name == SortKey::EXPORT => "; sort keys, in the order of compare_bytes",
            None => "",
        };
        row(text, "export", &format!("{}: {}{shape}", export.shown(), export.ty))?;
    }
    let memory = match module.memory() {
        None => "none exported".into(),
        Some(memory) => match memory.maximum {
            Some(most) => format!("{} pages of 64 KiB at first, at most {most}", memory.minimum),
            None => format!("{} pages of 64 KiB at first", memory.minimum),
        },
    };
    row(text, "memory", &memory)?;
    row(text, "elements", &room(module))?;
    row(text, "start", if module.starts() { "runs code when a guest is made" } else { "runs no code" })?;
    row(text, "cost", &format!("complexity {complexity}"))?;
    for limit in sandbox.limits().lines() {
        row(text, "limit", &limit)?;
    }
    Ok(())
}

fn row(text: &mut String, name: &str, value: &str) -> std::fmt::Result {
    writeln!(text, "{name:9} {}", callbox::escape(value))
}

/// Describes where the host puts elements in the guest's memory.
fn room(module: &Module) -> String {
    match module.element_room() {
        Ok(ElementRoom::CabiRealloc) => "put where cabi_realloc says".to_owned(),
        Ok(ElementRoom::CallboxAlloc) => "put where callbox_alloc says".to_owned(),
        Ok(_) => "put into pages that the host adds".to_owned(),
        Err(_) if module.memory().is_none() => "passed as values only".to_owned(),
        Err(Error::Module(ModuleError::Staging { reason, .. })) => format!("not put anywhere; {reason}"),
        Err(error) => error.to_string(),
    }
}
