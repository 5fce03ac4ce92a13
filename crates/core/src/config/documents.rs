//! The documents of all files of a run: decoded, parted, told apart, and what is reported about each, with its place.

use eksact_message::code::Code;
use std::sync::Arc;

use super::diagnostic::Diagnostic;
use super::document::DocumentKind;
use super::finding::Finding;
use super::load::InputFile;
use super::location::SourceLocation;
use super::path::FieldPath;
use super::source::{Position, Source};
use super::template;
use eksact_yaml::{self as yaml, Content, DuplicateKeys, ErrorKind, Node, SyntaxError, explain};

/// The most documents of a file that say something.
const MAXIMUM_DOCUMENTS: usize = 64;

/// One document. Cloning is cheap: text and tree are shared.
#[derive(Clone, Debug)]
pub(super) struct Document {
    file: usize,
    /// What it is.
    pub(super) kind: DocumentKind,
    /// Its content.
    pub(super) root: Node,
    /// The file in which it stands.
    pub(super) source: Arc<Source>,
}

#[derive(Debug, Default)]
struct File {
    /// None when the file is no text.
    source: Option<Arc<Source>>,
    /// Said about a file that is no text.
    unreadable: Option<Diagnostic>,
    findings: Vec<(Position, Finding)>,
}

/// The documents of all files, and everything reported so far.
#[derive(Debug)]
pub(super) struct Documents {
    files: Vec<File>,
    documents: Vec<Document>,
}

impl Documents {
    /// Parts the files into documents. What can be nothing of ours, and every ClusterConfig but the first, is reported
    /// and left out.
    pub(super) fn read(inputs: &[InputFile<'_>]) -> Self {
        let mut files: Vec<File> = Vec::new();
        let mut all: Vec<Part> = Vec::new();
        for (number, input) in inputs.iter().enumerate() {
            let mut file = File::default();
            match Source::decode(input.name, input.bytes) {
                Err(diagnostic) => file.unreadable = Some(*diagnostic),
                Ok(source) => {
                    let mut reading = yaml::read_all(source.text(), DuplicateKeys::Refuse);
                    // What stands before a mistake in the YAML may be no document at all.
                    if !reading.problems.is_empty() {
                        reading
                            .documents
                            .retain(|root| matches!(root.content(), Content::Mapping(_)));
                    }
                    // What another tool was to fill in is no YAML: it is told itself, and what else is wrong.
                    let templates = match reading.problems.as_slice() {
                        [] => Vec::new(),
                        _ => template::check(source.text()),
                    };
                    if !templates.is_empty() {
                        file.findings.extend(templates);
                        reading = yaml::read_all(&template::masked(source.text()), DuplicateKeys::Refuse);
                        reading.documents.clear();
                    }
                    for problem in &reading.problems {
                        file.findings.push(unusable(source.text(), problem));
                    }
                    let source = Arc::new(source);
                    let mut roots = reading.documents.into_iter().filter(|root| !root.is_null());
                    all.extend(
                        roots
                            .by_ref()
                            .take(MAXIMUM_DOCUMENTS)
                            .enumerate()
                            .map(|(place, root)| Part {
                                file: number,
                                place,
                                root,
                                source: Arc::clone(&source),
                            }),
                    );
                    if let Some(root) = roots.next() {
                        file.findings.push((root.at.into(), too_many_documents()));
                    }
                    file.source = Some(source);
                }
            }
            files.push(file);
        }
        let mut documents = Self {
            files,
            documents: Vec::new(),
        };
        documents.sort_out(all);
        documents
    }

    /// Decides what each document is.
    fn sort_out(&mut self, parts: Vec<Part>) {
        // Where no document is a ClusterConfig, the first that does not say what it is is meant to be.
        let nameless = parts
            .iter()
            .position(|part| part.place == 0 && part.kind().is_none())
            .filter(|_| {
                !parts
                    .iter()
                    .any(|part| part.kind() == Some(DocumentKind::ClusterConfig))
            });
        let mut first: Option<SourceLocation> = None;
        for (number, part) in parts.into_iter().enumerate() {
            let at = part.root.at.into();
            if part.is_aws_auth() {
                self.add(part.file, at, aws_auth());
                continue;
            }
            let kind = match part.kind() {
                None if nameless == Some(number) => Some(DocumentKind::ClusterConfig),
                kind => kind,
            };
            let kind = match (kind, &first) {
                (Some(kind), None) => {
                    if kind == DocumentKind::ClusterConfig {
                        first = Some(part.source.location(at));
                        if part.place > 0 {
                            self.add(part.file, at, not_first());
                        }
                    }
                    kind
                }
                (Some(DocumentKind::ClusterAccess), Some(_)) => DocumentKind::ClusterAccess,
                (Some(DocumentKind::ClusterConfig), Some(earlier)) => {
                    self.add(part.file, at, second_config(earlier));
                    continue;
                }
                (None, _) => {
                    self.add(part.file, at, other_document());
                    continue;
                }
            };
            self.documents.push(Document {
                file: part.file,
                kind,
                root: part.root,
                source: part.source,
            });
        }
        let is_broken = |file: &File| file.unreadable.is_some() || !file.findings.is_empty();
        if first.is_none() && !self.files.iter().any(is_broken) {
            self.add(
                0,
                Position { line: 1, column: 1 },
                no_config(self.files.len(), !self.documents.is_empty()),
            );
        }
    }

    /// The ClusterConfig.
    pub(super) fn cluster_config(&self) -> Option<Document> {
        let mut documents = self.documents.iter();
        documents
            .find(|document| document.kind == DocumentKind::ClusterConfig)
            .cloned()
    }

    /// The ClusterAccess documents, in their order.
    pub(super) fn cluster_accesses(&self) -> Vec<Document> {
        let documents = self.documents.iter();
        documents
            .filter(|document| document.kind == DocumentKind::ClusterAccess)
            .cloned()
            .collect()
    }

    /// Reports what was found in a document.
    pub(super) fn report(&mut self, document: &Document, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            let at = finding
                .position
                .unwrap_or_else(|| finding.path.locate(&document.root, finding.at_key));
            self.add(document.file, at, finding);
        }
    }

    fn add(&mut self, file: usize, at: Position, finding: Finding) {
        if let Some(file) = self.files.get_mut(file) {
            file.findings.push((at, finding));
        }
    }

    /// Everything that was reported, in the order of the files, each with its place and line.
    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        for mut file in self.files {
            diagnostics.extend(file.unreadable);
            file.findings.sort_by_key(|(at, finding)| (*at, finding.severity));
            for (at, finding) in file.findings {
                let diagnostic = finding.into_diagnostic();
                diagnostics.push(match &file.source {
                    Some(source) => source.place(diagnostic, at),
                    None => diagnostic,
                });
            }
        }
        diagnostics
    }
}

/// A document of which nothing is known yet but where it stands.
struct Part {
    file: usize,
    /// How many documents of the file are before it.
    place: usize,
    root: Node,
    source: Arc<Source>,
}

impl Part {
    fn kind(&self) -> Option<DocumentKind> {
        DocumentKind::of(&self.root)
    }

    /// Whether it is the ConfigMap that a ClusterConfig says the mappings of.
    fn is_aws_auth(&self) -> bool {
        let text = |node: Option<&Node>| node.and_then(Node::text).map(str::to_owned);
        let name = self
            .root
            .get("metadata")
            .and_then(|metadata| metadata.get("name"));
        text(self.root.get("kind")).as_deref() == Some("ConfigMap")
            && text(name).as_deref() == Some("aws-auth")
    }
}

fn of_file(code: Code, message: impl Into<String>) -> Finding {
    Finding::error(code, FieldPath::default(), message)
}

/// What makes a file unusable as YAML.
fn unusable(text: &str, problem: &SyntaxError) -> (Position, Finding) {
    let code = match problem.kind {
        ErrorKind::Character => Code::ControlCharacter,
        ErrorKind::Syntax => Code::YamlSyntax,
        ErrorKind::Tag => Code::YamlTag,
        ErrorKind::Alias => Code::YamlAlias,
        ErrorKind::Key => Code::BadKey,
        ErrorKind::Merge => Code::BadMerge,
        ErrorKind::Duplicate => Code::DuplicateKey,
        ErrorKind::NotJson => Code::NotJson,
        ErrorKind::Depth => Code::YamlTooDeep,
        ErrorKind::Size => Code::YamlTooLarge,
    };
    let explained = explain::explain(text, problem);
    let message = match problem.kind {
        ErrorKind::Syntax => format!("this is not valid YAML: {}", explained.problem),
        _ => explained.problem,
    };
    let at = Position::new(explained.line, explained.column);
    let mut finding = of_file(code, message).at(at);
    finding.help = explained.help;
    (at, finding)
}

fn too_many_documents() -> Finding {
    let message = format!("the file has more than {MAXIMUM_DOCUMENTS} documents");
    of_file(Code::TooManyDocuments, message).help(remedy!("put the entries of several into one"))
}

fn other_document() -> Finding {
    let own = DocumentKind::ClusterAccess;
    of_file(Code::OtherDocument, "eksact does not know the kind of this document").help(remedy!(
        "a ClusterConfig can be followed by `apiVersion: {}`, `kind: {}`; put everything else into files of its own",
        own.api_version(),
        own.name()
    ))
}

fn aws_auth() -> Finding {
    of_file(
        Code::OtherDocument,
        "this is the ConfigMap aws-auth: a ClusterConfig says the same as `iamIdentityMappings`",
    )
    .help(remedy!(
        "`eksact check aws-auth -f FILE` checks it as it is; `eksact export --cluster NAME --region REGION` writes what that of a \
         cluster says as a ClusterConfig"
    ))
}

fn second_config(earlier: &SourceLocation) -> Finding {
    let message = format!("there is a ClusterConfig already, at {earlier}");
    of_file(Code::SecondClusterConfig, message).help(remedy!(
        "a file is about one cluster: put the other into a file of its own"
    ))
}

fn not_first() -> Finding {
    let message = "the ClusterConfig is not the first document of its file";
    of_file(Code::ClusterConfigNotFirst, message).help(remedy!(
        "put it first: eksctl reads only the first document of a file"
    ))
}

fn no_config(files: usize, has_access: bool) -> Finding {
    let message = match files {
        0 | 1 => "there is no ClusterConfig in this file",
        _ => "there is no ClusterConfig in these files",
    };
    of_file(Code::Empty, message).help(if has_access {
        remedy!("a ClusterAccess belongs to a ClusterConfig: put it after one, or name both files with -f")
    } else {
        remedy!("begin with `apiVersion: eksctl.io/v1alpha5` and `kind: ClusterConfig`")
    })
}
