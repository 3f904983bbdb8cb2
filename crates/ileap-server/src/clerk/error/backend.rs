//! The rows of the table that the Backend API has of its own.

use super::{AnswerClass, ClerkError, REQUEST, SECRET_KEY};
use crate::verify::RejectReason;

const ADDRESS: &str = "Clerk does not accept this host: check verifier.clerk.backend_api_url";
const REDIRECT: &str = "Clerk's address answers with a redirect: set verifier.clerk.backend_api_url to the address it leads to";
const UNKNOWN: &str = "this version does not know Clerk's answer: check verifier.clerk.backend_api_url, look the code up in Clerk's list of errors, and update ileap";

/// What a refused call of the Backend API was about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BackendTarget {
    /// The instance.
    Instance,
    /// Who has an identifier.
    Lookup,
    /// Whether a password is a user's.
    Password,
    /// A user that a lookup has found.
    User,
}

impl ClerkError {
    /// What the error means as an answer of the Backend API; `None` where both APIs mean the same.
    pub(super) fn backend_class(&self, target: BackendTarget) -> Option<AnswerClass> {
        if let Some(reason) = self.backend_refusal(target) {
            return Some(AnswerClass::Reject(reason));
        }
        let remedy = match self.status {
            300..=399 => REDIRECT,
            400 if self.code.as_deref() == Some("host_invalid") => ADDRESS,
            401 => SECRET_KEY,
            422 => REQUEST,
            429 => return None,
            400..=499 => UNKNOWN,
            _ => return None,
        };
        Some(AnswerClass::Misconfigured { remedy })
    }

    /// Answers about the user, the identifier or the password rather than about the deployment.
    fn backend_refusal(&self, target: BackendTarget) -> Option<RejectReason> {
        let reason = match (target, self.status, self.code.as_deref()?) {
            // Parameters that Clerk does not know are our mistake; one it finds ill-formed is the caller's text.
            (
                BackendTarget::Lookup,
                422,
                "form_param_unknown" | "form_param_missing" | "form_param_duplicate",
            ) => return None,
            (BackendTarget::Lookup, 422, _) => RejectReason::UnknownClient,
            // Documents and captures name different codes for the same thing.
            (BackendTarget::Password, 422, _) => RejectReason::WrongSecret,
            (BackendTarget::Password, 400, "no_password_set") => RejectReason::NoPassword,
            (BackendTarget::Password | BackendTarget::User, 404, "resource_not_found") => {
                RejectReason::UnknownClient
            }
            _ => return None,
        };
        Some(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clerk::wire::ErrorEnvelope;

    const ALL: [BackendTarget; 4] = [
        BackendTarget::Instance,
        BackendTarget::Lookup,
        BackendTarget::Password,
        BackendTarget::User,
    ];

    fn class(target: BackendTarget, status: u16, code: &str) -> AnswerClass {
        let body = serde_json::json!({"errors": [{"message": "m", "code": code}]});
        let envelope: ErrorEnvelope = serde_json::from_value(body).unwrap();
        ClerkError::new(status, &envelope, None)
            .of_backend(target)
            .class()
    }

    fn is_misconfigured(class: &AnswerClass) -> bool {
        matches!(class, AnswerClass::Misconfigured { .. })
    }

    #[test]
    fn whatever_422_says_of_a_password_it_is_wrong() {
        for code in [
            "incorrect_password",
            "form_password_incorrect",
            "form_param_unknown",
            "form_identifier_not_found",
            "something_new",
        ] {
            assert_eq!(
                class(BackendTarget::Password, 422, code),
                AnswerClass::Reject(RejectReason::WrongSecret),
                "{code}"
            );
        }
    }

    #[test]
    fn a_user_without_password_and_a_vanished_one_are_refusals() {
        for (target, status, code, reason) in [
            (
                BackendTarget::Password,
                400,
                "no_password_set",
                RejectReason::NoPassword,
            ),
            (
                BackendTarget::Password,
                404,
                "resource_not_found",
                RejectReason::UnknownClient,
            ),
            (
                BackendTarget::User,
                404,
                "resource_not_found",
                RejectReason::UnknownClient,
            ),
            (
                BackendTarget::Lookup,
                422,
                "form_param_format_invalid",
                RejectReason::UnknownClient,
            ),
        ] {
            assert_eq!(
                class(target, status, code),
                AnswerClass::Reject(reason),
                "{code}"
            );
        }
    }

    #[test]
    fn no_other_answer_about_a_password_is_guessed_at() {
        for (status, code) in [
            (400, "something_new"),
            (400, "strategy_for_user_invalid"),
            (403, "authorization_invalid"),
            (403, "user_locked"),
            (404, "host_not_found"),
            (409, "session_exists"),
            (415, "unsupported_content_type"),
        ] {
            let class = class(BackendTarget::Password, status, code);
            assert!(is_misconfigured(&class), "{status} {code}: {class:?}");
        }
    }

    #[test]
    fn a_key_that_is_not_accepted_names_the_key_and_a_redirect_the_address() {
        for target in ALL {
            for code in [
                "clerk_key_invalid",
                "authentication_invalid",
                "dev_browser_unauthenticated",
            ] {
                assert_eq!(
                    class(target, 401, code),
                    AnswerClass::Misconfigured { remedy: SECRET_KEY }
                );
            }
            assert_eq!(
                class(target, 307, "x"),
                AnswerClass::Misconfigured { remedy: REDIRECT }
            );
        }
    }

    #[test]
    fn throttles_and_faults_mean_the_same_as_at_the_frontend() {
        for target in ALL {
            let throttled = class(target, 429, "too_many_requests");
            assert!(matches!(throttled, AnswerClass::Throttled { .. }));
            for (status, code) in [
                (500, "internal_clerk_error"),
                (503, "maintenance_mode"),
                (502, "x"),
            ] {
                let busy = class(target, status, code);
                assert!(
                    matches!(busy, AnswerClass::Busy { .. }),
                    "{status}: {busy:?}"
                );
            }
        }
    }

    #[test]
    fn parameters_that_clerk_does_not_know_are_our_mistake() {
        let class = class(BackendTarget::Lookup, 422, "form_param_unknown");
        assert!(is_misconfigured(&class));
    }

    #[test]
    fn a_host_that_is_not_accepted_names_the_address_and_other_answers_what_to_look_up() {
        for target in ALL {
            for (code, expected) in [("host_invalid", ADDRESS), ("something_new", UNKNOWN)] {
                let expected = AnswerClass::Misconfigured { remedy: expected };
                assert_eq!(class(target, 400, code), expected, "{target:?} {code}");
            }
        }
        let elsewhere = class(BackendTarget::Instance, 422, "something_new");
        assert_eq!(elsewhere, AnswerClass::Misconfigured { remedy: REQUEST });
    }
}
