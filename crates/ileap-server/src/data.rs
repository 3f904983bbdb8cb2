//! Where the data endpoints' answers come from: our own store, or the operator's service.

#[cfg(test)]
mod contract;
pub mod stored;
pub mod upstream;

use std::time::Duration;

use bytes::Bytes;
use ileap_types::{
    filter::{odata::FootprintFilter, tad::TadFilter},
    query::QueryPairs,
};

use crate::{
    identity::Principal,
    store::{Page, PageQuery, StoreError},
};

/// Answers the data endpoints, for each caller what it may see.
#[async_trait::async_trait]
pub trait DataSource: Send + Sync {
    /// The latest version of one footprint, as JSON, if the caller may see it. Ids compare without regard to case.
    async fn footprint(&self, caller: &Principal, id: &str) -> Result<Option<Bytes>, SourceError>;

    /// One page of footprints.
    async fn footprints(
        &self,
        caller: &Principal,
        question: &Question<'_, FootprintFilter>,
    ) -> Result<Page, SourceError>;

    /// One page of transport activity data.
    async fn tads(
        &self,
        caller: &Principal,
        question: &Question<'_, TadFilter>,
    ) -> Result<Page, SourceError>;
}

/// What a list request asks for.
#[derive(Debug)]
pub struct Question<'a, F> {
    /// Which objects.
    pub filter: &'a F,
    /// Which part of them.
    pub page: &'a PageQuery,
    /// The query as it was asked, for whoever filters elsewhere.
    pub query: &'a QueryPairs,
}

/// There is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The operator's service does not offer this filter.
    #[error("the data source does not offer this filter")]
    FilterUnsupported,
    /// Our store cannot answer.
    #[error("{}", .0.with_cause())]
    Store(#[from] StoreError),
    /// The operator's service gives no answer that can be used; the word is for logs and metrics.
    #[error("asking the data source: {why}")]
    Unavailable {
        /// What went wrong, without a word of the answer.
        why: &'static str,
        /// When to come back.
        retry_after: Duration,
    },
}
