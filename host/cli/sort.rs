//! `callbox sort`.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Instant;

use callbox::native::SortFunction;
use callbox::sort::{Items, Job, Options, Sorter, Trace};
use callbox::{Callback, escape};

use super::args::{self, CheckHow};
use super::fault::{Context, Exit, Fault, Result};
use super::items::Type;
use super::output::Output;
use super::stats::Figures;
use super::{guest, input, isolate, message, report};

pub(super) fn run(args: &args::Sort) -> Result<Exit> {
    if args.only_checks() && args.files.len() > 1 {
        let extra = input::name(&args.files[1]);
        return Err(Fault::trouble(format!("{extra}: -c and -C look at one file only; name one")));
    }
    if args.trace && matches!(args.sorter, args::SorterArg::Sandboxed) {
        let text = "--trace: comparisons of the sandboxed sorter never leave the sandbox; \
                    use --sorter qsort or msvcrt";
        return Err(Fault::trouble(text));
    }
    let output = Output::open(args.output.as_deref())?;
    if args.isolate {
        return isolate::run(args, output, || report(job(args, Output::Parent)));
    }
    job(args, output)
}

/// Does the work, in this process.
fn job(args: &args::Sort, output: Output) -> Result<Exit> {
    let inside = matches!(output, Output::Parent);
    let sorter = sorter(args)?; // a library is loaded while files can still be opened
    let source = guest::find(&args.guest.name, &args.guest.limits.set())?;
    let (callback, mut items, load, read);
    let started = Instant::now();
    if inside {
        // All files are read before the process is locked down.
        items = input::read(&args.files, &args.items)?;
        read = started.elapsed();
        isolate::enter(args, &items)?;
        callback = guest::comparator(&args.guest, &source, &args.items.kind)?;
        load = started.elapsed() - read;
    } else {
        // An unusable guest is reported before any input is typed.
        callback = guest::comparator(&args.guest, &source, &args.items.kind)?;
        load = started.elapsed();
        items = input::read(&args.files, &args.items)?;
        read = started.elapsed() - load;
    }
    let ready = Instant::now();
    let job = Job::new(&callback, options(args, sorter));
    let about = || args.guest.name.clone();

    if args.only_checks() {
        let Some(at) = job.disorder(&items).with_context(about)? else { return Ok(Exit::Done) };
        if !args.silent && args.check != Some(CheckHow::Quiet) {
            report_disorder(args, &items, at);
        }
        return Ok(Exit::Disorder);
    }

    let (read_items, lines) = (items.len(), items.width().is_none());
    let sorted = if lines {
        Some(job.sort(&items).with_context(about)?)
    } else {
        job.sort_in_place(&mut items).map(|()| None).with_context(about)?
    };
    let sort = ready.elapsed();
    let written = sorted.as_ref().map_or(items.len(), |sorted| sorted.order.len());
    let separator = input::separator(&args.items);
    output.write(|to| match &sorted {
        None => items.iter().try_for_each(|record| to.write_all(record)),
        Some(sorted) => sorted.order.iter().try_for_each(|&at| {
            to.write_all(items.get(at as usize))?;
            to.write_all(&[separator])
        }),
    })?;
    if let Some(format) = args.stats {
        let figures = Figures {
            sorter: match sorter {
                Sorter::Msvcrt => "msvcrt".to_owned(),
                Sorter::Sandboxed => "sandboxed".to_owned(),
                Sorter::Library(function) => escape(function.name()),
                _ => "qsort".to_owned(),
            },
            items: read_items,
            written,
            comparisons: job.comparisons(),
            verified: job.verified(),
            fuel: job.fuel_used(),
            guest_memory: memory(&callback),
            load,
            read,
            sort,
        };
        message::lines("", figures.show(format).as_bytes());
    }
    Ok(Exit::Done)
}

fn options(args: &args::Sort, sorter: Sorter) -> Options {
    let options = Options::default()
        .reverse(args.reverse)
        .unique(args.unique)
        .stable(args.stable)
        .sorter(sorter)
        .parallel(args.parallel)
        .verify(args.verify.into());
    if args.trace { options.trace(trace(args.items.kind.clone())) } else { options }
}

/// Returns the sorter of the options; loads the library of a function in one.
#[allow(unsafe_code, reason = "loads a library that the user has named")]
fn sorter(args: &args::Sort) -> Result<Sorter> {
    Ok(match &args.sorter {
        args::SorterArg::Qsort => Sorter::Qsort,
        args::SorterArg::Msvcrt => Sorter::Msvcrt,
        args::SorterArg::Sandboxed => Sorter::Sandboxed,
        args::SorterArg::Library { library, symbol } => {
            // SAFETY: the user vouches for the function; the help of `--sorter` says for what.
            let function = unsafe { SortFunction::load(library, symbol) };
            Sorter::Library(function.context("--sorter")?)
        }
    })
}

fn trace(kind: Type) -> Trace {
    Arc::new(move |a, b, answer| {
        message::line("", format!("{} {} {}", kind.show(a), answer.map_or('?', sign), kind.show(b)));
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

fn report_disorder(args: &args::Sort, items: &Items, at: usize) {
    let file = args.files.first().map_or("-".into(), |file| input::name(file));
    let item = match args.items.kind {
        Type::Lines => escape(items.get(at)),
        _ => args.items.kind.show(items.get(at)),
    };
    message::say(format!("{file}:{}: disorder: {item}", at + 1));
}

fn memory(callback: &Callback) -> usize {
    callback.guest().memory_size().unwrap_or(0)
}
