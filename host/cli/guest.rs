//! Finding and loading the guest that the command line names.

use std::io::{self, Write};
use std::path::Path;

use callbox::bundled::{BUNDLED, Bundled};
use callbox::{Callback, Error, Limits, Module, Sandbox};

use super::args;
use super::fault::{Fault, Result};
use super::items::Type;

/// The sandbox that the options ask for.
pub fn sandbox(args: &args::Guest) -> Result<Sandbox> {
    let mut limits = Limits::default();
    if let Some(fuel) = args.fuel {
        limits = limits.fuel(fuel);
    }
    if let Some(time) = args.timeout {
        limits = limits.deadline(time);
    }
    if let Some(bytes) = args.max_memory {
        limits = limits.memory(bytes);
    }
    let mut sandbox = Sandbox::new(limits).map_err(|error| Fault::library(&args.name, &error))?;
    if !args.grant.is_empty() {
        sandbox = sandbox.grant_print(|text| {
            let _ = io::stderr().write_all(text);
        });
    }
    if args.assume_fresh_pages {
        sandbox = sandbox.assume_fresh_pages();
    }
    Ok(sandbox)
}

/// A bundled guest by its name, or a module by its path.
pub fn module(sandbox: &Sandbox, name: &str) -> Result<Module> {
    let module = match Bundled::find(name) {
        Some(guest) => Module::new(sandbox, name, guest.wasm),
        None => Module::from_file(sandbox, name),
    };
    module.map_err(|error| match error {
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

/// Loads the guest and checks its comparator for items of this type.
pub fn comparator(args: &args::Guest, kind: &Type) -> Result<Callback> {
    let sandbox = sandbox(args)?;
    let fault = |error: Error| Fault::library(&args.name, &error);
    let mut wanted = kind.exports();
    let guest = module(&sandbox, &args.name)?.instantiate().map_err(|error| {
        let mut fault = fault(error);
        let grantable = |text: &String| text.contains("callbox.print") && args.grant.is_empty();
        fault.text = fault.text.map(|text| match text {
            text if grantable(&text) => format!("{text}; grant it with --grant print"),
            text => text,
        });
        fault
    })?;
    let exported = guest.module().exports();
    let export = match &args.export {
        Some(name) => name.clone(),
        None => match wanted.iter().find(|name| exported.iter().any(|export| export.name == **name)) {
            Some(name) => name.clone(),
            None => wanted.swap_remove(0),
        },
    };
    let shape = match args.shape {
        Some(args::Shape::Pointers) => Some(callbox::Shape::Pointers),
        Some(args::Shape::Scalars) => Some(callbox::Shape::Scalars),
        Some(args::Shape::Slices) => Some(callbox::Shape::Slices),
        None => None,
    };
    let callback = match shape {
        Some(shape) => guest.callback_as(shape, &export, kind.prototype()),
        None => guest.callback(&export, kind.prototype()),
    };
    let callback = callback.map_err(fault)?;
    if *kind == Type::Lines && callback.shape() != callbox::Shape::Slices {
        return Err(fault(Error::Export {
            module: args.name.clone(),
            reason: format!(
                "\"{export}\" compares by {}, and lines need slices: export compare_bytes \
                 (ptr, len, ptr, len) -> i32, or say with -t what records the input is made of",
                callback.shape()
            ),
        }));
    }
    Ok(callback)
}
