//! `callbox sort`.

mod argv;
mod debug;
mod inputs;
mod letters;
mod memory;
mod order;
mod profile;
mod progress;
mod spec;
mod trace_events;
mod watching;

use std::cmp::Ordering;
use std::ffi::OsString;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use callbox::sort::{Disorder, Format, Job, Options, Progress, Sorter, Spill, csv_fields};
use callbox::{Callback, Error, escape};

use super::args;
use super::fault::{self, Context, Exit, Fault, Result};
use super::guest::Guests;
use super::isolate::Isolated;
use super::items::Type;
use super::output::Output;
use super::stats::Figures;
use super::{isolate, message, report, signals, system};
use inputs::Opened;
use order::Order;
use progress::{DrawTarget, Looks, Shown};
use watching::Watching;

/// Maximum number of threads where the command line does not say how many.
const MAX_DEFAULT_THREADS: NonZeroUsize = NonZeroUsize::new(8).unwrap();

/// Returns the words of a command line; those of `callbox sort` as clap reads them.
pub(super) fn words(command: &clap::Command, words: impl Iterator<Item = OsString>) -> Result<Vec<OsString>> {
    let mut words: Vec<_> = words.collect();
    if words.get(1).is_some_and(|word| word == "sort") {
        let sort = command.find_subcommand("sort").into_iter().flat_map(clap::Command::get_arguments);
        let own: Vec<_> = sort.filter_map(|option| option.get_long().map(str::to_owned)).collect();
        let of_sort = words.split_off(2);
        words.extend(argv::spell_out(of_sort, &own)?);
    }
    Ok(words)
}

pub(super) fn run(args: &args::Sort) -> Result<Exit> {
    let order = Order::new(args)?;
    check_modes(args)?;
    watching::check_modes(args, &order)?;
    let output = Output::open(args.output().as_deref(), "-o")?;
    let mut watching = Watching::open(args)?;
    if args.isolate {
        let guest = order.name();
        let isolated = Isolated { args, guest: &guest };
        let job = || report(job(args, &order, Output::Parent, &mut watching));
        return isolate::run(isolated, output, job);
    }
    match job(args, &order, output, &mut watching) {
        Ok(exit) => watching.finish().map(|()| exit),
        Err(error) => {
            // The message of the sort is the last.
            let finished = watching.finish_of_failure();
            finished.err().and_then(|error| fault::sentence(&error)).into_iter().for_each(message::say);
            Err(error)
        }
    }
}

/// `Err` for modes that exclude each other.
fn check_modes(args: &args::Sort) -> Result<()> {
    let incompatible = |options: &str| Err(Fault::trouble(format!("options '{options}' are incompatible")));
    let check = if args.silent { 'C' } else { 'c' };
    if let Some(other) = args.output.iter().find(|file| **file != args.output[0]) {
        let text = "there can be one output only; leave one -o out";
        return Err(Fault::trouble(format!("-o {}: {text}", escape(other.as_encoded_bytes()))));
    }
    if args.silent && (args.check || args.check_how == Some(args::CheckHow::DiagnoseFirst)) {
        return incompatible("-cC");
    }
    if args.only_checks() && !args.output.is_empty() {
        return incompatible(&format!("-{check}o"));
    }
    if args.debug && args.only_checks() {
        return incompatible(&format!("-{check} --debug"));
    }
    if args.debug && args.isolate {
        return incompatible("--isolate --debug");
    }
    if args.debug && !args.output.is_empty() {
        return incompatible("-o --debug");
    }
    Ok(())
}

/// Does the work, in this process.
fn job(args: &args::Sort, order: &Order, output: Output, watching: &mut Watching) -> Result<Exit> {
    let inside = matches!(output, Output::Parent);
    let sorter = sorter(args)?; // a library is loaded while files can still be opened
    let format = order::format(args)?;
    let files = inputs::names(args, &order.files)?;
    let small = inputs::are_small(&files);
    let mut guests = Guests::new(&args.guest).optimized(!small);
    if let Some(profile) = watching.profile() {
        guests = guests.sampled(profile.sink());
    }
    order.read(&mut guests)?;
    let mut spill = memory::spill(&args.memory)?;
    signals::wait_for_children();
    system::return_large_memory();
    let target = DrawTarget::of(args.progress);
    let (mut started, mut opened) = (Instant::now(), None);
    if inside {
        // All files are read before the process is locked down.
        let (loaded, bytes) = inputs::load(args, &files, format, spill.memory() as u64)?;
        isolate::enter(Isolated { args, guest: &order.name() }, bytes)?;
        spill = Spill::new(usize::MAX / 2);
        (started, opened) = (Instant::now(), Some(loaded));
    }
    // An unusable guest is reported before any input is typed.
    let keys = order.compile(&mut guests, &args.items.kind, watching)?;
    let load = started.elapsed();
    let opened = match opened {
        Some(opened) => opened,
        None => {
            spill = memory::spill(&args.memory)?; // beside the guests
            inputs::open(args, &files, format, spill.memory())?
        }
    };
    let (mut keys, mut columns) = (keys, Vec::new());
    if let Format::Csv { delimiter } = format {
        columns = opened.header.as_deref().map(|header| csv_fields(header, delimiter)).unwrap_or_default();
        keys = order.find_columns(keys, &columns, delimiter)?;
    }
    let Opened { mut inputs, header, reading, size } = opened;
    let guest_memory = keys.iter().map(|key| memory_of(key.callback())).sum();
    let ready = Instant::now();
    let mut options = options(args, order, sorter, small);
    let mut shown = None;
    if let Some(target) = target {
        let (progress, reading) = (Arc::<Progress>::default(), reading.clone());
        options = options.progress(progress.clone());
        shown = Some(Shown::new(Looks { target, progress, reading, size, typed: inputs::are_typed(&files) }));
    }
    let job = Job::by_keys(keys, options);

    if args.only_checks() {
        let Some(input) = inputs.first_mut() else { return Ok(Exit::Done) };
        let found = job.disorder_of(input, &spill).map_err(|error| with_guest(error, order))?;
        let Some(disorder) = found else { return Ok(Exit::Done) };
        drop(shown);
        if !args.is_silent() {
            report_disorder(args, input.name(), &disorder);
        }
        return Ok(Exit::Disorder);
    }
    let arranged =
        if args.merge { job.merge_inputs(inputs, &spill) } else { job.sort_inputs(inputs, &spill) };
    let arranged = arranged.map_err(|error| with_guest(error, order))?;
    let sort = ready.elapsed().saturating_sub(reading.time());
    watching.flush()?; // what fails already leaves standard output empty, too
    let shown = shown.and_then(|shown| shown.end_before(&output));
    let mut watched = Ok(());
    let written = output.write(|to| {
        if let Some(header) = &header {
            to.write_all(header)?;
            to.write_all(format.separator().as_slice())?;
        }
        if args.debug {
            let (columns, last) = (debug::columns(order, &columns), !args.unique && !args.stable);
            arranged.for_each(|item| debug::write(to, item, order, &columns, format, last))?;
        } else {
            arranged.write(to)?;
        }
        // Before a file is replaced: where it fails, that is left as it is.
        watched = watching.finish();
        if watched.is_ok() { Ok(()) } else { Err(io::Error::other("another file was not written")) }
    });
    watched.and(written)?;
    drop(shown);
    if let Some(format) = args.stats {
        let figures = Figures {
            sorter: match sorter {
                Sorter::Auto if job.sorted_in_sandbox() => "sandboxed".to_owned(),
                Sorter::Msvcrt => "msvcrt".to_owned(),
                Sorter::Sandboxed => "sandboxed".to_owned(),
                Sorter::Library(function) => escape(function.name()),
                _ => "qsort".to_owned(),
            },
            items: arranged.items(),
            written: arranged.written(),
            comparisons: job.comparisons(),
            verified: job.verified(),
            fuel: job.fuel_used(),
            guest_memory,
            load,
            read: reading.time(),
            sort,
        };
        message::lines("", figures.show(format).as_bytes());
    }
    Ok(Exit::Done)
}

/// Returns an error with the guest's name, unless it is about a file.
fn with_guest(error: Error, order: &Order) -> anyhow::Error {
    match error {
        Error::File(_) => error.into(),
        // The error names its guest where there are several.
        error if order.has_several_guests() => error.into(),
        error => anyhow::Error::from(error).context(order.name()),
    }
}

fn options(args: &args::Sort, order: &Order, sorter: Sorter, small: bool) -> Options {
    Options::default()
        .reverse(order.global.has(b'r'))
        .unique(args.unique)
        .stable(args.stable)
        .sorter(sorter)
        .parallel(args.memory.parallel.unwrap_or_else(|| threads(args, sorter, small)))
        .verify(args.verify.into())
}

/// Returns how many threads sort by default: as many as in GNU sort, but one where the order of calls is
/// visible, where a function may not expect several, or for a small input, for which more do not pay.
fn threads(args: &args::Sort, sorter: Sorter, small: bool) -> NonZeroUsize {
    if small || args.is_watched() || matches!(sorter, Sorter::Library(_)) {
        return NonZeroUsize::MIN;
    }
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN).min(MAX_DEFAULT_THREADS)
}

/// Returns the sorter of the options; loads the library of a function in one.
fn sorter(args: &args::Sort) -> Result<Sorter> {
    Ok(match &args.sorter {
        // Records are C's to sort unless the user says otherwise.
        args::SorterArg::Auto if args.items.kind != Type::Lines => Sorter::Qsort,
        args::SorterArg::Auto => Sorter::Auto,
        args::SorterArg::Qsort => Sorter::Qsort,
        args::SorterArg::Msvcrt => Sorter::Msvcrt,
        args::SorterArg::Sandboxed => Sorter::Sandboxed,
        args::SorterArg::Library(function) => Sorter::Library(function.load().context("--sorter")?),
    })
}

/// Returns the sign that shows an answer between two items.
pub(super) fn sign(answer: Ordering) -> char {
    match answer {
        Ordering::Less => '<',
        Ordering::Equal => '=',
        Ordering::Greater => '>',
    }
}

fn report_disorder(args: &args::Sort, input: &str, disorder: &Disorder) {
    let item = match args.items.kind {
        Type::Lines => escape(&disorder.item),
        _ => args.items.kind.show(&disorder.item),
    };
    let end = if args.items.zero_terminated { "\0" } else { "\n" };
    message::ended(format!("callbox: {input}:{}: disorder: {item}", disorder.number), end);
}

fn memory_of(callback: &Callback) -> usize {
    callback.guest().memory_size().unwrap_or(0)
}
