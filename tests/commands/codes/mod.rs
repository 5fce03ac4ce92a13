//! Every stable code as a user meets it: a command that prints it, and what the terminal then shows, one snapshot for each
//! code. `shown.rs` holds that there is no code without one.

mod callers;
mod changes;
mod files;
mod plans;
mod shown;
mod world;

use eksact_simulator::World;

use crate::commands::place::{Place, assert_story};

const HEAD: &str = "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata:\n  name: quickstart\n  region: eu-west-1\n";
const ACCESS: &str = "---\napiVersion: eksact.dev/v1alpha1\nkind: ClusterAccess\n";
const DEV: &str = "arn:aws:iam::111122223333:role/dev";
/// The cluster, as flags name it.
const OF: &str = "--cluster quickstart --region eu-west-1";

/// One code and the place where it is met. What a row says is done as it is said.
struct Row {
    code: &'static str,
    place: Place,
}

/// The row of this code.
fn row(code: &'static str) -> Row {
    Row {
        code,
        place: Place::new(),
    }
}

impl Row {
    /// With this file.
    fn file(self, name: &str, text: &str) -> Self {
        self.place.write(name, text);
        self
    }

    /// With this ClusterConfig, and the documents behind it.
    fn config(self, rest: &str) -> Self {
        self.file("c.yaml", &format!("{HEAD}{rest}"))
    }

    /// In the account and the cluster edited so.
    fn world(self, edit: impl FnOnce(&mut World)) -> Self {
        self.place.edit("quickstart", edit);
        self
    }

    /// After this command.
    fn first(self, line: &str) -> Self {
        let ended = self.place.run(&words(line));
        assert_eq!(ended.code, 0, "{}: {line}\n{}", self.code, ended.stderr);
        self
    }

    /// This command says it, as the snapshot shows.
    fn shows(mut self, line: &str) {
        let ended = self.place.tell(&words(line));
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(
            said.contains(&format!("[{}]:", self.code)),
            "{}\n{said}",
            self.code
        );
        assert_story!(self.code, self.place.story());
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}
