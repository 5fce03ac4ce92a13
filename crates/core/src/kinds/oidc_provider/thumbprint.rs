//! Which thumbprint a provider shall have, and what is to be said about where it came from.

use eksact_message::code::Code;
use jiff::tz::TimeZone;

use super::plan::Subject;
use crate::{
    engine::{Finding, PlanDraft, Severity},
    kinds::request::ThumbprintSource,
    ports::issuer::CertificateChain,
};

impl Subject<'_> {
    /// The thumbprint to write, with a remark for people; none lets IAM find it.
    pub(super) fn wanted_thumbprint(
        &self,
        draft: &mut PlanDraft,
    ) -> Result<(Option<String>, Option<String>), Box<Finding>> {
        match &self.request.settings.thumbprint {
            ThumbprintSource::Iam => Ok((None, None)),
            ThumbprintSource::Given(thumbprint) => {
                Ok((Some(thumbprint.clone()), Some("given by --thumbprint".to_owned())))
            }
            ThumbprintSource::Issuer => match self.live.issuer_chain() {
                Some(Ok(chain)) => Ok(self.judged(chain, draft)),
                Some(Err(error)) => Err(Box::new(
                    Finding::new(
                        Severity::Error,
                        Code::IssuerUnreachable,
                        format!("the thumbprint of the cluster's issuer could not be found: {error}"),
                    )
                    .about(&self.address)
                    .with_help(
                        remedy!("Where this machine cannot reach the issuer, give the thumbprint (--thumbprint HEX) or let IAM \
                         compute it (--thumbprint iam)."),
                    ),
                )),
                None => Ok((None, None)),
            },
        }
    }

    fn judged(&self, chain: &CertificateChain, draft: &mut PlanDraft) -> (Option<String>, Option<String>) {
        let Some(last) = chain.certificates.last() else {
            return (None, None);
        };
        if !chain.publicly_trusted {
            draft.add_finding(
                Finding::new(
                    Severity::Warning,
                    Code::IssuerNotPublic,
                    format!(
                        "the certificates that {} serves do not lead to a public root (the last is {}, \
                         issued by {}): a proxy may be intercepting TLS, and AWS could not use its \
                         thumbprint",
                        self.url.split('/').next().unwrap_or_default(),
                        last.subject,
                        last.issuer
                    ),
                )
                .about(&self.address)
                .with_help(remedy!(
                    "Run it where there is no such proxy, or pass --thumbprint HEX or \
                     --thumbprint iam."
                )),
            );
        }
        let expiry = last
            .not_after
            .to_zoned(TimeZone::UTC)
            .strftime("%Y-%m-%d")
            .to_string();
        (
            Some(last.thumbprint.clone()),
            Some(format!("{}, valid until {expiry}", last.subject)),
        )
    }
}
