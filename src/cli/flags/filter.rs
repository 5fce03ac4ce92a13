//! `--include` and `--exclude`: which service accounts of a file a command is about, by glob on `namespace/name`, with
//! eksctl's precedence (0.231, `ctl/cmdutils/filter/filter.go`). A `*` crosses the slash, as there.

use clap::Args;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::cli::Failure;
use eksact_core::{config::ServiceAccount, view::Printer};

/// Flags that choose service accounts of a file.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Service accounts of the file")]
pub(crate) struct FilterFlags {
    /// Only service accounts whose `namespace/name` matches a glob
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    pub include: Vec<String>,
    /// All but service accounts whose `namespace/name` matches a glob
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    pub exclude: Vec<String>,
}

impl FilterFlags {
    /// Whether any is given.
    pub(crate) fn is_given(&self) -> bool {
        !self.include.is_empty() || !self.exclude.is_empty()
    }

    /// Refuses the flags where no file is named.
    pub(crate) fn refuse_without_file(&self) -> Result<(), Failure> {
        if self.is_given() {
            return Err(Failure::usage(
                "cannot use --include or --exclude unless a config file is specified via --config-file/-f",
            ));
        }
        Ok(())
    }

    /// The filter of these globs.
    pub(crate) fn compile(&self) -> Result<Filter, Failure> {
        Ok(Filter {
            include: set("--include", &self.include)?,
            exclude: set("--exclude", &self.exclude)?,
            has_include: !self.include.is_empty(),
        })
    }

    /// The accounts that these flags choose. Where no include glob matches any, that is an error, as in eksctl; any other glob
    /// that matches none is told.
    pub(crate) fn choose(
        &self,
        accounts: Vec<ServiceAccount>,
        printer: &Printer,
    ) -> Result<Vec<ServiceAccount>, Failure> {
        if !self.is_given() {
            return Ok(accounts);
        }
        let filter = self.compile()?;
        let idle = self.idle(&accounts)?;
        let chosen: Vec<ServiceAccount> = accounts
            .into_iter()
            .filter(|account| filter.takes(&account.qualified_name()))
            .collect();
        if chosen.is_empty() && filter.has_include {
            return Err(Failure::error(format!(
                "no service account of the file matches --include {}",
                self.include.join(",")
            )));
        }
        for glob in idle {
            printer.note(&format!("{glob} matches no service account of the file"));
        }
        Ok(chosen)
    }

    /// The globs that match none of the accounts, each with its flag.
    fn idle(&self, accounts: &[ServiceAccount]) -> Result<Vec<String>, Failure> {
        let mut idle = Vec::new();
        for (flag, globs) in [("--include", &self.include), ("--exclude", &self.exclude)] {
            for glob in globs {
                let one = set(flag, std::slice::from_ref(glob))?;
                if !accounts
                    .iter()
                    .any(|account| one.is_match(account.qualified_name()))
                {
                    idle.push(format!("{flag} {glob}"));
                }
            }
        }
        Ok(idle)
    }
}

/// A compiled filter.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    include: GlobSet,
    exclude: GlobSet,
    has_include: bool,
}

impl Filter {
    /// Whether `namespace/name` is chosen: it matches an include glob, if there are any, and no exclude glob.
    pub(crate) fn takes(&self, qualified_name: &str) -> bool {
        (!self.has_include || self.include.is_match(qualified_name)) && !self.exclude.is_match(qualified_name)
    }
}

fn set(flag: &str, globs: &[String]) -> Result<GlobSet, Failure> {
    let mut builder = GlobSetBuilder::new();
    for glob in globs {
        let compiled = GlobBuilder::new(glob)
            .literal_separator(false)
            .build()
            .map_err(|error| Failure::usage(format!("{flag} {glob} is not a glob: {}", error.kind())))?;
        builder.add(compiled);
    }
    builder
        .build()
        .map_err(|error| Failure::usage(format!("{flag}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence_is_eksctls() {
        let table: [(&[&str], &[&str], &str, bool); 8] = [
            (&[], &[], "app/web", true),
            (&["app/*"], &[], "app/web", true),
            (&["app/*"], &[], "ops/web", false),
            (&["*web"], &[], "ops/web", true),
            (&[], &["ops/*"], "app/web", true),
            (&[], &["ops/*"], "ops/web", false),
            (&["app/*"], &["*/web"], "app/web", false),
            (&["{app,ops}/w?b"], &[], "ops/wxb", true),
        ];
        for (include, exclude, name, taken) in table {
            let texts = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect();
            let flags = FilterFlags {
                include: texts(include),
                exclude: texts(exclude),
            };
            assert_eq!(
                flags.compile().unwrap().takes(name),
                taken,
                "{include:?} {exclude:?} {name}"
            );
        }
    }
}
