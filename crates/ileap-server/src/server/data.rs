//! The data source a configuration asks for.

use std::sync::Arc;

use super::StartError;
use crate::{
    config::Config,
    data::{
        DataSource,
        stored::StoredData,
        upstream::{UpstreamData, UpstreamOptions},
    },
    outbound::OutboundOptions,
    store::Store,
    telemetry::Metrics,
};

/// The data source a configuration asks for.
pub(super) fn data_source(
    config: &Config,
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
) -> Result<Arc<dyn DataSource>, StartError> {
    let Some(upstream) = &config.data.upstream else {
        return Ok(Arc::new(StoredData::new(store)));
    };
    let options = UpstreamOptions {
        url: upstream.url.as_str().trim_end_matches('/').to_owned(),
        token: upstream.token.as_ref().map(|token| token.expose().into()),
        timeout: upstream.timeout,
    };
    let data = UpstreamData::new(options, &OutboundOptions::for_url(&upstream.url), metrics);
    let data = data.map_err(|error| StartError::Upstream(error.to_string()))?;
    Ok(Arc::new(data))
}
