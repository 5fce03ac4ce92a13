//! Kept credentials that AWS no longer takes: a session that was revoked, or ended early. Whoever asks AWS anyway (`whoami`,
//! `verify token`) notices, and replaces them; `token` on its way through the cache asks nobody.

use jiff::Timestamp;

use super::{Finished, Signer, Signing, in_small_runtime, lock, warn};
use crate::cli::{Failure, global::GlobalFlags};
use eksact_cloud::{
    aws::{self, ConnectError, credentials::is_refusal, token_replay::replay},
    trust::TrustRoots,
};
use eksact_core::{ports::sts::StsVerdict, view::Printer};
use eksact_credentials::{Keeps, SourceError, source};
use eksact_identity::authn::token_decode::{self, DecodedToken};

impl Signing<'_> {
    /// The credentials of [`Signing::signer`], where kept credentials are shown to STS first: those that it does not take are replaced.
    pub(in crate::cli) fn accepted_signer(
        &self,
        global: &GlobalFlags,
        printer: &Printer,
    ) -> Result<Signer, Failure> {
        let signer = self.signer(global, printer)?;
        if signer.kept {
            let refused = in_small_runtime(
                global,
                aws::credentials::are_refused(
                    &signer.region,
                    &signer.credentials,
                    (&signer.config, &signer.profile),
                ),
            )?;
            if refused? {
                return self.renew(signer.credentials.access_key_id(), global, printer);
            }
        }
        Ok(signer)
    }

    /// The token, where a kept one is shown to STS first: one that STS does not take for its credentials' sake is replaced.
    pub(in crate::cli) fn accepted_token(
        &self,
        global: &GlobalFlags,
        printer: &Printer,
    ) -> Result<Finished, Failure> {
        let finished = self.token(global, printer)?;
        if !finished.kept {
            return Ok(finished);
        }
        let DecodedToken::Cluster(presigned) = token_decode::decode(&finished.token)? else {
            return Ok(finished);
        };
        let roots = TrustRoots::from_environment().map_err(ConnectError::from)?;
        let answer = in_small_runtime(
            global,
            replay(&finished.token, &presigned.host, self.cluster, &roots),
        )?;
        // Whoever verifies the token meets any other answer again.
        match answer.map(|answer| answer.verdict) {
            Ok(StsVerdict::Refused { code, .. }) if is_refusal(&code) => {
                let refused = presigned.access_key_id.unwrap_or_default();
                let signer = self.renew(&refused, global, printer)?;
                Ok(self.sign(&signer, Timestamp::now())?.into())
            }
            _ => Ok(finished),
        }
    }

    /// New credentials in the place of kept ones that AWS does not take any more, those with the access key `refused`. The
    /// cache forgets these, and the tokens. Where another process was faster, its new ones count.
    pub(in crate::cli) fn renew(
        &self,
        refused: &str,
        global: &GlobalFlags,
        printer: &Printer,
    ) -> Result<Signer, Failure> {
        printer.note("AWS no longer accepts the cached credentials: getting new ones");
        let config = source::shared_config(self.environment, self.profile).map_err(SourceError::from)?;
        let settled = self.settled_with(config)?;
        let (mut cache, key) = self.cache(&settled);
        let lock = lock(&mut cache, &key, &settled, printer);
        let another = cache
            .credentials(&key, Timestamp::now())
            .filter(|kept| kept.credentials.access_key_id() != refused);
        let (credentials, kept) = if let Some(another) = another {
            (another.credentials.clone(), Some(another))
        } else {
            cache.forget(&key);
            let fetched = self.fetch(&settled, global)?;
            if self.keeps(&settled.source) == Keeps::TokenAndCredentials {
                cache.keep_credentials(&key, &fetched, Timestamp::now());
            }
            (fetched, None)
        };
        warn(&mut cache, printer);
        drop(lock);
        Ok(self.signer_with(settled, credentials, kept.as_ref()))
    }
}
