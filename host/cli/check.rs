//! `callbox check`.

use std::io::{self, Write};

use callbox::sort::{Checked, Contradiction, Items, Job, Options};

use super::args;
use super::fault::{Context, Exit, Fault, Result};
use super::guest::{Guests, Wanted};
use super::input;
use super::sort::sign;

pub(super) fn run(args: &args::Check) -> Result<Exit> {
    let (guest, export, kind) = (&args.name[..], args.guest.export.as_deref(), &args.items.kind);
    let callback = Guests::new(&args.guest).comparator(Wanted { guest, export, kind })?;
    let items = input::read(args.file.as_slice(), &args.items)?;
    let job = Job::new(&callback, Options::default());
    let checked = job.check_contract(&items, args.sample.into()).context(args.name.clone())?;
    let text = describe(&checked, &items, |item| args.items.kind.show(item));
    writeln!(io::stdout(), "{text}").map_err(|error| Fault::write("standard output", error))?;
    Ok(if checked.contradiction.is_some() { Exit::Disorder } else { Exit::Done })
}

/// Describes the finding in one or a few lines.
pub(super) fn describe(checked: &Checked, items: &Items<'_>, show: impl Fn(&[u8]) -> String) -> String {
    let show = |at: usize| show(items.get(at));
    let Some(contradiction) = checked.contradiction else {
        return format!("no contradiction among {} of {} items", checked.items, items.len());
    };
    match contradiction {
        Contradiction::NotReflexive { item, answer } => {
            format!("an item must equal itself, but\n  {0} {1} {0}", show(item), sign(answer))
        }
        Contradiction::NotDeterministic { items: [a, b], answers: [first, second] } => {
            let (a, b) = (show(a), show(b));
            let (first, second) = (sign(first), sign(second));
            format!("an answer must stay the same, but\n  {a} {first} {b}, and later\n  {a} {second} {b}")
        }
        Contradiction::NotAntisymmetric { items: [a, b], answers: [ab, ba] } => {
            let (a, b) = (show(a), show(b));
            format!(
                "turning the items round must turn the answer round, but\n  {a} {} {b}, and\n  {b} {} {a}",
                sign(ab),
                sign(ba)
            )
        }
        Contradiction::NotTransitive { items: [a, b, c], answers: [ab, bc, ac] } => {
            let (a, b, c) = (show(a), show(b), show(c));
            format!(
                "answers must follow from each other, but\n  {a} {} {b}, and\n  {b} {} {c}, \
                 and yet\n  {a} {} {c}",
                sign(ab),
                sign(bc),
                sign(ac)
            )
        }
        _ => "the answers contradict each other".to_owned(),
    }
}
