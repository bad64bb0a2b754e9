//! Implements the functions. All are pure, and no result is larger than its arguments.

use std::ops::Range;

use super::super::diagnostic::{Refusal, refuse};
use super::super::nearest::nearest;
use super::super::value::{Data, Evaluated, MapEntry};
use super::printed;
use crate::blueprint::rules::language as is;

/// The names of all functions.
pub(super) const FUNCTIONS: [&str; 8] = ["concat", "join", "length", "lower", "max", "merge", "min", "upper"];

/// Refuses to read the environment.
pub(super) fn environment<T>() -> Result<T, Refusal> {
    refuse(
        &is::ENVIRONMENT,
        "a blueprint cannot read the environment, because it must generate the same cluster on every machine",
        "declare a variable and pass its value with --var; pgherd generates passwords itself, so no secret belongs here",
    )
}

/// Checks that a function of this name exists.
pub(super) fn known(name: &str) -> Result<(), Refusal> {
    if FUNCTIONS.contains(&name) {
        return Ok(());
    }
    let (rule, problem, help) = match name {
        "env" | "getenv" | "get_env" => return environment(),
        "file" | "fileexists" | "fileset" | "templatefile" | "filebase64" | "pathexpand" => (
            &is::NOT_PURE,
            format!("`{name}` reads files, and a blueprint must not depend on other files"),
            "write the value itself, or declare a variable and pass the value with --var".into(),
        ),
        "timestamp" | "plantimestamp" | "uuid" | "bcrypt" | "random" => (
            &is::NOT_PURE,
            format!(
                "`{name}` returns a different value each time, and a blueprint must always generate the same files"
            ),
            "write the value itself, or declare a variable and pass the value with --var".into(),
        ),
        _ => (
            &is::FUNCTION,
            format!("there is no function `{name}`"),
            match nearest(name, FUNCTIONS.into_iter()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("use one of {}", FUNCTIONS.join(", ")),
            },
        ),
    };
    refuse(rule, problem, help)
}

type Called = Result<Data, (Option<Range<usize>>, Refusal)>;

/// Calls a function. A refusal comes with the place of the wrong argument, or `None` if their number is wrong.
pub(super) fn call(name: &str, arguments: Vec<Evaluated>) -> Called {
    let count = arguments.len();
    let fits = match name {
        "concat" | "merge" | "min" | "max" => count >= 1,
        "join" => count == 2,
        _ => count == 1,
    };
    if !fits {
        let help = match name {
            "join" => "write join(\", \", list)",
            "concat" => "write concat(list, list)",
            "merge" => "write merge(map, map)",
            "min" | "max" => "pass at least one number, as in min(1, 2)",
            "length" => "pass one argument, as in length(list)",
            _ => "pass one text, as in lower(\"A\")",
        };
        return refuse(&is::FUNCTION, format!("`{name}` does not take {count} arguments"), help)
            .map_err(|refusal| (None, refusal));
    }
    match name {
        "length" => length(&arguments[0]),
        "lower" => text(&arguments[0]).map(|text| Data::Text(text.to_lowercase())),
        "upper" => text(&arguments[0]).map(|text| Data::Text(text.to_uppercase())),
        "join" => join(&arguments[0], &arguments[1]),
        "concat" => concat(arguments),
        "merge" => merge(arguments),
        _ => extreme(name == "max", &arguments),
    }
}

fn unexpected<T>(value: &Evaluated, expected: &str) -> Result<T, (Option<Range<usize>>, Refusal)> {
    refuse(&is::OPERAND, format!("expected {expected}, not {}", value.data.name()), format!("write {expected}"))
        .map_err(|refusal| (Some(value.at.clone()), refusal))
}

fn text(value: &Evaluated) -> Result<&str, (Option<Range<usize>>, Refusal)> {
    match &value.data {
        Data::Text(text) => Ok(text),
        _ => unexpected(value, "text"),
    }
}

fn length(value: &Evaluated) -> Called {
    let length = match &value.data {
        Data::List(items) => items.len(),
        Data::Map(entries) => entries.len(),
        Data::Text(text) => text.chars().count(),
        _ => return unexpected(value, "a list, a map or text"),
    };
    Ok(Data::Number(length.into()))
}

fn join(separator: &Evaluated, list: &Evaluated) -> Called {
    let separator = text(separator)?;
    let Data::List(items) = &list.data else { return unexpected(list, "a list") };
    let mut parts = vec![];
    for item in items {
        match printed(&item.data) {
            Some(part) => parts.push(part),
            None => return unexpected(item, "text or a number"),
        }
    }
    Ok(Data::Text(parts.join(separator)))
}

fn concat(lists: Vec<Evaluated>) -> Called {
    let mut all = vec![];
    for list in lists {
        match list.data {
            Data::List(items) => all.extend(items),
            _ => return unexpected(&list, "a list"),
        }
    }
    Ok(Data::List(all))
}

/// Merges maps. For a key in several maps, the last one wins.
fn merge(maps: Vec<Evaluated>) -> Called {
    let mut all = std::collections::BTreeMap::new();
    let mut order = 0;
    for map in maps {
        let Data::Map(entries) = map.data else { return unexpected(&map, "a map") };
        for entry in entries {
            let place = all.get(&entry.key).map_or(order, |(place, _): &(usize, MapEntry)| *place);
            order += 1;
            all.insert(entry.key.clone(), (place, entry));
        }
    }
    let mut entries: Vec<(usize, MapEntry)> = all.into_values().collect();
    entries.sort_by_key(|(place, _)| *place);
    Ok(Data::Map(entries.into_iter().map(|(_, entry)| entry).collect()))
}

fn extreme(largest: bool, values: &[Evaluated]) -> Called {
    let mut found = None;
    for value in values {
        let Data::Number(number) = value.data else { return unexpected(value, "a number") };
        if found.is_none_or(|best| if largest { number > best } else { number < best }) {
            found = Some(number);
        }
    }
    Ok(found.map_or(Data::Null, Data::Number))
}
