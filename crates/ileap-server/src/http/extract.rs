//! Requests become typed values here, once; nobody below sees a header, a form or a query string.

pub(crate) mod bearer;
pub(crate) mod body;
pub(crate) mod client_credentials;
pub(crate) mod client_form;
pub(crate) mod media_type;
pub(crate) mod paging;
pub(crate) mod token_request;
