//! Error codes and bodies of the PACT actions.

use serde::{Deserialize, Serialize};

use crate::wire::wire_enum;

wire_enum! {
    /// The error codes of PACT v2.3 and v3.0 ("Error Codes").
    ///
    /// Which status a code comes with differs by major version and is not known here.
    pub closed enum ErrorCode {
        /// The caller may not have this.
        AccessDenied = "AccessDenied",
        /// The request is malformed.
        BadRequest = "BadRequest",
        /// There is no such footprint; v2 only.
        NoSuchFootprint = "NoSuchFootprint",
        /// There is no such footprint; v3 only.
        NotFound = "NotFound",
        /// The action or a part of it is not offered.
        NotImplemented = "NotImplemented",
        /// The access token is genuine and past its life.
        TokenExpired = "TokenExpired",
        /// Anything the host could not foresee.
        InternalError = "InternalError",
    }
}

impl ErrorCode {
    /// The message sent when there is nothing more precise to say.
    pub const fn default_message(self) -> &'static str {
        match self {
            Self::AccessDenied => "Access denied",
            Self::BadRequest => "Bad Request",
            Self::NoSuchFootprint => "The specified footprint does not exist.",
            Self::NotFound => "The requested footprint could not be found.",
            Self::NotImplemented => "The specified action or parameter is not implemented",
            Self::TokenExpired => "The specified access token has expired",
            Self::InternalError => "An internal or unexpected error has occurred",
        }
    }
}

/// The body of a failed PACT action (PACT v2.3 "Error Responses").
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ErrorBody {
    /// The code for machines.
    pub code: ErrorCode,
    /// The text for people.
    pub message: String,
}

impl From<ErrorCode> for ErrorBody {
    fn from(code: ErrorCode) -> Self {
        Self {
            code,
            message: code.default_message().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_has_code_and_message() {
        let body = ErrorBody::from(ErrorCode::NoSuchFootprint);
        assert_eq!(
            serde_json::to_value(&body).unwrap(),
            json!({"code": "NoSuchFootprint", "message": "The specified footprint does not exist."})
        );
    }

    #[test]
    fn every_code_is_read_back_by_its_exact_spelling() {
        for code in ErrorCode::ALL {
            let name = serde_json::to_string(code).unwrap();
            assert_eq!(serde_json::from_str::<ErrorCode>(&name).unwrap(), *code);
        }
        assert!(serde_json::from_str::<ErrorCode>("\"badRequest\"").is_err());
    }
}
