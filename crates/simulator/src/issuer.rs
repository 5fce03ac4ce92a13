//! The issuer's probe, answered by the sandbox.

use async_trait::async_trait;

use super::{Call, Sandbox};
use eksact_core::ports::CallError;
use eksact_core::ports::issuer::{CertificateChain, IssuerProbe};

#[async_trait]
impl IssuerProbe for Sandbox {
    async fn certificate_chain(&self, issuer_url: &str) -> Result<CertificateChain, CallError> {
        let call = Call {
            service: "issuer",
            action: "Connect".to_owned(),
            object: issuer_url.to_owned(),
            write: false,
        };
        self.call(call, |world, _| world.certificate_chain(issuer_url))
            .await
    }
}
