//! Finding and loading the guest that the command line names.

use std::io;
use std::path::Path;

use callbox::bundled::{BUNDLED, Bundled};
use callbox::{Callback, CompareShape, Error, Limits, Module, ModuleSource, Sandbox};

use super::args;
use super::fault::{Context, Fault, Result};
use super::items::Type;
use super::message;

/// Creates the sandbox that the options describe.
pub(super) fn sandbox(args: &args::GuestArgs) -> Result<Sandbox> {
    let config = args.limits.config().assume_fresh_pages(args.assume_fresh_pages);
    let config = if args.grant.is_empty() {
        config
    } else {
        // No line of a guest passes for one of this program's.
        config.grant_print(|text| message::lines("guest: ", text))
    };
    Sandbox::new(config).with_context(|| args.name.clone())
}

/// Returns a bundled guest by its name, or a module by its path, read but not parsed.
pub(super) fn find(name: &str, limits: &Limits) -> Result<ModuleSource> {
    if let Some(guest) = Bundled::find(name) {
        return Ok(ModuleSource::new(name, guest.wasm));
    }
    ModuleSource::read(name, limits).map_err(|error| match error {
        Error::Read { source, .. } if source.kind() == io::ErrorKind::NotFound && is_bare(name) => {
            let names = BUNDLED.iter().map(|guest| guest.name).collect::<Vec<_>>().join(", ");
            let text =
                format!("there is no such file and no bundled guest of this name; bundled are {names}");
            Fault::trouble(text).context(name.to_owned())
        }
        error => anyhow::Error::from(error).context(name.to_owned()),
    })
}

fn is_bare(name: &str) -> bool {
    Path::new(name).components().count() == 1
}

/// Compiles the guest and checks its comparator for items of this type.
pub(super) fn comparator(args: &args::GuestArgs, source: &ModuleSource, kind: &Type) -> Result<Callback> {
    let about = || args.name.clone();
    let module = source.compile(&sandbox(args)?).with_context(about)?;
    let guest = module.instantiate().with_context(about)?;
    let export = match &args.export {
        Some(name) => name.clone(),
        None => default_export(&module, kind)?,
    };
    let callback = match args.shape {
        Some(shape) => guest.callback_as(shape.into(), &export, kind.prototype()),
        None => guest.callback(&export, kind.prototype()),
    };
    let callback = callback.with_context(about)?;
    if *kind == Type::Lines && callback.shape() != Some(CompareShape::Slices) {
        return Err(Fault::guest(format!(
            "{}: \"{export}\" compares by {}, and lines need slices, (ptr, len, ptr, len) -> i32; \
             say with -t what else the input is made of",
            args.name,
            callback.shape().map_or_else(String::new, |shape| shape.to_string()),
        )));
    }
    Ok(callback)
}

/// Finds the export that compares items of this type by its name.
fn default_export(module: &Module, kind: &Type) -> Result<String> {
    let exports = module.exports();
    let wanted = kind.exports();
    let found = wanted.iter().find(|name| exports.iter().any(|export| export.name == **name));
    found.cloned().ok_or_else(|| {
        let name = module.name();
        Fault::guest(format!(
            "{name}: it exports no {}, which items of type {kind} need; \
             say with -t what the input is made of, or with -e which export compares; \
             `callbox inspect {name}` shows what there is",
            wanted.join(" or "),
        ))
    })
}
