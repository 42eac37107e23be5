//! Finding and loading the guest that the command line names.

use std::io;
use std::path::Path;

use callbox::bundled::{BUNDLED, Bundled};
use callbox::{Callback, CompareShape, Error, Limits, Module, ModuleError, ModuleSource, Sandbox};

use super::args;
use super::fault::{Fault, Result};
use super::items::Type;
use super::message;

/// Creates the sandbox that the options describe.
pub(super) fn sandbox(args: &args::GuestArgs) -> Result<Sandbox> {
    let mut sandbox =
        Sandbox::new(args.limits.config()).map_err(|error| Fault::library(&args.name, &error))?;
    if !args.grant.is_empty() {
        sandbox = sandbox.grant_print(|text| {
            // No line of a guest passes for one of this program's.
            message::lines("guest: ", text);
        });
    }
    if args.assume_fresh_pages {
        sandbox = sandbox.assume_fresh_pages();
    }
    Ok(sandbox)
}

/// Returns a bundled guest by its name, or a module by its path, read but not parsed.
pub(super) fn find(name: &str, limits: &Limits) -> Result<ModuleSource> {
    let source = match Bundled::find(name) {
        Some(guest) => Ok(ModuleSource::new(name, guest.wasm)),
        None => ModuleSource::read(name, limits),
    };
    source.map_err(|error| match error {
        Error::Read { source, .. } if source.kind() == io::ErrorKind::NotFound && is_bare(name) => {
            Fault::trouble(format!(
                "{name}: there is no such file and no bundled guest of this name; bundled are {}",
                BUNDLED.iter().map(|guest| guest.name).collect::<Vec<_>>().join(", "),
            ))
        }
        error => Fault::library(name, &error),
    })
}

fn is_bare(name: &str) -> bool {
    Path::new(name).components().count() == 1
}

/// Compiles the guest and checks its comparator for items of this type.
pub(super) fn comparator(args: &args::GuestArgs, source: &ModuleSource, kind: &Type) -> Result<Callback> {
    let fault = |error: Error| Fault::library(&args.name, &error);
    let module = source.compile(&sandbox(args)?).map_err(fault)?;
    let guest = module.instantiate().map_err(|error| {
        let print_only = matches!(
            &error,
            Error::Module(ModuleError::Imports { imports, .. }) if *imports == ["callbox.print"]
        );
        let fault = fault(error);
        if print_only { fault.advise("grant it with --grant print") } else { fault }
    })?;
    let export = match &args.export {
        Some(name) => name.clone(),
        None => default_export(&module, kind)?,
    };
    let callback = match args.shape {
        Some(shape) => guest.callback_as(shape.into(), &export, kind.prototype()),
        None => guest.callback(&export, kind.prototype()),
    };
    let callback = callback.map_err(|error| match error {
        error @ Error::Module(ModuleError::Staging { .. }) => {
            fault(error).advise("or try --assume-fresh-pages")
        }
        error => fault(error),
    })?;
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
