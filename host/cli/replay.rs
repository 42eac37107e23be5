//! `callbox replay`.

use std::fs::{self, File};
use std::io::{self, Read, Write};

use callbox::record::{RecordError, RecordedAnswer, RecordedGuest, Recording, Step, failure};
use callbox::{CType, Callback, Module, Prototype, Sandbox, escape};

use super::args;
use super::fault::{Context, Exit, Fault, Result};
use super::guest::{config, find};
use super::input::{STDIN, name};
use super::items::Type;
use super::message;
use super::output::Output;
use super::sort::sign;

/// Maximum number of guests of a record: one for each key of a sort.
const MAX_GUESTS: usize = 64;

/// The guests that are asked.
struct Guests<'a> {
    args: &'a args::Replay,
    modules: Vec<(String, Module)>,
    callbacks: Vec<Guest>,
}

struct Guest {
    callback: Callback,
    /// The type of the items, to show them.
    kind: Type,
}

/// A question that has another answer now.
struct Difference {
    number: u64,
    export: String,
    items: [String; 2],
    answers: [RecordedAnswer; 2],
}

pub(super) fn run(args: &args::Replay) -> Result<Exit> {
    Output::Stdout.check()?;
    let shown = name(&args.file);
    let open = |error: io::Error| Fault::file(&shown, "read", &error, "FILE is what --record has written");
    let from: Box<dyn Read> = if args.file.as_os_str() == STDIN {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(&args.file).map_err(open)?)
    };
    let damage = |error: RecordError| Fault::trouble(format!("{shown}: {error}"));
    let mut recording = Recording::open(from).map_err(damage)?;
    let mut guests = Guests { args, modules: Vec::new(), callbacks: Vec::new() };
    let mut difference = None;
    while let Some(step) = recording.step().map_err(damage)? {
        match step {
            // The rest is only read, to know that the record is what was written.
            _ if difference.is_some() => {}
            Step::Guest(guest) => guests.add(&guest)?,
            Step::Question { guest, items, answer, number, .. } => {
                difference = guests.callbacks[guest as usize].ask(number, items, answer)?;
            }
            _ => {}
        }
    }
    let questions = recording.questions();
    let (text, exit) = match difference {
        None => (format!("the same answers to all {questions} questions"), Exit::Done),
        Some(difference) => (difference.describe(questions), Exit::Disorder),
    };
    writeln!(io::stdout(), "{text}").map_err(|error| Fault::write("standard output", error))?;
    Ok(exit)
}

impl Guests<'_> {
    /// Finds a guest of the record, or the one that is to be asked in its place.
    fn add(&mut self, recorded: &RecordedGuest) -> Result<()> {
        let same = |first: &(String, Module)| self.args.guest.is_none() || first.0 == recorded.module;
        if !self.modules.first().is_none_or(same) {
            let text = "several guests were recorded, so none can take their place; leave GUEST out";
            return Err(Fault::trouble(format!("{}: {text}", name(&self.args.file))));
        }
        if self.callbacks.len() == MAX_GUESTS {
            let text = format!("it has more than {MAX_GUESTS} guests, each of which would keep its memory");
            return Err(Fault::trouble(format!("{}: {text}", name(&self.args.file))));
        }
        if !self.modules.iter().any(|(module, _)| *module == recorded.module) {
            let module = self.compile(recorded)?;
            self.modules.push((recorded.module.clone(), module));
        }
        let module = self.modules.iter().find(|(module, _)| *module == recorded.module);
        let module = module.map(|(_, module)| module).expect("it has just been put there");
        let guest = Guest::new(self.args, recorded, module)?;
        self.callbacks.push(guest);
        Ok(())
    }

    fn compile(&self, recorded: &RecordedGuest) -> Result<Module> {
        let own = &self.args.options;
        let wanted = self.args.guest.as_deref().unwrap_or(&recorded.module);
        let about = || wanted.to_owned();
        // A record may name anything; what it names is read only if it is a plain file with something in it:
        // the kernel's own are empty.
        let is_bundled = callbox::bundled::Bundled::find(wanted).is_some();
        if self.args.guest.is_none()
            && !is_bundled
            && !fs::metadata(wanted).is_ok_and(|found| found.is_file() && found.len() > 0)
        {
            let text = "the recorded guest is not here; name it: callbox replay FILE GUEST";
            return Err(Fault::trouble(format!("{}: {text}", escape(wanted))));
        }
        let sandbox = Sandbox::new(config(own)).with_context(about)?;
        let module = find(wanted, sandbox.limits())?.compile(&sandbox).with_context(about)?;
        if module.sha256() != recorded.sha256 {
            let [then, now] = [recorded.sha256, module.sha256()].map(|hash| short(&hash));
            message::say(format!(
                "{}: another module than the one that was recorded: its sha256 begins with {now}, not {then}",
                escape(wanted)
            ));
        }
        let limits = own.limits.set();
        let deadline = u64::try_from(limits.get_deadline().as_micros()).unwrap_or(u64::MAX);
        let now = [limits.get_fuel(), deadline, limits.get_memory() as u64, limits.get_stack() as u64];
        let then = [recorded.fuel, recorded.deadline, recorded.memory, recorded.stack];
        let names = ["--fuel", "--timeout", "--max-memory", "--max-stack"];
        let other = names.iter().zip(now.iter().zip(then)).filter(|(_, (now, then))| **now != *then);
        let other: Vec<_> = other.map(|(name, _)| *name).collect();
        if !other.is_empty() {
            message::say(format!("the limits are not those of the record: {}", other.join(", ")));
        }
        Ok(module)
    }
}

impl Guest {
    fn new(args: &args::Replay, recorded: &RecordedGuest, module: &Module) -> Result<Guest> {
        let prototype: Prototype = recorded
            .prototype
            .parse()
            .map_err(|error: callbox::Error| Fault::trouble(format!("{}: {error}", name(&args.file))))?;
        let kind = match prototype.params() {
            [CType::Pointer { pointee, .. }, _] => Type::of_element(pointee),
            _ => Type::Lines,
        };
        let export = args.options.export.as_deref().unwrap_or(&recorded.export);
        let shape = args.options.shape.map_or(recorded.shape(), Into::into);
        let guest = module.instantiate().with_context(|| module.name().to_owned())?;
        let callback = guest.callback_as(shape, export, prototype).map_err(|error| unfit(module, &error))?;
        Ok(Guest { callback, kind })
    }

    /// Asks a question again.
    fn ask(&self, number: u64, [a, b]: [&[u8]; 2], then: RecordedAnswer) -> Result<Option<Difference>> {
        let now = match self.callback.compare(a, b) {
            Ok(order) => RecordedAnswer::Order(order),
            Err(error @ callbox::Error::ElementMismatch { .. }) => {
                return Err(unfit(self.callback.guest().module(), &error));
            }
            Err(error) => RecordedAnswer::Failed(failure(&error)),
        };
        Ok((now != then).then(|| Difference {
            number,
            export: escape(self.callback.export()),
            items: [a, b].map(|item| self.kind.show(item)),
            answers: [then, now],
        }))
    }
}

impl Difference {
    fn describe(&self, questions: u64) -> String {
        let Difference { number, export, items: [a, b], answers } = self;
        let [then, now] = answers.each_ref().map(|answer| match answer {
            RecordedAnswer::Order(order) => format!("{a} {} {b}", sign(*order)),
            RecordedAnswer::Failed(words) => format!("{a} ? {b}, and {}", escape(words)),
        });
        format!("{export}: question {number} of {questions} was answered\n  {then}, and now\n  {now}")
    }
}

/// Returns the fault of a guest that is no comparator of the recorded items.
fn unfit(module: &Module, error: &callbox::Error) -> anyhow::Error {
    let (about, text) = (escape(module.name()), error.to_string());
    let text = if text.starts_with(&about) { text } else { format!("{about}: {text}") };
    Fault::trouble(format!("{text}; it cannot be asked what was recorded"))
}

/// Returns the first bytes of a hash.
fn short(hash: &[u8; 32]) -> String {
    hash[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}
