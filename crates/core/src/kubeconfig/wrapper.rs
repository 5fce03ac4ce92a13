//! The call for a token under the programs that run it: `aws-vault exec dev -- aws eks get-token …`, `sh -c "…"`, `env
//! AWS_PROFILE=dev aws …`. Only read, to tell as whom a context signs in; what eksact writes runs the tool itself.
//!
//! What the programs take is from their own help: aws-vault 7, aws-okta 1, saml2aws 2, granted 0.38, chamber 3, aws-sso-cli 2,
//! aws2-wrap 1, awsudo, aws-runas 3.

mod programs;
mod script;

use super::exec_entry::{ExecTool, FoundExec, SignIn};
use programs::{Kind, program};

/// Programs that run each other deeper than this are not followed.
const DEEPEST: usize = 8;

/// A call for a token, and what runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenCall {
    /// The tool that makes the token.
    pub tool: ExecTool,
    /// As whom and where, as far as it is written there.
    pub sign_in: SignIn,
    /// The programs that run it, the outermost first, by their names.
    pub through: Vec<String>,
    /// Why it is not certain as whom it signs in: programs that are not known, or variables of a shell.
    pub unsettled: Vec<Unsettled>,
}

/// What decides about a sign-in and cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsettled {
    /// A program whose credentials are not known from its arguments.
    Program(String),
    /// A variable of a shell, by the field that takes its value.
    Variable(&'static str),
}

/// The call that an exec entry ends in; nothing where it ends in none that is known.
pub fn token_call(exec: &FoundExec) -> Option<TokenCall> {
    let mut words = vec![exec.command.clone()];
    if exec.command.contains(char::is_whitespace)
        && ExecTool::of_command(&exec.command).is_none()
        && let Some(split) = shlex::split(&exec.command)
    {
        words = split;
    }
    words.extend(exec.arguments.iter().cloned());
    let search = Search {
        environment: exec.environment.clone(),
        ..Search::default()
    };
    // A program under another name that bears eksact's hint is eksact.
    if let Some(tool) = exec.tool()
        && let Some(sign_in) = exec.sign_in()
    {
        return Some(search.found(tool, sign_in));
    }
    search.words(&words, 0)
}

/// The name of a program, without folders and `.exe`.
pub fn name_of(command: &str) -> &str {
    let file = command.rsplit(['/', '\\']).next().unwrap_or(command);
    file.strip_suffix(".exe").unwrap_or(file)
}

/// What is known on the way to the call.
#[derive(Clone, Debug, Default)]
struct Search {
    environment: Vec<(String, String)>,
    /// The profile, role and region that programs on the way name.
    by_programs: SignIn,
    /// Whether a program sets credentials, so that profiles of the environment have no say.
    has_credentials: bool,
    through: Vec<String>,
    unsettled: Vec<Unsettled>,
}

impl Search {
    /// Follows a command and its arguments.
    fn words(mut self, words: &[String], depth: usize) -> Option<TokenCall> {
        let (command, arguments) = words.split_first()?;
        if depth > DEEPEST {
            return None;
        }
        if let Some(tool) = ExecTool::of_command(command) {
            return self.tool(tool, arguments);
        }
        let name = name_of(command);
        self.through.push(name.to_owned());
        let Some(kind) = program(name) else {
            self.unsettled.push(Unsettled::Program(name.to_owned()));
            return self.anywhere(arguments, depth);
        };
        match kind {
            Kind::Shell => {
                let (text, parameters) = script::of_shell(arguments)?;
                self.script(text, parameters, depth + 1)
            }
            Kind::Environment => {
                let rest = self.assign(arguments);
                self.words(rest, depth + 1)
            }
            Kind::Prefix(prefix) => {
                let rest = prefix.rest(arguments)?;
                self.words(rest, depth + 1)
            }
            Kind::Credentials(credentials) => {
                let taken = credentials.take(arguments)?;
                self.has_credentials = true;
                // aws-runas takes a role's ARN in place of a profile.
                let (role, profile): (Vec<_>, Vec<_>) = taken
                    .profile
                    .into_iter()
                    .partition(|profile| profile.starts_with("arn:"));
                let role = role.into_iter().next();
                self.by_programs.profile = profile.into_iter().next().or(self.by_programs.profile.take());
                self.by_programs.region = taken.region.or(self.by_programs.region.take());
                self.by_programs.role_arn = taken.role_arn.or(role).or(self.by_programs.role_arn.take());
                if self.by_programs.profile.is_none() && self.by_programs.role_arn.is_none() {
                    self.unsettled.push(Unsettled::Program(name.to_owned()));
                }
                match taken.command.as_slice() {
                    // `--exec "aws eks get-token …"`: one word that a shell takes apart.
                    [one] if one.contains(char::is_whitespace) => self.script(one, &[], depth + 1),
                    words => self.words(words, depth + 1),
                }
            }
        }
    }

    /// The first call in a script, with what was set before it.
    fn script(mut self, text: &str, parameters: &[String], depth: usize) -> Option<TokenCall> {
        if depth > DEEPEST {
            return None;
        }
        for command in script::commands(text, parameters)? {
            let (assignments, words) = script::split_assignments(&command);
            let own = assignments.iter().cloned();
            match words.split_first() {
                None => self.environment.extend(own),
                Some((first, rest)) if first == "export" => {
                    self.environment
                        .extend(own.chain(rest.iter().filter_map(|word| script::assignment(word))));
                }
                // Sourced, it sets the credentials of the shell itself.
                Some((first, rest)) if [".", "source", "eval"].contains(&first.as_str()) => {
                    self.through.push(first.clone());
                    let assumed = rest.first().filter(|word| name_of(word) == "assume");
                    match assumed.and(rest.get(1)) {
                        Some(profile) => {
                            self.has_credentials = true;
                            self.by_programs.profile = Some(profile.clone());
                        }
                        None => self.unsettled.push(Unsettled::Program(first.clone())),
                    }
                }
                Some(_) => {
                    let mut inner = self.clone();
                    inner.environment.extend(own);
                    if let Some(call) = inner.words(words, depth) {
                        return Some(call.with_variables());
                    }
                }
            }
        }
        None
    }

    /// Takes the flags and assignments of `env`, and gives the rest.
    fn assign<'w>(&mut self, arguments: &'w [String]) -> &'w [String] {
        let mut at = 0;
        while let Some(word) = arguments.get(at) {
            if let Some(assignment) = script::assignment(word) {
                self.environment.push(assignment);
            } else if ["-u", "--unset", "-C", "--chdir"].contains(&word.as_str()) {
                if let Some(name) = arguments.get(at + 1) {
                    self.environment.retain(|(own, _)| own != name);
                }
                at += 1;
            } else if !word.starts_with('-') {
                break;
            }
            at += 1;
        }
        arguments.get(at..).unwrap_or_default()
    }

    /// A call that begins at any of the words, or is a script in one of them: behind a program that is not known.
    fn anywhere(mut self, words: &[String], depth: usize) -> Option<TokenCall> {
        self.environment
            .extend(words.iter().filter_map(|word| script::assignment(word)));
        for (at, word) in words.iter().enumerate() {
            let rest = words.get(at + 1..).unwrap_or_default();
            let found = if let Some(tool) = tool_of_image(word) {
                self.clone().tool(tool, rest)
            } else if program(name_of(word)).is_some() {
                self.clone().words(words.get(at..).unwrap_or_default(), depth + 1)
            } else if word.contains(char::is_whitespace) {
                self.clone().script(word, &[], depth + 1)
            } else {
                None
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn tool(self, tool: ExecTool, arguments: &[String]) -> Option<TokenCall> {
        let exec = FoundExec {
            command: tool.program().to_owned(),
            arguments: arguments.to_vec(),
            environment: self.environment_of_tool(),
            ..FoundExec::default()
        };
        let sign_in = exec.sign_in()?;
        Some(self.found(tool, sign_in))
    }

    /// The last value of each variable; no profiles where a program sets credentials.
    fn environment_of_tool(&self) -> Vec<(String, String)> {
        let is_profile = |name: &str| ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].contains(&name);
        self.environment
            .iter()
            .rev()
            .filter(|(name, _)| !(self.has_credentials && is_profile(name)))
            .cloned()
            .collect()
    }

    fn found(self, tool: ExecTool, sign_in: SignIn) -> TokenCall {
        TokenCall {
            tool,
            sign_in: SignIn {
                cluster: sign_in.cluster,
                region: sign_in.region.or(self.by_programs.region),
                role_arn: sign_in.role_arn.or(self.by_programs.role_arn),
                profile: sign_in.profile.or(self.by_programs.profile),
            },
            through: self.through,
            unsettled: self.unsettled,
        }
    }
}

/// A tool by its command, or by the image that it comes in (`amazon/aws-cli:2.15.0`).
fn tool_of_image(word: &str) -> Option<ExecTool> {
    let image = name_of(word).split(':').next().unwrap_or_default();
    ExecTool::of_command(word).or_else(|| (image == "aws-cli").then_some(ExecTool::Aws))
}

impl TokenCall {
    /// Values that a shell fills in are not known.
    fn with_variables(mut self) -> Self {
        let is_variable = |text: &String| text.contains(['$', '`']);
        let sign_in = &mut self.sign_in;
        for (field, value) in [
            ("region", &mut sign_in.region),
            ("role", &mut sign_in.role_arn),
            ("profile", &mut sign_in.profile),
        ] {
            if value.as_ref().is_some_and(is_variable) {
                *value = None;
                self.unsettled.push(Unsettled::Variable(field));
            }
        }
        if is_variable(&sign_in.cluster) {
            self.unsettled.push(Unsettled::Variable("cluster"));
        }
        self
    }
}

#[cfg(test)]
mod tests;
