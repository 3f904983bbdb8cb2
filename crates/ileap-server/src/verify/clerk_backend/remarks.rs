use crate::{
    clerk::memberships::Organizations,
    verify::{ProbeFinding, ProbeSeverity},
};

/// Which instance answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Instance {
    /// One for tests, for a server that partners reach from elsewhere.
    DevelopmentInPublic,
    /// One that fits.
    Fitting,
}

/// What is good to know of an instance that answers.
pub(super) fn on(organizations: Organizations, instance: Instance) -> Vec<ProbeFinding> {
    let mut findings = Vec::new();
    if organizations == Organizations::Disabled {
        findings.push(info(
            "the instance has no organizations: no user has a role of its own",
            "set access.default_role, or enable organizations in the Clerk dashboard",
        ));
    }
    if instance == Instance::DevelopmentInPublic {
        findings.push(info(
            "the secret key is that of a development instance: Clerk allows it 100 calls in ten seconds",
            "use a production instance once partners rely on it",
        ));
    }
    findings
}

fn info(finding: &str, remedy: &str) -> ProbeFinding {
    ProbeFinding {
        severity: ProbeSeverity::Info,
        finding: finding.to_owned(),
        remedy: remedy.to_owned(),
    }
}
