//! `eksact permissions`: the rights that a run over a file needs, to give them to whoever runs it.

use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::cli::{
    ExitCode, Failure,
    flags::{
        global::GlobalFlags,
        plan::{Output, PlanFlags},
    },
    run::{config_files::WholeFileFlags, flow},
    texts::yaml::yaml,
};
use eksact_core::{
    kinds::permissions::{Place, Rights, to_apply, to_plan},
    view::{
        Printer,
        plan_json::{json, schema_of},
    },
};

/// The most characters, white space not counted, of a managed policy, and of all inline policies of a role ("IAM and AWS STS quotas").
/// Neither can be raised.
const MOST_OF_MANAGED: usize = 6_144;
const MOST_OF_INLINE: usize = 10_240;

/// What the rights are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Run {
    /// Only to read and to plan; found from the file alone, without AWS
    Plan,
    /// To plan and to apply what the plan of now would do
    Apply,
}

/// Print the least IAM policy and RBAC rules that a run over a file needs
///
/// The rules are bound to no one. Rights for what the file does not name, such as the roles of stacks that are there, are as
/// narrow as what is known before the run.
#[derive(Debug, Args)]
pub(crate) struct PermissionsCommand {
    /// The run that needs them
    #[arg(long = "for", value_enum, value_name = "RUN")]
    run: Run,
    #[command(flatten)]
    whole: WholeFileFlags,
}

impl PermissionsCommand {
    pub(crate) async fn run(self, global: &GlobalFlags, printer: &Printer) -> Result<ExitCode, Failure> {
        let PlanFlags { output, views, .. } = &self.whole.plan;
        if !matches!(output, Output::Human | Output::Json) || views.write_anything() {
            return Err(Failure::usage(
                "the rights that a run needs are no plan: -o takes human or json here, and there are no views of them",
            ));
        }
        let rights = match self.run {
            Run::Plan => {
                let request = self.whole.request_without_connection(global, printer)?;
                let metadata = &request.config.metadata;
                to_plan(
                    &request,
                    &Place::new(&metadata.name.value, &metadata.region.value, None),
                )
            }
            Run::Apply => {
                let (request, connection) = self.whole.request(global, printer).await?;
                let plan = flow::plan_for(&request, &connection, printer).await?;
                let metadata = &request.config.metadata;
                let account = plan.target.get("account").map(String::as_str);
                let place = Place::new(&metadata.name.value, &metadata.region.value, account);
                to_apply(&request, &place, &plan)
                    .map_err(|error| Failure::error(format!("the rights could not be found: {error}")))?
            }
        };
        let length = rights.policy().to_string().len();
        if length > MOST_OF_MANAGED {
            printer.note(&format!(
                "the policy has {length} characters, and IAM takes {MOST_OF_MANAGED} in a managed policy and {MOST_OF_INLINE} in the inline \
                 policies of a role: divide its statements among several managed policies"
            ));
        }
        flow::deliver(&text(&rights, self.whole.plan.output)?, printer)?;
        Ok(ExitCode::Success)
    }
}

/// What `-o json` writes.
#[derive(Serialize, JsonSchema)]
struct Document {
    /// The policy for IAM.
    policy: Value,
    /// A `ClusterRole` and the `Role`s of namespaces, as manifests.
    rbac: Vec<Value>,
}

/// The JSON Schema of what `-o json` writes.
pub(crate) fn schema() -> Value {
    schema_of::<Document>("What `eksact permissions -o json` writes")
}

fn text(rights: &Rights, output: Output) -> Result<String, Failure> {
    let (policy, rbac) = (rights.policy(), rights.rbac());
    if output == Output::Json {
        return Ok(json(&Document { policy, rbac })?);
    }
    let mut text = format!("IAM policy:\n{policy:#}\n");
    if !rbac.is_empty() {
        text.push_str("\nKubernetes RBAC, bound to no one:\n");
    }
    for manifest in &rbac {
        text.push_str("---\n");
        text.push_str(&yaml(manifest)?);
    }
    Ok(text)
}
