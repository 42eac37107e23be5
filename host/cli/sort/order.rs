//! The order that a command line asks for: its keys, and the guests that compare them.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use callbox::bundled::Bundled;
use callbox::escape;
use callbox::sort::{Format, Ignore, Key, Part};

use super::letters::Letters;
use super::spec::{KeyGuest, KeySpec, Place};
use super::watching::Watching;
use crate::cli::args;
use crate::cli::fault::{Fault, Result};
use crate::cli::guest::{Guests, Wanted};
use crate::cli::items::Type;

/// Number of words of a command line that a message shows.
const MAX_SHOWN_WORDS: usize = 12;

/// An order, and the files that are sorted by it.
pub(super) struct Order {
    pub(super) keys: Vec<KeySpec>,
    /// Order letters for all keys.
    pub(super) global: Letters,
    /// The byte between fields.
    pub(super) separator: Option<u8>,
    /// The guest of the first operand, where no option names an order.
    operand: Option<KeyGuest>,
    /// The other operands.
    pub(super) files: Vec<OsString>,
}

impl Order {
    pub(super) fn new(args: &args::Sort) -> Result<Order> {
        let mut global = global(args)?;
        let csv = args.keys.csv.is_some();
        let parse = |text: &OsString| if csv { KeySpec::column(text) } else { KeySpec::parse(text) };
        let mut keys = args.keys.key.iter().map(parse).collect::<Result<Vec<_>>>()?;
        let separator = separator(&args.keys.field_separator)?;
        let in_keys = keys.iter().any(|key| key.letters.name_order() || key.guest.is_some());
        let mut files = args.operands.clone();
        let mut operand = None;
        if !global.name_order() && !in_keys {
            operand = Some(take_guest(&mut files, args)?);
        } else if args.guest.export.is_some() || args.guest.shape.is_some() {
            let text = "-e and --shape say what compares of the guest that is the first operand, and options \
                        name the order here; write -k KEY=GUEST#EXPORT";
            return Err(Fault::trouble(text));
        }
        if keys.is_empty() {
            keys.push(KeySpec::line());
        }
        keys.iter_mut().for_each(|key| key.inherit(global));
        let all = keys.iter().map(|key| key.letters).chain([global]);
        if all.clone().any(|letters| letters.has(b'R')) || args.order.random_source.is_some() {
            let text = "-R: no order at random; shuf(1) has one, and a guest cannot be asked for chance";
            return Err(Fault::trouble(text));
        }
        for key in &keys {
            if let Some(letters) = key.letters.incompatible() {
                return Err(Fault::trouble(format!(
                    "options '-{letters}' are incompatible; choose one order"
                )));
            }
            if key.guest.is_some() && key.letters.guest() != super::letters::DEFAULT_GUEST {
                let text = "letters and a guest name two orders; leave one out";
                return Err(Fault::trouble(format!("-k {}: {text}", escape(&key.text))));
            }
        }
        if operand.is_none() && args.items.kind != Type::Lines {
            let text = "records are compared by a guest that is the first operand, not by letters or keys";
            return Err(Fault::trouble(format!("--records: {text}; see `callbox guests`")));
        }
        if args.items.kind != Type::Lines && (csv || args.header || !args.keys.key.is_empty()) {
            let text =
                "records have no lines, and so no fields and no header; leave -k, --csv and --header out";
            return Err(Fault::trouble(format!("--records: {text}")));
        }
        if global.has(b'r') && operand.is_some() {
            global = Letters::default().with(b'r').unwrap_or_default();
        }
        Ok(Order { keys, global, separator, operand, files })
    }

    /// Returns whether the keys compare no more than the bytes of whole lines.
    pub(super) fn is_only_bytes(&self) -> bool {
        let operand = self.operand.is_some();
        operand && self.keys.iter().all(|key| matches!(key.place, Place::Line) && key.guest.is_none())
    }

    /// Returns the guest of a key.
    fn guest_of(&self, key: &KeySpec) -> KeyGuest {
        let operand = self.operand.clone();
        let by_letters = || KeyGuest { name: key.letters.guest().to_owned(), export: None };
        key.guest.clone().or(operand).unwrap_or_else(by_letters)
    }

    /// Returns the name that errors are about.
    pub(super) fn name(&self) -> String {
        self.guest_of(&self.keys[0]).name
    }

    /// Returns the names of all guests.
    pub(super) fn guests(&self) -> Vec<String> {
        self.keys.iter().map(|key| self.guest_of(key).name).collect()
    }

    /// Returns whether not all keys have the same guest.
    pub(super) fn has_several_guests(&self) -> bool {
        self.guests().iter().any(|guest| *guest != self.name())
    }

    /// Reads the modules of all guests.
    pub(super) fn read(&self, guests: &mut Guests<'_>) -> Result<()> {
        self.guests().iter().try_for_each(|guest| guests.read(guest))
    }

    /// Compiles all guests; `header` has the names of the columns of CSV.
    pub(super) fn compile(
        &self,
        guests: &mut Guests<'_>,
        kind: &Type,
        watching: &Watching,
    ) -> Result<Vec<Key>> {
        let compile = |key: &KeySpec| {
            let KeyGuest { name, export } = self.guest_of(key);
            let callback = guests.comparator(Wanted { guest: &name, export: export.as_deref(), kind })?;
            let callback = watching.observe(callback)?;
            let ignore = match key.letters {
                letters if letters.has(b'd') => Ignore::NotDictionary,
                letters if letters.has(b'i') => Ignore::NotPrinting,
                _ => Ignore::Nothing,
            };
            let part = key.range(self.separator).map_or(Part::Item, Part::Fields);
            let key_of = Key::new(&callback).part(part).ignore(ignore);
            Ok(key_of.fold_case(key.letters.has(b'f')).reverse(key.letters.has(b'r')))
        };
        self.keys.iter().map(compile).collect()
    }

    /// Has each key compare its column of CSV, now that the names of columns are known.
    pub(super) fn find_columns(
        &self,
        keys: Vec<Key>,
        columns: &[Vec<u8>],
        delimiter: u8,
    ) -> Result<Vec<Key>> {
        let find = |(key, spec): (Key, &KeySpec)| match spec.find(columns)? {
            Some((index, reverse)) => {
                let reverse = spec.letters.has(b'r') != reverse;
                Ok(key.part(Part::Column { index, delimiter }).reverse(reverse))
            }
            None => Ok(key),
        };
        keys.into_iter().zip(&self.keys).map(find).collect()
    }
}

/// Returns the form of the input.
pub(super) fn format(args: &args::Sort) -> Result<Format> {
    if let Some(delimiter) = &args.keys.csv {
        if args.items.zero_terminated || !args.keys.field_separator.is_empty() {
            let text = "--csv: its records end with newlines, and --csv=DELIM separates columns; leave -z \
                        and -t out";
            return Err(Fault::trouble(text));
        }
        return match (delimiter.as_bytes(), &delimiter[..]) {
            (_, "\\t" | "tab") => Ok(Format::Csv { delimiter: b'\t' }),
            ([b'"' | b'\n' | b'\r'], _) | ([], _) | ([_, _, ..], _) => {
                let text = "expected one byte between columns, like --csv=';' or --csv=tab";
                Err(Fault::trouble(format!("--csv={}: {text}", escape(delimiter))))
            }
            ([delimiter], _) => Ok(Format::Csv { delimiter: *delimiter }),
        };
    }
    Ok(match args.items.kind.width() {
        Some(width) => Format::Records { width },
        None => Format::Lines { separator: crate::cli::input::separator(&args.items) },
    })
}

/// Returns the letters of options that are not a key's.
fn global(args: &args::Sort) -> Result<Letters> {
    let (args, reverse) = (&args.order, args.reverse);
    let set = [
        (args.ignore_leading_blanks, b'b'),
        (args.dictionary_order, b'd'),
        (args.ignore_case, b'f'),
        (args.general_numeric_sort, b'g'),
        (args.human_numeric_sort, b'h'),
        (args.ignore_nonprinting, b'i'),
        (args.month_sort, b'M'),
        (args.numeric_sort, b'n'),
        (args.random_sort, b'R'),
        (reverse, b'r'),
        (args.version_sort, b'V'),
    ];
    let mut letters = Letters::default();
    for word in &args.sort {
        let letter = Letters::of_word(word).ok_or_else(|| {
            let words = "expected general-numeric, human-numeric, month, numeric or version";
            Fault::trouble(format!("--sort={}: {words}", escape(word)))
        })?;
        letters = letters.with(letter).unwrap_or(letters);
    }
    let set = set.into_iter().filter(|(set, _)| *set);
    Ok(set.fold(letters, |letters, (_, letter)| letters.with(letter).unwrap_or(letters)))
}

/// Returns the byte between fields.
fn separator(given: &[OsString]) -> Result<Option<u8>> {
    let fault = |text: &OsStr, problem: &str| {
        Fault::trouble(format!(
            "-t {}: {problem}; write one byte, like -t: or -t '\\0'",
            escape(text.as_encoded_bytes())
        ))
    };
    let mut separator = None;
    for text in given {
        let byte = match text.as_encoded_bytes() {
            [] => return Err(fault(text, "empty tab")),
            [byte] => *byte,
            b"\\0" => 0,
            b"\\t" => return Err(fault(text, "multi-character tab; the shell makes a tab of -t $'\\t'")),
            _ => return Err(fault(text, "multi-character tab; types of records are named by --records")),
        };
        if separator.is_some_and(|before| before != byte) {
            return Err(fault(text, "incompatible tabs"));
        }
        separator = Some(byte);
    }
    Ok(separator)
}

/// Takes the guest from the operands.
fn take_guest(operands: &mut Vec<OsString>, args: &args::Sort) -> Result<KeyGuest> {
    if operands.is_empty() {
        return Err(Fault::trouble(
            "name an order: `callbox sort bytes FILE` sorts as LC_ALL=C `sort FILE` does, and \
             `callbox sort -V FILE` by versions; `callbox guests` lists the others",
        ));
    }
    let guest = operands.remove(0);
    let name = escape(guest.as_encoded_bytes());
    let Some(text) = guest.to_str() else {
        return Err(Fault::trouble(format!("{name}: the name of a guest has to be text")));
    };
    let is_text = args.items.kind == Type::Lines && !looks_like_module(Path::new(&guest));
    if Bundled::find(text).is_none() && is_text {
        let named = |operand: &&OsString| {
            operand.to_str().is_some_and(|name| Bundled::find(name).is_some()) && !Path::new(operand).exists()
        };
        let order = operands.iter().find(named).and_then(|name| name.to_str()).unwrap_or("bytes");
        let csv = args.keys.csv.is_some() && !args.keys.key.is_empty();
        let keys = if csv { "; a key of CSV says it so: -k COLUMN,n or -k COLUMN=GUEST" } else { "" };
        return Err(Fault::trouble(format!(
            "no order is named, by an option like -n or by a guest before {name}: {}{keys}; \
             `callbox guests` lists orders",
            with_order(order)
        )));
    }
    Ok(KeyGuest { name: text.to_owned(), export: args.guest.export.clone() })
}

/// Returns this command line with an order as its first operand.
fn with_order(order: &str) -> String {
    let mut words = vec!["callbox sort".to_owned(), order.to_owned()];
    let mut given = std::env::args_os().skip(2).filter(|word| word != order).collect::<Vec<_>>();
    given.truncate(MAX_SHOWN_WORDS);
    words.extend(given.iter().map(|word| {
        let text = escape(word.as_encoded_bytes());
        let plain = |c: char| c.is_alphanumeric() || "-_./:,=+@%".contains(c);
        if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{text}'") }
    }));
    words.join(" ")
}

/// Returns whether a path is none of a file, or of one that may be a module.
fn looks_like_module(path: &Path) -> bool {
    let has_name = path.extension().is_some_and(|extension| extension == "wasm" || extension == "wat");
    if has_name || !path.is_file() {
        return true;
    }
    let mut start = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| std::io::Read::read_to_end(&mut std::io::Read::take(file, 4096), &mut start));
    let text = start.trim_ascii_start();
    // A file of lines seldom has a byte of 0.
    read.is_err() || start.contains(&0) || text.starts_with(b"(") || text.starts_with(b";;")
}
