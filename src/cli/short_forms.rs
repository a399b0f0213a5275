//! What every command line may say in short: a value without the name of its
//! flag, as in `vip add 6165550177 101 -d lakeside`; and `--format`.
//!
//! The arguments of an operation are the same for both faces and have names.
//! Here a positional is put beside some of the flags, and turned into the flag.

use std::any::Any;
use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches, value_parser};

use super::command::Cli;
use super::examples;
use super::exit::said;
use super::layout::Format;
use super::output::Colour;
use skyswitch_domain::{CallerKey, DestinationKey, PhoneNumber};

/// A value that needs no flag.
struct Short {
    command: &'static [&'static str],
    /// Its name in the help.
    name: &'static str,
    flag: &'static str,
    is_same: fn(&ArgMatches, &str, &str) -> bool,
}

const SHORT: [Short; 7] = [
    Short::new(&["vip", "list"], "CALLER", "ani", same_caller),
    Short::new(&["vip", "add"], "CALLER", "ani", same::<PhoneNumber>),
    Short::new(&["vip", "add"], "TO", "destination", same::<DestinationKey>),
    Short::new(&["vip", "remove"], "CALLER", "ani", same_caller),
    Short::new(&["explain"], "CALLER", "ani", same_caller),
    Short::new(&["route"], "NUMBER", "did", same::<PhoneNumber>),
    Short::new(&["route"], "TO_USER", "to", same::<DestinationKey>),
];

impl Short {
    const fn new(
        command: &'static [&'static str],
        name: &'static str,
        flag: &'static str,
        is_same: fn(&ArgMatches, &str, &str) -> bool,
    ) -> Short {
        Short {
            command,
            name,
            flag,
            is_same,
        }
    }
}

/// Whether both are the same caller, in whatever writing.
fn same_caller(given: &ArgMatches, one: &str, other: &str) -> bool {
    let caller = |name| {
        let key = given.get_one::<CallerKey>(name)?;
        let number = key.number().map(PhoneNumber::as_str);
        Some(number.unwrap_or(key.as_given()))
    };
    caller(one) == caller(other)
}

fn same<T: Any + Clone + PartialEq + Send + Sync>(
    given: &ArgMatches,
    one: &str,
    other: &str,
) -> bool {
    given.get_one::<T>(one) == given.get_one::<T>(other)
}

/// The id of `--format`. It is no global argument of clap's: `vip import` and
/// `vip export` have a `--format` of their own, of the list.
const FORMAT: &str = "print_as";

/// Reads a command line.
///
/// # Errors
/// One that cannot be understood; help and version, too.
pub(super) fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let mut command = command(arguments);
    let mut given = command.try_get_matches_from_mut(arguments)?;
    let flags = as_flags(&given).map_err(|why| command.error(ErrorKind::ArgumentConflict, why))?;
    if !flags.is_empty() {
        // What follows `--` are no flags any more.
        let end = arguments.iter().position(|word| word == "--");
        let (before, after) = arguments.split_at(end.unwrap_or(arguments.len()));
        let all = before.iter().chain(&flags).chain(after);
        given = command.try_get_matches_from_mut(all)?;
    }
    let mut cli = Cli::from_arg_matches(&given).map_err(|error| error.format(&mut command))?;
    let format = format(&given);
    if cli.global.json && format.is_some_and(|format| format != Format::Json) {
        let why = "`--json` and another `--format` contradict each other; give one of them";
        return Err(command.error(ErrorKind::ArgumentConflict, why));
    }
    cli.global.json |= format == Some(Format::Json);
    cli.global.format = format;
    Ok(cli)
}

/// The tree of commands with short forms and examples.
pub(super) fn command(arguments: &[OsString]) -> Command {
    let colour = said(arguments, "--color").map_or(Colour::Auto, |word| match word.as_str() {
        "always" => Colour::Always,
        "never" => Colour::Never,
        _ => Colour::Auto,
    });
    let colour = match colour.wanted() {
        Some(true) => clap::ColorChoice::Always,
        Some(false) => clap::ColorChoice::Never,
        None => clap::ColorChoice::Auto,
    };
    extended(Cli::command(), &[]).color(colour)
}

fn extended(mut command: Command, path: &[&str]) -> Command {
    for short in SHORT.iter().filter(|short| short.command == path) {
        command = with_short(command, short);
    }
    let has_own = command
        .get_arguments()
        .any(|arg| arg.get_long() == Some("format"));
    if !has_own && path.first() != Some(&"mcp") {
        command = command.arg(
            Arg::new(FORMAT)
                .long("format")
                .value_name("FORMAT")
                .value_parser(value_parser!(Format))
                .hide_possible_values(true)
                .help_heading("Global options")
                .help("How the result is printed: table, plain, csv (lists) or json"),
        );
    }
    if let Some(text) = examples::of(path) {
        command = command.after_help(text);
    }
    let names: Vec<String> = command
        .get_subcommands()
        .map(|below| below.get_name().to_owned())
        .collect();
    for name in names {
        command = command.mut_subcommand(&name, |below| {
            let path: Vec<&str> = path.iter().copied().chain([name.as_str()]).collect();
            extended(below, &path)
        });
    }
    command
}

fn with_short(command: Command, short: &Short) -> Command {
    let flag = command
        .get_arguments()
        .find(|arg| arg.get_id() == short.flag);
    let Some(flag) = flag else {
        return command;
    };
    let is_required = flag.is_required_set();
    let positional = Arg::new(short.name)
        .value_name(short.name)
        .value_parser(flag.get_value_parser().clone())
        .help(format!(
            "The same as --{}",
            flag.get_long().unwrap_or(short.flag)
        ));
    let command = command.arg(positional);
    match is_required {
        true => command.mut_arg(short.flag, |flag| {
            flag.required(false).required_unless_present(short.name)
        }),
        false => command,
    }
}

/// The flags in place of which values are given.
fn as_flags(given: &ArgMatches) -> Result<Vec<OsString>, String> {
    let (path, given) = deepest(given);
    let mut flags = Vec::new();
    for short in SHORT.iter().filter(|short| short.command == path) {
        let Some(value) = given
            .get_raw(short.name)
            .and_then(|mut values| values.next())
        else {
            continue;
        };
        if !given.contains_id(short.flag) {
            let mut flag = OsString::from(format!("--{}=", short.flag));
            flag.push(value);
            flags.push(flag);
        } else if !(short.is_same)(given, short.name, short.flag) {
            return Err(format!(
                "{} and `--{}` are given and differ; give one of them",
                short.name, short.flag
            ));
        }
    }
    Ok(flags)
}

/// The command that is given in the end, and its arguments.
fn deepest(mut given: &ArgMatches) -> (Vec<&str>, &ArgMatches) {
    let mut path = Vec::new();
    while let Some((name, below)) = given.subcommand() {
        path.push(name);
        given = below;
    }
    (path, given)
}

/// The last format that is given.
fn format(mut given: &ArgMatches) -> Option<Format> {
    let mut format = None;
    loop {
        // Not every command has it.
        if let Ok(Some(given)) = given.try_get_one::<Format>(FORMAT) {
            format = Some(*given);
        }
        match given.subcommand() {
            Some((_, below)) => given = below,
            None => return format,
        }
    }
}
