//! `callbox check`.

mod matrix;

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;

use callbox::sort::{Asked, Checked, Contract, Items, Job, Law, Options, Reply, Violation};
use indicatif::HumanCount;
use serde_json::{Value, json};

use super::args;
use super::fault::{Context, Exit, Fault, Result};
use super::guest::{Guests, Wanted};
use super::input;
use super::items::Type;
use super::message;
use super::output::{Output, check_reads};
use super::sort::sign;

pub(super) fn run(args: &args::Check) -> Result<Exit> {
    Output::Stdout.check()?;
    if let Some(path) = &args.svg {
        let file = args.file.as_deref();
        check_reads("--svg", path, &file.into_iter().chain([Path::new(&args.name)]).collect::<Vec<_>>())?;
    }
    let svg = args.svg.as_deref().map(|path| Output::open(Some(path), "--svg")).transpose()?;
    let (guest, export, kind) = (&args.name[..], args.guest.export.as_deref(), &args.items.kind);
    let callback = Guests::new(&args.guest).comparator(Wanted { guest, export, kind })?;
    let items = match &args.file {
        Some(file) => {
            let items = input::read(std::slice::from_ref(file), &args.items)?;
            if items.is_empty() {
                let text = "it has no items to compare; leave FILE out to check drawn values only";
                return Err(Fault::trouble(text).context(input::name(file)));
            }
            items
        }
        None => input::none(&args.items)?,
    };
    let job = Job::new(&callback, Options::default());
    let how = Contract::default()
        .sample(args.sample.get())
        .seed(args.seed)
        .drawn(!args.items_only)
        .shrink(!args.items_only)
        .time(args.time)
        .threads(thread::available_parallelism().unwrap_or(NonZeroUsize::MIN));
    let checked = job.check_contract(&items, &how).context(args.name.clone())?;
    let show = |value: &[u8]| args.items.kind.show(value);
    if let Some(output) = svg {
        let about = (&args.name[..], &args.items.kind);
        let picture = matrix::draw(&job, &how, (&checked, &items), about).context(args.name.clone())?;
        output.write(|to| to.write_all(picture.as_bytes()))?;
    }
    let text = if args.json {
        format!("{}\n", in_json(&checked, &items, callback.export(), args, show))
    } else {
        in_words(&checked, &items, args, show)
    };
    write!(io::stdout(), "{text}").map_err(|error| Fault::write("standard output", error))?;
    let Some(violation) = &checked.violation else { return Ok(Exit::Done) };
    for Asked { reply, .. } in &violation.asked {
        if let Reply::Failure { backtrace, .. } = reply
            && !backtrace.frames.is_empty()
        {
            message::lines("", backtrace.to_string().as_bytes());
        }
    }
    Ok(Exit::Disorder)
}

/// Describes the result in a few lines.
fn in_words(
    checked: &Checked,
    items: &Items<'_>,
    args: &args::Check,
    show: impl Fn(&[u8]) -> String,
) -> String {
    let Some(violation) = &checked.violation else {
        return format!("no contradiction among {}\n", covered(checked, items, args));
    };
    let mut text = describe(violation, show) + "\n";
    let numbers: Vec<_> = violation.items.iter().map(|item| (item + 1).to_string()).collect();
    match &numbers[..] {
        [] => {}
        [one] => text += &format!("seen first with item {one}\n"),
        [all @ .., last] => text += &format!("seen first with items {} and {last}\n", all.join(", ")),
    }
    text
}

/// Describes what was compared.
fn covered(checked: &Checked, items: &Items<'_>, args: &args::Check) -> String {
    let pairs = checked.items as u64 * (checked.items as u64).saturating_sub(1) / 2;
    let of_items = (checked.items > 0).then(|| {
        let of = match (checked.items, items.len()) {
            (1, 1) => "1 item".to_owned(),
            (n, all) if n == all => format!("{} items", HumanCount(n as u64)),
            (n, all) => format!("{} of {} items", HumanCount(n as u64), HumanCount(all as u64)),
        };
        if checked.pairs == pairs {
            format!("all pairs of {of}")
        } else {
            format!("{} of {} pairs of {of}", HumanCount(checked.pairs), HumanCount(pairs))
        }
    });
    let drawn = format!("all pairs of {} drawn values", checked.drawn);
    let of_drawn = (checked.drawn > 0).then_some(drawn);
    let all: Vec<_> = of_items.into_iter().chain(of_drawn).collect();
    let all = if all.is_empty() { "no pairs".to_owned() } else { all.join(", and ") };
    let mut text = format!("{all}: {} comparisons", HumanCount(checked.comparisons));
    if checked.keys > 0 {
        text += &format!(", and {} sort keys", HumanCount(checked.keys as u64));
    }
    if checked.items < items.len().min(args.sample.get()) {
        text += "; more do not fit in the guest's memory, and --max-memory allows more";
    }
    if checked.stopped {
        let time = humantime::format_duration(args.time);
        text += &format!("; stopped after {time}, and --time allows more");
    }
    text
}

/// Describes a violation in a few lines: the law, and the answers that break it.
pub(super) fn describe(violation: &Violation, show: impl Fn(&[u8]) -> String) -> String {
    let Violation { law, values, asked, .. } = violation;
    let mut text = format!("{}, but", law.sentence());
    let state = asked.len() == 2 && asked[0].values == asked[1].values;
    for (at, Asked { values: [a, b], reply, .. }) in asked.iter().enumerate() {
        let (a, b) = (show(&values[*a]), show(&values[*b]));
        let said = match reply {
            Reply::Answer(answer) if *law == Law::Deterministic && asked.len() == 1 => {
                format!(
                    "{a} {} {b}, against answers that were others when they were asked again",
                    sign(*answer)
                )
            }
            Reply::Answer(answer) => format!("{a} {} {b}", sign(*answer)),
            Reply::Key(key) => format!("the key of {a} is {}", Type::Lines.show(key)),
            Reply::Failure { how, .. } if *law == Law::Keys => format!("asked for the key of {a}, {how}"),
            Reply::Failure { how, .. } => format!("asked about {a} and {b}, {how}"),
            Reply::Written { which, left } => {
                let item = if *which == 0 { &a } else { &b };
                if values.len() == 1 {
                    return format!(
                        "{text}\n  in the middle of many questions, it made {} of {item}",
                        show(left)
                    );
                }
                format!("asked about {a} and {b}, it made {} of {item}", show(left))
            }
            _ => format!("{a} and {b} have no answer"),
        };
        let joint = match asked.len() - at {
            1 => "",
            2 if state => ", and later",
            3 if *law == Law::Keys => ", and yet",
            2 if *law == Law::Keys => ", and",
            2 if asked.len() == 3 => ", and yet",
            _ => ", and",
        };
        text += &format!("\n  {said}{joint}");
    }
    if state {
        let thing = if *law == Law::Keys {
            "a key must depend on its item"
        } else {
            "an answer must depend on its two items"
        };
        text += &format!("\nthe guest keeps state; {thing} only");
    }
    text
}

/// Returns the result as a JSON object.
fn in_json(
    checked: &Checked,
    items: &Items<'_>,
    export: &str,
    args: &args::Check,
    show: impl Fn(&[u8]) -> String,
) -> Value {
    let value = |value: &Vec<u8>| {
        let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
        json!({ "shown": show(value), "hex": hex })
    };
    let asked = |asked: &Asked| {
        let values = asked.values;
        match &asked.reply {
            Reply::Answer(answer) => json!({ "values": values, "answer": sign(*answer).to_string() }),
            Reply::Failure { how, .. } => json!({ "values": values, "failure": how }),
            Reply::Written { which, left } => {
                json!({ "values": values, "written": values[*which], "left": value(left) })
            }
            Reply::Key(key) => json!({ "values": values, "key": value(key) }),
            _ => json!({ "values": values }),
        }
    };
    let violation = checked.violation.as_ref().map(|violation| {
        json!({
            "law": violation.law.name(),
            "sentence": violation.law.sentence(),
            "values": violation.values.iter().map(value).collect::<Vec<_>>(),
            "asked": violation.asked.iter().map(asked).collect::<Vec<_>>(),
            "item_numbers": violation.items.iter().map(|item| item + 1).collect::<Vec<_>>(),
        })
    });
    json!({
        "guest": args.name,
        "export": export,
        "type": args.items.kind.to_string(),
        "keeps": checked.violation.is_none(),
        "violation": violation,
        "items": items.len(),
        "items_compared": checked.items,
        "drawn": checked.drawn,
        "pairs": checked.pairs,
        "stopped": checked.stopped,
        "keys": checked.keys,
        "comparisons": checked.comparisons,
        "seed": args.seed,
    })
}
