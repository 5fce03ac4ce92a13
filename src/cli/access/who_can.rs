//! `eksact who-can`: everybody who may do something, and apart from them everybody who can become one of them.

use std::{collections::BTreeSet, fmt::Write as _};

use clap::{Args, ValueEnum};

use super::question::{Asking, Asks, QuestionFlags, SourceFlags};
use crate::cli::{ExitCode, Failure, flags::global::GlobalFlags};
use eksact_core::{
    diagnosis::{
        authorization::{
            Becomes, Namespaces, Path, Rights, Row, Verdict, WhoCan, csv, mermaid, who_can, who_can_in_any,
        },
        aws_authorization::who_can_in_aws,
    },
    view::{
        Printer, Style, Table,
        plan_json::json,
        text::{cells, harmless},
    },
};

/// List who may do something in the cluster or in AWS: IAM principals, users, groups, service accounts
///
/// Who can become one of them, by creating pods, binding or assuming roles or the like, is listed apart. Ends with 5 where something
/// could not be read, as the policy of a bucket.
#[derive(Debug, Args)]
pub(crate) struct WhoCanCommand {
    #[command(flatten)]
    question: QuestionFlags,
    /// In at least one namespace, and in which: in each what `-n` says of it
    #[arg(long, conflicts_with_all = ["namespace", "all_namespaces"], help_heading = None::<&str>)]
    any_namespace: bool,
    #[command(flatten)]
    source: SourceFlags,
    /// Every path, with bindings and roles: one row each
    #[arg(long, help_heading = None::<&str>)]
    via: bool,
    /// How to show them
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT", help_heading = None::<&str>)]
    output: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Table,
    Json,
    Csv,
    Mermaid,
}

impl WhoCanCommand {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let asks = if self.any_namespace {
            Asks::AnyNamespace
        } else {
            Asks::OnePlace
        };
        let asking = self.question.asking(asks, printer)?;
        let pictured = self.source.picture(asking.extent(), global, printer).await?;
        let rights = Rights::of(&pictured.picture);
        let answer = match &asking {
            Asking::Cluster(question) => who_can(&rights, &question.request),
            Asking::AnyNamespace(question) => who_can_in_any(&rights, &question.request),
            Asking::Aws(question) => who_can_in_aws(&rights, question).map_err(|why| {
                Failure::error(format!(
                    "who may is not known, because IAM's roles, users and policies could not be read: {why}"
                ))
            })?,
        };
        if self.source.is_snapshot() {
            for what in &answer.unread {
                printer.warning(&format!("not read: {what}"));
            }
        }
        for note in &answer.notes {
            printer.note(note);
        }
        let text = match self.output {
            Format::Table => tables(&answer, self.via, printer.stdout_style()),
            Format::Json => json(&answer)?,
            Format::Csv => csv(&answer),
            Format::Mermaid => mermaid(&answer),
        };
        printer.data(&text)?;
        Ok(if answer.complete {
            ExitCode::Success
        } else {
            ExitCode::Partial
        })
    }
}

fn tables(answer: &WhoCan, via: bool, style: Style) -> String {
    let mut text = format!("Who can {}:\n\n", harmless(&answer.question()));
    let shown = Shown {
        via,
        each_namespace: answer.namespaces.is_some(),
        // Half of a line, so that there is room for who and how.
        cells: style.width / 2,
    };
    let direct = shown.direct(answer);
    text += &match (direct.is_empty(), answer.complete) {
        (false, _) => direct.render_within(style),
        (true, true) => "No one.\n".to_owned(),
        (true, false) => "No one, as far as could be read.\n".to_owned(),
    };
    if !answer.can_become.is_empty() {
        text += "\nWho can become one of them:\n\n";
        text += &shown.can_become(answer).render_within(style);
    }
    text
}

/// How rows are shown.
#[derive(Clone, Copy)]
struct Shown {
    /// Every path.
    via: bool,
    /// With the namespaces, which were asked about one by one.
    each_namespace: bool,
    /// How many cells the names of namespaces may take.
    cells: usize,
}

impl Shown {
    fn direct(self, answer: &WhoCan) -> Table {
        let place = if self.each_namespace {
            "NAMESPACES"
        } else {
            "SCOPE"
        };
        let mut table = if self.via {
            Table::new(["KIND", "SUBJECT", "VIA", "BINDING", "ROLE", "RULE", place])
        } else {
            Table::new(["KIND", "SUBJECT", "BY", place])
        };
        for row in &answer.direct {
            if self.via {
                self.every_path(row, &mut table);
            } else {
                self.one_row(row, &mut table);
            }
        }
        table
    }

    /// Who becomes one of them; of many namespaces one way for each, as there may be one in each namespace.
    fn can_become(self, answer: &WhoCan) -> Table {
        let mut header = vec!["KIND", "SUBJECT", "BECOMES", "HOW", "BY"];
        if self.each_namespace {
            header.push("NAMESPACES");
        }
        let mut table = Table::new(header);
        let is_one = |first: &Becomes, next: &Becomes| {
            let is_of_same = first.actor == next.actor && first.verdict == next.verdict;
            self.each_namespace && !self.via && is_of_same
        };
        for group in answer.can_become.chunk_by(is_one) {
            let Some(row) = group.first() else { continue };
            let mut how = row.by.clone();
            match (&row.depends_on, row.verdict) {
                (Some(what), _) => {
                    let _ = write!(how, " (depends: {what})");
                }
                (None, Verdict::Depends) => how += " (depends)",
                (None, _) => {}
            }
            if group.len() > 1 {
                let _ = write!(how, " (+{} more)", group.len() - 1);
            }
            let by = match &row.via {
                Some(via) => format!("{via}: {}", row.reason.sentence()),
                None => row.reason.sentence(),
            };
            let mut cells = vec![
                row.actor.kind().to_owned(),
                row.actor.name(),
                row.becomes.clone(),
                how,
                by,
            ];
            if self.each_namespace {
                cells.push(self.names(group.iter().filter_map(|row| row.namespaces.as_ref())));
            }
            table.row(cells);
        }
        table
    }

    /// The namespaces of all of these, as many as there is room for.
    fn names<'r>(self, all: impl Iterator<Item = &'r Namespaces>) -> String {
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for namespaces in all {
            match namespaces {
                Namespaces::Every(_) => return namespaces.words().join(", "),
                Namespaces::Named(own) => names.extend(own.iter().map(String::as_str)),
            }
        }
        let mut text = String::new();
        for (number, name) in names.iter().enumerate() {
            let left = names.len() - number;
            if number > 0 && cells(&text) + cells(name) + 2 > self.cells {
                let _ = write!(text, " and {left} more");
                return text;
            }
            if number > 0 {
                text += ", ";
            }
            text += name;
        }
        text
    }

    fn every_path(self, row: &Row, table: &mut Table) {
        for path in &row.paths {
            let place = match &path.namespaces {
                Some(namespaces) => self.names([namespaces].into_iter()),
                None => path.reason.scope.clone(),
            };
            table.row([
                row.actor.kind(),
                &subject(row),
                path.via.as_deref().unwrap_or("itself"),
                &path.reason.binding,
                &path.reason.role,
                &path.reason.rule,
                &place,
            ]);
        }
        let place = row
            .namespaces
            .as_ref()
            .map(|namespaces| self.names([namespaces].into_iter()));
        for what in &row.depends_on {
            let depends = format!("depends: {what}");
            let place = place.as_deref().unwrap_or_default();
            table.row([row.actor.kind(), &subject(row), &depends, "", "", "", place]);
        }
    }

    fn one_row(self, row: &Row, table: &mut Table) {
        let place = row
            .namespaces
            .as_ref()
            .map(|namespaces| self.names([namespaces].into_iter()));
        let Some(Path { via, reason, .. }) = row.paths.first() else {
            let what = format!("depends: {}", row.depends_on.join("; "));
            table.row([row.actor.kind(), &subject(row), &what, &place.unwrap_or_default()]);
            return;
        };
        let mut by = [reason.binding.as_str(), &reason.role]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(", ");
        if let Some(via) = via {
            by = format!("{via}: {by}");
        }
        if row.paths.len() > 1 {
            let _ = write!(by, " (+{} more)", row.paths.len() - 1);
        }
        if !row.depends_on.is_empty() {
            let _ = write!(by, " (depends: {})", row.depends_on.join("; "));
        } else if row.verdict == Verdict::Depends {
            by += " (depends)";
        }
        let place = place.unwrap_or_else(|| reason.scope.clone());
        table.row([row.actor.kind(), &subject(row), &by, &place]);
    }
}

fn subject(row: &Row) -> String {
    let name = row.actor.name();
    if row.absent {
        format!("{name} (does not exist)")
    } else {
        name
    }
}
