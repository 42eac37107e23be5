//! Finding and loading the guest that the command line names.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use callbox::bundled::{BUNDLED, Bundled};
use callbox::{
    Callback, CompareShape, Config, Error, Limit, Limits, Module, ModuleExtern, ModuleSource, Sample, Sandbox,
};

use super::args;
use super::fault::{Context, Fault, Result};
use super::items::Type;
use super::message;

/// The guests of a command, in one sandbox.
pub(super) struct Guests<'a> {
    args: &'a args::GuestArgs,
    sources: BTreeMap<String, ModuleSource>,
    sandbox: Option<Sandbox>,
    config: Config,
    modules: BTreeMap<String, Module>,
}

/// A comparator that is asked for.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// The guest's name or path.
    pub(super) guest: &'a str,
    /// The export; `None` for the one that fits the items.
    pub(super) export: Option<&'a str>,
    /// The type of the items.
    pub(super) kind: &'a Type,
}

impl<'a> Guests<'a> {
    pub(super) fn new(args: &'a args::GuestArgs) -> Guests<'a> {
        let config = config(args).sort_keys(false);
        Guests { args, sources: BTreeMap::new(), sandbox: None, config, modules: BTreeMap::new() }
    }

    /// Sets whether the guests are optimized, as they are by default.
    pub(super) fn optimized(self, optimized: bool) -> Guests<'a> {
        Guests { config: self.config.optimize(optimized), ..self }
    }

    /// Has the guests make sort keys as well.
    pub(super) fn with_sort_keys(self) -> Guests<'a> {
        Guests { config: self.config.sort_keys(true), ..self }
    }

    /// Has the guests' stacks sampled.
    pub(super) fn sampled(self, sink: impl Fn(&Sample<'_>) + Send + Sync + 'static) -> Guests<'a> {
        Guests { config: self.config.sample(sink), ..self }
    }

    /// Adds a guest that is part of this program, in text form, by this name.
    pub(super) fn with_text(mut self, name: &str, text: &str) -> Guests<'a> {
        self.sources.insert(name.to_owned(), ModuleSource::from_text(name, text));
        self
    }

    /// Reads a guest's module, which is not parsed.
    pub(super) fn read(&mut self, name: &str) -> Result<()> {
        if !self.sources.contains_key(name) {
            self.sources.insert(name.to_owned(), find(name, &self.args.limits.set())?);
        }
        Ok(())
    }

    /// Compiles a guest that has been read, makes one of its own for each call, and checks its comparator.
    pub(super) fn comparator(&mut self, wanted: Wanted<'_>) -> Result<Callback> {
        let about = || wanted.guest.to_owned();
        if !self.modules.contains_key(wanted.guest) {
            self.read(wanted.guest)?;
            let sandbox = match &mut self.sandbox {
                Some(sandbox) => sandbox,
                none => none.insert(Sandbox::new(self.config.clone()).with_context(about)?),
            };
            let module = self.sources[wanted.guest].compile(sandbox).with_context(about)?;
            self.modules.insert(about(), module);
        }
        let (args, module) = (self.args, &self.modules[wanted.guest]);
        let guest =
            module.instantiate().map_err(|error| refusal(args, wanted, module, error)).with_context(about)?;
        let (export, kind) = (export(wanted, module)?, wanted.kind);
        let callback = match args.shape {
            Some(shape) => guest.callback_as(shape.into(), &export, kind.prototype()),
            None => guest.callback(&export, kind.prototype()),
        };
        let callback = callback.with_context(about)?;
        if *kind == Type::Lines && callback.shape() != Some(CompareShape::Slices) {
            return Err(Fault::guest(format!(
                "{}: \"{export}\" compares by {}, and lines need slices, (ptr, len, ptr, len) -> i32; \
                 say with --records what else the input is made of, like --records i32 or \
                 --records bytes:16",
                wanted.guest,
                callback.shape().map_or_else(String::new, |shape| shape.to_string()),
            )));
        }
        Ok(callback)
    }
}

/// Returns the configuration that the options describe.
pub(super) fn config(args: &args::GuestArgs) -> Config {
    let config = args.limits.config().assume_fresh_pages(args.assume_fresh_pages);
    if args.grant.is_empty() {
        config
    } else {
        // No line of a guest passes for one of this program's.
        config.grant_print(|text| message::lines("guest: ", text))
    }
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

/// Returns the error to tell about a guest that could not be made.
fn refusal(args: &args::GuestArgs, wanted: Wanted<'_>, module: &Module, error: Error) -> Error {
    match error {
        // A larger limit is no help where elements would have no room in it.
        Error::Limit { limit: Limit::Memory, .. } if !takes_values(args, wanted, module) => {
            module.element_room().err().unwrap_or(error)
        }
        error => error,
    }
}

/// Returns whether the comparator takes items by value, which need no room in its memory.
fn takes_values(args: &args::GuestArgs, wanted: Wanted<'_>, module: &Module) -> bool {
    let shape = args.shape.map(CompareShape::from).or_else(|| {
        let name = export(wanted, module).ok()?;
        module.exports().into_iter().find(|export| export.name == name)?.shape
    });
    shape.is_none_or(|shape| shape == CompareShape::Scalars)
}

/// Returns the name of the export that compares: the one that is asked for, or one that its name makes fit.
fn export(wanted: Wanted<'_>, module: &Module) -> Result<String> {
    let Wanted { guest, export, kind } = wanted;
    let exports = module.exports();
    let fitting = kind.exports();
    let named = |name: &&String| exports.iter().any(|export| export.name == **name);
    let found = export.map(str::to_owned).or_else(|| fitting.iter().find(named).cloned());
    // What the name of a bundled guest's export says is so.
    let bundled = Bundled::find(guest).is_some();
    let misread = |name: &String| Type::of_export(name).is_some_and(|own| own.misreads(kind));
    found.filter(|name| !(bundled && misread(name))).ok_or_else(|| {
        let comparators: Vec<_> = exports.into_iter().filter(|export| export.shape.is_some()).collect();
        let types: Vec<_> = comparators.iter().filter_map(|export| Type::of_export(&export.name)).collect();
        let problem = match (&types[..], kind) {
            ([own], _) if bundled => format!("it sorts {own}, not {kind}"),
            (_, Type::Lines) => "it exports no compare_bytes, which lines need".to_owned(),
            _ => format!("it exports no {}, which items of type {kind} need", fitting.join(" or ")),
        };
        // Only its author knows what the name of another guest's export means.
        let meant = types.iter().find(|own| own.misreads(kind)).filter(|_| !bundled);
        let advice = match (&types[..], &comparators[..]) {
            ([_, ..], _) => other_type(&types, kind, meant),
            (_, []) => "none of its functions has the type of a comparator".to_owned(),
            _ => format!(
                "say with --records what the input is made of, or with -e which of these compares: {}",
                comparators.iter().map(ModuleExtern::shown).collect::<Vec<_>>().join(", ")
            ),
        };
        Fault::guest(format!("{guest}: {problem}; {advice}"))
    })
}

/// Returns the advice for a guest that compares items of these types and not of `kind`, unless it means those
/// by `meant`.
fn other_type(types: &[Type], kind: &Type, meant: Option<&Type>) -> String {
    let (lines, numbers): (Vec<_>, Vec<_>) = types.iter().partition(|own| **own == Type::Lines);
    let verb = if *kind == Type::Lines { "add" } else { "say" };
    let numbers: Vec<_> = numbers.iter().map(|own| format!("--records {own}")).collect();
    let numbers = (!numbers.is_empty()).then(|| format!("{verb} {}", numbers.join(" or ")));
    let meant = meant.map(|own| format!("-e compare_{own} if it compares its numbers as {kind}"));
    let lines = lines.first().map(|_| "leave --records out for lines".to_owned());
    [numbers, meant, lines].into_iter().flatten().collect::<Vec<_>>().join(", or ")
}
