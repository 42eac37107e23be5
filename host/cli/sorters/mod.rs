//! `callbox sorters`.

mod chart;
mod contender;
mod input;
mod table;

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use callbox::Callback;
use callbox::sort::Items;
use serde_json::json;

use super::args;
use super::fault::{Exit, Fault, Result};
use super::guest::{Guests, Wanted};
use super::items::Type;
use super::output::{Output, check_reads};
use super::{message, tutorial};
use contender::Contender;
use input::{Form, Input};
use table::{Failure, Figures, Row, Table};

/// Name of the comparator that orders ints where no guest is named.
const TUTORIAL: &str = "tutorial";

pub(super) fn run(args: &args::Sorters) -> Result<Exit> {
    if let Some(path) = &args.svg {
        let read = args.files.iter().map(PathBuf::as_path).chain(args.name.as_deref().map(Path::new));
        check_reads("--svg", path, &read.collect::<Vec<_>>())?;
    }
    let svg = args.svg.as_deref().map(|path| Output::open(Some(path), "--svg")).transpose()?;
    Output::Stdout.check()?;
    let kind = kind(args)?;
    let form = Form::new(args, &kind);
    let mut guest = Guest::new(args, &kind);
    // An unusable guest is reported before any input is read.
    let compares = guest.comparator()?.export().to_owned();
    let mut rows = Rows { table: None, rows: Vec::new() };
    let mut sorters = Contender::all();
    for function in &args.sorter {
        match Contender::load(function) {
            Ok(sorter) => sorters.push(sorter),
            Err(error) => {
                let sorter = callbox::escape(function.to_string());
                rows.rows.push(Row { sorter, of: None, outcome: Err(Failure::of(&error)) });
            }
        }
    }
    let inputs = form.inputs(args)?;
    if svg.is_some() {
        chart::check(&inputs)?;
    }
    if !args.json {
        let largest = inputs.iter().flat_map(|input| &input.sizes).max().copied().unwrap_or(2);
        let names = sorters.iter().map(|sorter| &*sorter.name);
        rows.show(Table::new(names.chain(rows.rows.iter().map(|row| &*row.sorter)), largest))?;
    }
    for input in &inputs {
        sort_input(input, &sorters, &form, &mut guest, &mut rows)?;
    }
    let exit = rows.exit();
    if args.json {
        let runs: Vec<_> = rows.rows.iter().map(Row::json).collect();
        let (guest, items) = (guest.name, kind.to_string());
        let json =
            json!({ "guest": guest, "export": compares, "items": items, "seed": args.seed, "runs": runs });
        Output::Stdout.write(|to| writeln!(to, "{json:#}"))?;
    }
    match svg {
        Some(_) if exit != Exit::Done => {
            let svg = args.svg.as_deref().map(super::input::name).unwrap_or_default();
            message::say(format!("{svg}: not drawn, because a sorter failed; the table has the reason"));
        }
        Some(svg) => {
            let picture = chart::draw(&inputs, &sorters, &rows.rows)?;
            svg.write(|to| to.write_all(picture.as_bytes()))?;
        }
        None => {}
    }
    Ok(exit)
}

/// Returns the type of the items: ints, where the tutorial's comparator compares.
fn kind(args: &args::Sorters) -> Result<Type> {
    let kind = args.items.kind.clone();
    if args.name.is_some() {
        return Ok(kind);
    }
    let int = Type::scalar("i32").filter(|int| kind == Type::Lines || kind == *int);
    let int = int.filter(|_| !args.items.zero_terminated);
    let int = int.filter(|_| args.guest.export.is_none() && args.guest.shape.is_none());
    int.ok_or_else(|| {
        let text = "without GUEST the tutorial's comparator orders ints; name a guest before --records, -z, \
                    -e and --shape";
        Fault::trouble(text)
    })
}

/// The guest that compares.
struct Guest<'a> {
    name: &'a str,
    kind: &'a Type,
    export: Option<&'a str>,
    guests: Guests<'a>,
}

impl<'a> Guest<'a> {
    fn new(args: &'a args::Sorters, kind: &'a Type) -> Guest<'a> {
        let guests = Guests::new(&args.guest);
        let (name, guests) = match &args.name {
            Some(name) => (&name[..], guests),
            None => (TUTORIAL, guests.with_text(TUTORIAL, tutorial::SUBTRACT)),
        };
        Guest { name, kind, export: args.guest.export.as_deref(), guests }
    }

    /// Returns the comparator of a new guest, whose state is that at the beginning.
    fn comparator(&mut self) -> Result<Callback> {
        let Guest { name: guest, kind, export, .. } = *self;
        self.guests.comparator(Wanted { guest, export, kind })
    }
}

/// The rows so far, which are shown as they come.
struct Rows {
    table: Option<Table>,
    rows: Vec<Row>,
}

impl Rows {
    /// Shows the head of a table, the rows so far, and from now on each that comes.
    fn show(&mut self, table: Table) -> Result<()> {
        let text = table.head() + &self.rows.iter().map(|row| table.row(row)).collect::<String>();
        self.table = Some(table);
        print(&text)
    }

    fn push(&mut self, row: Row) -> Result<()> {
        let text = self.table.as_ref().map_or(Cow::default(), |table| table.row(&row).into());
        self.rows.push(row);
        print(&text)
    }

    /// Returns the gravest exit status of all.
    fn exit(&self) -> Exit {
        let exits = self.rows.iter().filter_map(|row| row.outcome.as_ref().err()).map(|failure| failure.exit);
        exits.max_by_key(|exit| *exit as u8).unwrap_or(Exit::Done)
    }
}

fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|error| Fault::write("standard output", error))
}

/// Sorts an input of each size by each sorter.
fn sort_input(
    input: &Input,
    sorters: &[Contender],
    form: &Form<'_>,
    guest: &mut Guest<'_>,
    rows: &mut Rows,
) -> Result<()> {
    let mut sorters: Vec<_> = sorters.iter().collect();
    for &size in &input.sizes {
        let items = form.first(size, input, || guest.comparator());
        let items = items.map_err(|error| Failure::of(&error));
        let mut reference: Option<(&str, Items<'static>)> = None;
        let mut failed = Vec::new();
        for sorter in &sorters {
            let outcome = items.as_ref().map_err(Failure::clone).and_then(|items| {
                sort(sorter, items, reference.as_ref(), form, guest).map_err(|error| Failure::of(&error))
            });
            let outcome = outcome.map(|(figures, sorted)| {
                reference.get_or_insert((&sorter.name, sorted));
                figures
            });
            if outcome.is_err() {
                failed.push(&sorter.name);
            }
            let of = Some((input.name, items.as_ref().map_or(size, Items::len)));
            rows.push(Row { sorter: sorter.name.clone(), of, outcome })?;
        }
        sorters.retain(|sorter| !failed.contains(&&sorter.name));
    }
    Ok(())
}

/// Sorts items by a sorter, and checks the result.
fn sort(
    sorter: &Contender,
    items: &Items<'static>,
    reference: Option<&(&str, Items<'static>)>,
    form: &Form<'_>,
    guest: &mut Guest<'_>,
) -> Result<(Figures, Items<'static>)> {
    let contender::Sort { sorted, comparisons, time } = sorter.sort(&guest.comparator()?, items, form)?;
    contender::check_order(&guest.comparator()?, &sorted)?;
    if let Some((name, other)) = reference {
        contender::check_same(&guest.comparator()?, &sorted, (name, other), form)?;
    }
    Ok((Figures { comparisons, time }, sorted))
}
