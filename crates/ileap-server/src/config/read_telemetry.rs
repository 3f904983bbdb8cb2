//! What the server says of itself: log, audit trail, traces.

use url::Url;

use super::{
    reader::Reader,
    sections::{Audit, Log, Traces},
    values,
};
use crate::{
    audit::{DataAccess, Target},
    telemetry::{self, LogFormat},
};

pub(super) fn log(reader: &mut Reader) -> Option<Log> {
    let format = reader.parsed("log.format", |text| match text {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    });
    let level = reader.parsed("log.level", |text| {
        values::is_log_filter(text).then(|| text.to_owned())
    });
    Some(Log {
        format: format?,
        level: level?,
    })
}

pub(super) fn audit(reader: &mut Reader) -> Option<Audit> {
    let data_access = reader.parsed("audit.data_access", |text| match text {
        "none" => Some(DataAccess::None),
        "refused" => Some(DataAccess::Refused),
        "all" => Some(DataAccess::All),
        _ => None,
    });
    let file = reader.text("audit.file");
    let target = reader.parsed("audit.target", |text| match text {
        "off" => Some(Target::Off),
        "stderr" => Some(Target::Stderr),
        "file" => file.clone().map(|file| Target::File(file.into())),
        _ => None,
    });
    if target == Some(Target::Off) && reader.is_set("audit.file") {
        reader.warn("audit.file has no effect without audit.target = \"file\"");
    }
    Some(Audit {
        data_access: data_access?,
        target: target?,
    })
}

pub(super) fn traces(reader: &mut Reader) -> Traces {
    const ENDPOINT: &str = "traces.endpoint";
    let endpoint = reader.parsed(ENDPOINT, |text| {
        let url: Url = text.parse().ok()?;
        (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
    });
    if endpoint.is_some() && !telemetry::Traces::ARE_BUILT_IN {
        reader.warn("traces.endpoint has no effect: this build is without the feature `otel`");
    }
    Traces { endpoint }
}
