//! Options that set limits, made from the library's table of limits.

use std::time::Duration;

use callbox::{Limit, LimitUnit};
use clap::builder::{TypedValueParser, UnknownArgumentValueParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueEnum};

use super::number;

/// Default deadline, longer than the library's: the user waits, may sort large inputs, and can press Ctrl-C.
const DEADLINE: Duration = Duration::from_secs(600);

/// Limits whose options the short help shows.
const COMMON: [Limit; 3] = [Limit::Fuel, Limit::Deadline, Limit::Memory];

/// Names that other limits lead people to expect, and the options that they mean.
const MISNAMED: [(&str, &str); 3] =
    [("max-fuel", "--fuel"), ("max-timeout", "--timeout"), ("max-deadline", "--timeout")];

const HEADING: &str = "Limits";

/// The limits of a guest, and the proposals that its module may use.
#[derive(Debug)]
pub(super) struct LimitArgs {
    set: Vec<(Limit, u64)>,
    features: Features,
}

#[derive(Args, Debug)]
struct Features {
    /// Allow modules a WebAssembly proposal that is off by default
    #[arg(long, help_heading = HEADING, value_enum, value_name = "FEATURE", hide_short_help = true)]
    allow: Vec<Allow>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Allow {
    /// 128-bit SIMD
    Simd,
}

impl LimitArgs {
    /// Returns the configuration of a sandbox with these limits.
    pub(super) fn config(&self) -> callbox::Config {
        callbox::Config::new(self.set()).simd(!self.features.allow.is_empty())
    }

    /// Returns the library's limits, with those that the options change.
    pub(super) fn set(&self) -> callbox::Limits {
        self.set.iter().fold(defaults(), |limits, (limit, value)| limits.set(*limit, *value))
    }
}

impl Args for LimitArgs {
    fn augment_args(command: Command) -> Command {
        let command = Limit::ALL.iter().fold(command, |command, limit| {
            let (about, example, default) = (limit.about(), example(*limit), default(*limit));
            let arg = Arg::new(limit.name())
                .long(limit.option().trim_start_matches('-'))
                .help_heading(HEADING)
                .help(format!("{about}{example} [default: {default}]"))
                .action(ArgAction::Set)
                .value_name(value_name(limit.unit()))
                .value_parser(parser(*limit))
                .allow_negative_numbers(true) // which the parser explains
                .hide_short_help(!COMMON.contains(limit));
            command.arg(arg)
        });
        let command = command.args(MISNAMED.map(|(name, option)| {
            let suggest = UnknownArgumentValueParser::suggest_arg(option);
            Arg::new(name).long(name).hide(true).value_name("N").value_parser(suggest)
        }));
        Features::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        LimitArgs::augment_args(command)
    }
}

impl FromArgMatches for LimitArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<LimitArgs, clap::Error> {
        let value = |limit: &Limit| Some((*limit, *matches.get_one::<u64>(limit.name())?));
        let set = Limit::ALL.iter().filter_map(value).collect();
        Ok(LimitArgs { set, features: Features::from_arg_matches(matches)? })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = LimitArgs::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Returns the advice that goes with an error of this limit.
pub(super) fn advice(limit: Limit) -> String {
    match limit {
        Limit::Stack => format!("ask for less with {}", limit.option()),
        _ => format!("allow more with {}", limit.option()),
    }
}

fn defaults() -> callbox::Limits {
    callbox::Limits::default().deadline(DEADLINE)
}

/// Returns a default as a person would type it.
fn default(limit: Limit) -> String {
    limit.unit().format(defaults().get(limit))
}

/// Returns examples of values, for the options that are used most.
fn example(limit: Limit) -> &'static str {
    match limit.unit() {
        LimitUnit::Nanoseconds => ", like 500ms or 2m",
        LimitUnit::Bytes if COMMON.contains(&limit) => ", like 16M",
        _ => "",
    }
}

fn value_name(unit: LimitUnit) -> &'static str {
    match unit {
        LimitUnit::Bytes => "SIZE",
        LimitUnit::Nanoseconds => "TIME",
        _ => "N",
    }
}

fn parser(limit: Limit) -> ValueParser {
    match (limit, limit.unit()) {
        (Limit::Stack, _) => ValueParser::new(stack),
        (_, LimitUnit::Bytes) => ValueParser::new(size),
        (_, LimitUnit::Nanoseconds) => ValueParser::new(time),
        // A count of objects has to fit in memory; fuel and cost do not count objects.
        (Limit::Fuel | Limit::Complexity, _) => ValueParser::new(number::count),
        _ => ValueParser::new(number::count.try_map(|number| usize::try_from(number).map(|_| number))),
    }
}

fn time(text: &str) -> Result<u64, String> {
    let time = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => humantime::parse_duration(text)
            .map_err(|error| format!("{error}; expected a time like 500ms, 2m, or seconds"))?,
    };
    Ok(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

/// Parses a time.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    time(text).map(Duration::from_nanos)
}

fn size(text: &str) -> Result<u64, String> {
    let size = number::size(text)?;
    usize::try_from(size).map_err(|_| "it does not fit in this machine's address space".to_owned())?;
    Ok(size)
}

fn stack(text: &str) -> Result<u64, String> {
    match size(text)? {
        0 => Err("a guest needs some stack".to_owned()),
        size => Ok(size),
    }
}
