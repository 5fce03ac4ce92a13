//! How things look: plans, progress, reports, errors, tables and questions. No other room prints.
//!
//! What can be pure is pure: functions that make a `String` of data and a [`Style`]. [`Printer`] alone knows the two
//! streams: data goes to stdout, everything else to stderr. All text that comes from files, AWS or Kubernetes passes
//! [`text::harmless`] before it reaches a terminal.

pub mod access_check;
pub mod apply_events;
pub mod apply_json;
pub mod aws_auth_check;
pub mod board;
mod commands;
pub mod confirm;
pub mod errors;
pub mod explain_change;
pub mod facts;
pub mod fleet_human;
pub mod fleet_json;
pub mod fleet_markdown;
pub mod fleet_metrics;
pub mod html;
pub mod markdown;
pub mod older;
pub mod page;
mod plan_access;
mod plan_attribute;
mod plan_change;
mod plan_findings;
pub mod plan_human;
pub mod plan_json;
mod plan_lines;
mod plan_partial;
pub mod printer;
pub mod progress;
pub mod report;
pub mod sarif;
pub mod style;
pub mod table;
pub mod terminal_question;
pub mod text;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod samples;

pub use commands::wrapped;
pub use confirm::confirm;
pub use facts::Facts;
pub use html::{fleet_html, plan_html};
pub use markdown::plan_markdown;
pub use plan_human::plan_human;
pub use printer::{ColourChoice, Level, OutputError, Printer};
pub use progress::ProgressView;
pub use sarif::{fleet_sarif, plan_sarif};
pub use style::{Label, Style};
pub use table::Table;
