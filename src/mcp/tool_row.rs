//! What a row of the tool table says, and the short forms in which it is written.

use rmcp::model::JsonObject;

use super::call::{Call, Running};

/// An argument and what it means.
pub(super) type Explained = (&'static str, &'static str);

/// One tool.
pub(super) struct Row {
    /// The name on the wire.
    pub name: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    pub effect: Effect,
    /// What the arguments mean whose names do not say it.
    pub explained: &'static [Explained],
    pub work: Work,
}

/// What a tool takes, gives and does.
pub(super) struct Work {
    /// Makes the schema of the arguments.
    pub arguments: fn() -> JsonObject,
    /// Makes the schema of the result.
    pub result: fn() -> JsonObject,
    pub run: for<'a> fn(Call<'a>) -> Running<'a>,
}

/// Types and functions are those of [`crate::ops`]. The arguments that a tool's
/// schema describes are those that are parsed.
macro_rules! work {
    ($arguments:ident, $result:ident, |$call:ident, $args:ident| $work:expr) => {
        Work {
            arguments: schema::input::<ops::$arguments>,
            result: schema::output::<ops::$result>,
            run: |mut $call| {
                Box::pin(async move {
                    let $args: ops::$arguments = $call.arguments()?;
                    $work
                })
            },
        }
    };
}

/// A tool that reads: its types, the operation, and what is said of its outcome.
macro_rules! reads {
    ($arguments:ident, $result:ident, $operation:ident, $said:path) => {
        work!($arguments, $result, |call, args| {
            let outcome: ops::$result = ops::$operation(call.app, &args).await?;
            let names = call.app.names(args.account_id.as_ref());
            Ok(reply::outcome(&outcome, $said(&outcome, &names)))
        })
    };
}

/// A tool that lists, page by page.
macro_rules! lists {
    ($arguments:ident, $result:ident, $operation:ident, $said:path) => {
        work!($arguments, $result, |call, args| {
            let size = PageSize::from_limit(args.limit)?;
            let list: ops::$result = ops::$operation(call.app, &args, size).await?;
            let names = call.app.names(args.account_id.as_ref());
            Ok(reply::outcome(&list, $said(&list, &names)))
        })
    };
}

/// A tool that may have to ask a person first.
macro_rules! asks {
    ($arguments:ident, $result:ident, $operation:ident, $said:expr) => {
        work!($arguments, $result, |call, args| {
            let consent = call.consent();
            let asked = ops::$operation(call.app, &args, &consent.channel()).await?;
            let names = call.app.names(args.account_id.as_ref());
            Ok(reply::asked(asked, |outcome: &ops::$result| {
                $said(outcome, &names)
            }))
        })
    };
}

/// What a tool does to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Reads,
    Changes,
    /// Sends many changes, and is seen through to its own end when it is
    /// cancelled: dropped at once, it would leave rules lost that it puts back.
    ChangesMany,
}

pub(super) use {asks, lists, reads, work};
