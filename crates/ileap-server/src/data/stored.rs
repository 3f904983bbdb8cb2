//! Data from our own store, limited by roles and access rules.

use std::sync::Arc;

use bytes::Bytes;
use ileap_types::filter::{odata::FootprintFilter, tad::TadFilter};

use super::{DataSource, Question, SourceError};
use crate::{
    access::Visibility,
    identity::Principal,
    store::{Page, Store},
};

/// The data in our own store.
pub struct StoredData {
    store: Arc<dyn Store>,
}

impl StoredData {
    /// The data in `store`.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }
}

#[async_trait::async_trait]
impl DataSource for StoredData {
    async fn footprint(&self, caller: &Principal, id: &str) -> Result<Option<Bytes>, SourceError> {
        let visibility = Visibility::of(caller, &*self.store).await?;
        Ok(self.store.footprint(&visibility, id).await?)
    }

    async fn footprints(
        &self,
        caller: &Principal,
        question: &Question<'_, FootprintFilter>,
    ) -> Result<Page, SourceError> {
        let visibility = Visibility::of(caller, &*self.store).await?;
        let store = &self.store;
        Ok(store
            .footprints(&visibility, question.filter, question.page)
            .await?)
    }

    async fn tads(
        &self,
        caller: &Principal,
        question: &Question<'_, TadFilter>,
    ) -> Result<Page, SourceError> {
        let visibility = Visibility::of(caller, &*self.store).await?;
        let store = &self.store;
        Ok(store
            .tads(&visibility, question.filter, question.page)
            .await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::AccessRule,
        data::contract::{self, caller},
        identity::Role,
        import,
        store::{access::AccessRules as _, sql::SqlStore},
    };

    #[tokio::test]
    async fn stored_data_keeps_the_contract() {
        let store = SqlStore::open("sqlite::memory:").await.unwrap();
        import::sample_data(&store).await.unwrap();
        let caller = caller(Role::User);
        let allowed = store.allow(caller.recipient(), &[AccessRule::Everything]);
        allowed.await.unwrap();
        contract::run(&StoredData::new(Arc::new(store))).await;
    }
}
