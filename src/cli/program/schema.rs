//! `eksact schema`.

use std::sync::LazyLock;

use clap::{Args, ValueEnum, builder::PossibleValue};
use serde_json::Value;

use super::version;
use crate::cli::{
    ExitCode, Failure, check, nouns,
    plans::{permissions, restore},
};
use eksact_core::{
    config::{self, DocumentKind},
    diagnosis::{
        access_map::AccessMap,
        authorization::{Explanation, WhoCan, snapshot_schema},
        pod_credentials::PodExplanation,
    },
    engine::AccessDelta,
    saved,
    view::{
        Printer, access_check, apply_events, apply_json, aws_auth_check, explain_change, facts, fleet_json,
        plan_json::{self, schema_of},
    },
};

/// Print the JSON Schema of configuration files, or of what a command writes for machines
#[derive(Debug, Args)]
pub(crate) struct SchemaCommand {
    /// The kind of document: a file's kind, or the words of a command
    #[arg(long, value_enum, default_value_t, value_name = "KIND", ignore_case = true)]
    kind: Kind,
}

/// A kind of document: the word for it, what the word leaves open, and the schema.
#[derive(Clone, Copy, Debug)]
struct Kind {
    name: &'static str,
    about: Option<&'static str>,
    schema: fn() -> Value,
}

/// What people write, and what several commands do.
const SHARED: &[Kind] = &[
    CLUSTER_CONFIG,
    Kind::told(
        "ClusterAccess",
        "eksact's own: who gets into the cluster and what they may do there",
        || config::json_schema(DocumentKind::ClusterAccess),
    ),
    Kind::told(
        "plan",
        "A plan, of `plan` and every command that changes something",
        plan_json::schema,
    ),
    Kind::told(
        "apply",
        "An apply, of the same commands when they are over",
        apply_json::schema,
    ),
    Kind::told(
        "saved-plan",
        "A plan that is saved, of `plan --out` and `show`",
        saved::schema,
    ),
    Kind::told(
        "fleet",
        "A run over many clusters, of `plan` and `apply`",
        fleet_json::schema,
    ),
    Kind::told("apply-ndjson", "One line of `-o ndjson`", apply_events::schema),
];

const CLUSTER_CONFIG: Kind = Kind::told(
    "ClusterConfig",
    "eksctl's: one cluster and what belongs to it",
    || config::json_schema(DocumentKind::ClusterConfig),
);

/// What one command writes. The commands that list objects are in their own table.
const COMMANDS: &[Kind] = &[
    Kind::of("can-i", || {
        schema_of::<Explanation>("What `eksact can-i -o json` writes")
    }),
    Kind::of("check-access", access_check::schema),
    Kind::of("check-aws-auth", aws_auth_check::schema),
    Kind::of("check-irsa", check::irsa::schema),
    Kind::of("decode-token", || {
        facts::schema("What `eksact decode token -o json` writes")
    }),
    Kind::of("diff-access", || {
        schema_of::<AccessDelta>("What `eksact diff-access -o json` writes")
    }),
    Kind::told("explain", "`explain ADDRESS`", explain_change::schema),
    Kind::of("explain-access", || {
        schema_of::<Explanation>("What `eksact explain access -o json` writes")
    }),
    Kind::of("explain-pod", || {
        schema_of::<PodExplanation>("What `eksact explain pod -o json` writes")
    }),
    Kind::of("map", || {
        schema_of::<AccessMap>("What `eksact map -o json` writes")
    }),
    Kind::of("permissions", permissions::schema),
    Kind::told("restore-aws-auth", "`restore aws-auth --list`", restore::schema),
    Kind::told("snapshot", "The file of `snapshot`", snapshot_schema),
    Kind::of("verify-token", || {
        facts::schema("What `eksact verify token -o json` writes")
    }),
    Kind::of("version", version::schema),
    Kind::of("who-can", || {
        schema_of::<WhoCan>("What `eksact who-can -o json` writes")
    }),
    Kind::of("whoami", || facts::schema("What `eksact whoami -o json` writes")),
];

/// All of them: those of commands by their names.
static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let lists = nouns::SCHEMAS_OF_LISTS.iter();
    let lists = lists.map(|(name, schema)| Kind::of(name, *schema));
    let mut of_commands: Vec<Kind> = COMMANDS.iter().copied().chain(lists).collect();
    of_commands.sort_by_key(|kind| kind.name);
    [SHARED, &of_commands].concat()
});

impl Kind {
    const fn of(name: &'static str, schema: fn() -> Value) -> Self {
        Self {
            name,
            about: None,
            schema,
        }
    }

    const fn told(name: &'static str, about: &'static str, schema: fn() -> Value) -> Self {
        Self {
            name,
            about: Some(about),
            schema,
        }
    }
}

impl Default for Kind {
    fn default() -> Self {
        CLUSTER_CONFIG
    }
}

impl ValueEnum for Kind {
    fn value_variants<'a>() -> &'a [Self] {
        &KINDS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let value = PossibleValue::new(self.name);
        Some(match self.about {
            Some(about) => value.help(about),
            None => value,
        })
    }
}

impl SchemaCommand {
    pub(crate) fn run(&self, printer: &Printer) -> Result<ExitCode, Failure> {
        printer.data(&format!("{:#}\n", (self.kind.schema)()))?;
        Ok(ExitCode::Success)
    }
}
