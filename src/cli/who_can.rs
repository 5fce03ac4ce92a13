//! `eksact who-can`: everybody who may do something, and apart from them everybody who can become one of them.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};

use super::{
    ExitCode, Failure,
    access_question::{Asking, QuestionFlags, SourceFlags},
    global::GlobalFlags,
};
use eksact_core::{
    diagnosis::{
        authorization::{Path, Rights, Row, Verdict, WhoCan, csv, mermaid, who_can},
        aws_authorization::who_can_in_aws,
    },
    view::{Printer, Style, Table, plan_json::json, text::harmless},
};

/// List who may do something in the cluster or in AWS: IAM principals, users, groups, service accounts
///
/// Who can become one of them, by creating pods, binding or assuming roles or the like, is listed apart. Ends with 5 where something
/// could not be read, as the policy of a bucket.
#[derive(Debug, Args)]
pub(super) struct WhoCanCommand {
    #[command(flatten)]
    question: QuestionFlags,
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
    pub(super) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let asking = self.question.asking(printer)?;
        let pictured = self.source.picture(asking.extent(), global, printer).await?;
        let rights = Rights::of(&pictured.picture);
        let answer = match &asking {
            Asking::Cluster(question) => who_can(&rights, &question.request),
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
    let request = answer.request.to_string();
    let mut text = format!("Who can {}:\n\n", harmless(&request));
    let mut direct = if via {
        Table::new(["KIND", "SUBJECT", "VIA", "BINDING", "ROLE", "RULE", "SCOPE"])
    } else {
        Table::new(["KIND", "SUBJECT", "BY", "SCOPE"])
    };
    for row in &answer.direct {
        if via {
            every_path(row, &mut direct);
        } else {
            one_row(row, &mut direct);
        }
    }
    text += &match (direct.is_empty(), answer.complete) {
        (false, _) => direct.render_within(style),
        (true, true) => "No one.\n".to_owned(),
        (true, false) => "No one, as far as could be read.\n".to_owned(),
    };
    if !answer.can_become.is_empty() {
        text += "\nWho can become one of them:\n\n";
        let mut table = Table::new(["KIND", "SUBJECT", "BECOMES", "HOW", "BY"]);
        for row in &answer.can_become {
            let mut how = row.by.clone();
            match (&row.depends_on, row.verdict) {
                (Some(what), _) => {
                    let _ = write!(how, " (depends: {what})");
                }
                (None, Verdict::Depends) => how += " (depends)",
                (None, _) => {}
            }
            let by = match &row.via {
                Some(via) => format!("{via}: {}", row.reason.sentence()),
                None => row.reason.sentence(),
            };
            table.row([row.actor.kind(), &row.actor.name(), &row.becomes, &how, &by]);
        }
        text += &table.render_within(style);
    }
    text
}

fn subject(row: &Row) -> String {
    let name = row.actor.name();
    if row.absent {
        format!("{name} (does not exist)")
    } else {
        name
    }
}

fn every_path(row: &Row, table: &mut Table) {
    for Path { via, reason } in &row.paths {
        table.row([
            row.actor.kind(),
            &subject(row),
            via.as_deref().unwrap_or("itself"),
            &reason.binding,
            &reason.role,
            &reason.rule,
            &reason.scope,
        ]);
    }
    for what in &row.depends_on {
        table.row([row.actor.kind(), &subject(row), &format!("depends: {what}")]);
    }
}

fn one_row(row: &Row, table: &mut Table) {
    let Some(Path { via, reason }) = row.paths.first() else {
        let what = format!("depends: {}", row.depends_on.join("; "));
        table.row([row.actor.kind(), &subject(row), &what]);
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
    table.row([row.actor.kind(), &subject(row), &by, &reason.scope]);
}
