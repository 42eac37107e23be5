//! The files that a sort writes beside its result: a trace and a record of its questions, a profile.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use callbox::record::Recorder;
use callbox::{Callback, Observation, ObservedValue, escape};

use super::order::Order;
use super::profile::Profile;
use super::sign;
use super::trace_events::Events;
use crate::cli::args;
use crate::cli::fault::{Fault, Result};
use crate::cli::input::STDIN;
use crate::cli::items::Type;
use crate::cli::message;
use crate::cli::output::{Output, Writing, check_reads, is_same};

/// The value of `--trace` that stands for standard error.
const STDERR: &str = "-";

/// The files beside a result, and the hooks that fill them.
pub(super) struct Watching {
    kind: Type,
    trace: Option<Trace>,
    record: Option<(PathBuf, Recorder<Writing>)>,
    profile: Option<Profile>,
}

/// A trace, and where it goes.
enum Trace {
    Stderr,
    File(PathBuf, Arc<Mutex<Option<TraceFile>>>),
}

struct TraceFile {
    to: Writing,
    /// `None` for lines of text.
    events: Option<Events>,
    error: Option<io::Error>,
}

/// `Err` for options that exclude `--trace`, `--record` or `--profile`, and for files that the sort needs
/// otherwise.
pub(super) fn check_modes(args: &args::Sort, order: &Order) -> Result<()> {
    let option = if args.record.is_some() { "--record" } else { "--trace" };
    if args.is_watched() && matches!(args.sorter, args::SorterArg::Sandboxed) {
        let text =
            "comparisons of the sandboxed sorter never leave the sandbox; use --sorter qsort or msvcrt";
        return Err(Fault::trouble(format!("{option}: {text}")));
    }
    if args.record.is_some() && args.memory.parallel.is_some_and(|threads| threads.get() > 1) {
        let text = "questions of several threads have no order to ask them again in; leave --parallel out";
        return Err(Fault::trouble(format!("--record: {text}")));
    }
    let files = || files(args).map(|(option, file)| (option, file.to_owned()));
    if args.isolate
        && let Some((option, _)) = files().next()
    {
        let text = "an isolated process writes to no file; leave --isolate out";
        return Err(Fault::trouble(format!("{option}: {text}")));
    }
    let all: Vec<_> = files().chain(args.output().map(|file| ("-o", file))).collect();
    let (stdin, guests) = (Path::new(STDIN), order.guests());
    let mut read: Vec<&Path> = order.files.iter().map(Path::new).collect();
    read.extend(args.files0_from.as_deref().map(Path::new));
    if read.is_empty() {
        read.push(stdin);
    }
    read.extend(guests.iter().map(Path::new));
    for (at, (option, file)) in files().enumerate() {
        if let Some((other, _)) = all[at + 1..].iter().find(|(_, other)| is_same(other, &file)) {
            let file = escape(file.as_os_str().as_encoded_bytes());
            return Err(Fault::trouble(format!("{option} and {other} name the same file, {file}")));
        }
        check_reads(option, &file, &read)?;
    }
    Ok(())
}

/// Returns the options that name a file, each with its file.
fn files(args: &args::Sort) -> impl Iterator<Item = (&'static str, &Path)> {
    let trace = args.trace.as_ref().filter(|file| *file != STDERR);
    let files =
        [("--trace", trace), ("--record", args.record.as_ref()), ("--profile", args.profile.as_ref())];
    files.into_iter().filter_map(|(option, file)| Some((option, Path::new(file?))))
}

impl Watching {
    /// Opens the files of the options.
    pub(super) fn open(args: &args::Sort) -> Result<Watching> {
        let mut watching =
            Watching { kind: args.items.kind.clone(), trace: None, record: None, profile: None };
        watching.trace = args.trace.is_some().then_some(Trace::Stderr);
        for (option, path) in files(args) {
            if option == "--profile" {
                watching.profile = Some(Profile::open(path)?);
                continue;
            }
            let mut to = Output::open(Some(path), option)?.begin()?;
            let fault = |error: io::Error| Writing::fault(path, &error);
            if option == "--record" {
                watching.record = Some((path.to_owned(), Recorder::new(to).map_err(fault)?));
                continue;
            }
            let is_json = path.extension().is_some_and(|extension| extension == "json");
            let events = is_json.then(|| Events::begin(&mut to)).transpose().map_err(fault)?;
            let file = TraceFile { to, events, error: None };
            watching.trace = Some(Trace::File(path.to_owned(), Arc::new(Mutex::new(Some(file)))));
        }
        Ok(watching)
    }

    /// Returns the callback with the sinks.
    pub(super) fn observe(&self, callback: Callback) -> Result<Callback> {
        let callback = match &self.record {
            Some((_, recorder)) => recorder.observe(&callback)?,
            None => callback,
        };
        let kind = self.kind.clone();
        Ok(match &self.trace {
            None => callback,
            Some(Trace::Stderr) => callback.observe(move |call| {
                line(call, &kind).into_iter().for_each(|line| message::line("", line));
            }),
            Some(Trace::File(_, file)) => {
                let file = file.clone();
                callback.observe(move |call| {
                    lock(&file).iter_mut().for_each(|file| file.add(call, &kind));
                })
            }
        })
    }

    /// Returns what the guests' stacks are sampled for.
    pub(super) fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    /// Completes the files of a sort that has failed. Without a sample, there is no profile.
    pub(super) fn finish_of_failure(mut self) -> Result<()> {
        self.profile = self.profile.take().filter(|profile| !profile.is_empty());
        self.finish()
    }

    /// Has what is to be written by now reach the files, before anything else is written. One that cannot be
    /// written is given up.
    pub(super) fn flush(&mut self) -> Result<()> {
        let traced = match &self.trace {
            Some(Trace::File(path, file)) => lock(file).as_mut().map_or(Ok(()), |file| {
                let flushed = file.error.take().map_or_else(|| file.to.flush(), Err);
                flushed.map_err(|error| Writing::fault(path, &error))
            }),
            _ => Ok(()),
        };
        let recorded = match &self.record {
            Some((path, recorder)) => recorder.flush().map_err(|error| Writing::fault(path, &error)),
            None => Ok(()),
        };
        self.trace = self.trace.take().filter(|_| traced.is_ok());
        self.record = self.record.take().filter(|_| recorded.is_ok());
        traced.and(recorded)
    }

    /// Completes the files, once; nothing that is asked later is told.
    pub(super) fn finish(&mut self) -> Result<()> {
        let trace = match self.trace.take() {
            Some(Trace::File(path, file)) => match lock(&file).take() {
                Some(file) => file.finish(&path),
                None => Ok(()),
            },
            _ => Ok(()),
        };
        let record = self.record.take().map_or(Ok(()), |(path, recorder)| {
            let (file, _) = recorder.finish().map_err(|error| Writing::fault(&path, &error))?;
            file.finish()
        });
        trace.and(record).and(self.profile.take().map_or(Ok(()), Profile::write))
    }
}

impl TraceFile {
    fn add(&mut self, call: &Observation<'_>, kind: &Type) {
        if self.error.is_some() {
            return;
        }
        let written = match (&mut self.events, line(call, kind)) {
            (Some(events), _) => events.add(&mut self.to, call, kind),
            (None, Some(line)) => writeln!(self.to, "{}", escape(line)),
            (None, None) => Ok(()),
        };
        self.error = written.err();
    }

    fn finish(mut self, path: &Path) -> Result<()> {
        let ended = match (self.error.take(), &mut self.events) {
            (Some(error), _) => Err(error),
            (None, Some(events)) => events.end(&mut self.to).map(|dropped| {
                if dropped > 0 {
                    message::say(format!("--trace: the file has no room for the last {dropped} comparisons"));
                }
            }),
            (None, None) => Ok(()),
        };
        ended.map_err(|error| Writing::fault(path, &error))?;
        self.to.finish()
    }
}

/// Returns the two items of a call, and what came back, as one line.
fn line(call: &Observation<'_>, kind: &Type) -> Option<String> {
    let [a, b] = items(call)?.map(|item| kind.show(item));
    Some(format!("{a} {} {b}", answer(call)))
}

/// Returns the two items that a call compares.
pub(super) fn items<'c>(call: &Observation<'c>) -> Option<[&'c [u8]; 2]> {
    match *call.arguments {
        [ObservedValue::Bytes { bytes: a, .. }, ObservedValue::Bytes { bytes: b, .. }] => Some([a, b]),
        _ => None,
    }
}

/// Returns the sign of the answer.
pub(super) fn answer(call: &Observation<'_>) -> char {
    match call.outcome {
        Ok(ObservedValue::Order(order)) => sign(order),
        _ => '?',
    }
}

/// Locks what a sink shares; a sink that has panicked leaves nothing half done that matters.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
