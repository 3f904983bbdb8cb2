use url::Url;

use super::shape::Format;
use crate::{datetime::DateTime, pact::v2::PfId};

pub(super) const ANY: Format = Format {
    expected: "a string",
    holds: |_| true,
};
pub(super) const FILLED: Format = Format {
    expected: "a non-empty string",
    holds: |text| !text.is_empty(),
};
pub(super) const UUID: Format = Format {
    expected: "a UUID",
    holds: |text| text.parse::<PfId>().is_ok(),
};
pub(super) const URN: Format = Format {
    expected: "a URN",
    holds: is_urn,
};
pub(super) const URI: Format = Format {
    expected: "an absolute URI",
    holds: |text| Url::parse(text).is_ok(),
};
pub(super) const SPEC_VERSION: Format = Format {
    expected: "a version such as `2.3.0`",
    holds: is_spec_version,
};
pub(super) const COUNTRY: Format = Format {
    expected: "an ISO 3166-1 code of two capital letters",
    holds: is_country,
};
pub(super) const SUBDIVISION: Format = Format {
    expected: "an ISO 3166-2 code such as `FR-89`",
    holds: is_subdivision,
};
pub(super) const ASSESSMENT_REPORT: Format = Format {
    expected: "an IPCC assessment report such as `AR6`",
    holds: is_assessment_report,
};
pub(super) const DATE_TIME: Format = Format {
    expected: "an RFC 3339 date-time",
    holds: |text| text.parse::<DateTime>().is_ok(),
};
pub(super) const UTC_DATE_TIME: Format = Format {
    expected: "an RFC 3339 date-time in UTC such as `2024-10-07T05:30:00Z`",
    holds: is_utc,
};

/// Whether a text is a date-time with the offset of UTC.
pub(super) fn is_utc(text: &str) -> bool {
    text.parse().is_ok_and(|moment: DateTime| moment.is_utc())
}

/// Whether a text is two capital letters.
pub(super) fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_urn(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("urn"))
}

fn is_spec_version(text: &str) -> bool {
    let (version, date) = text.split_once('-').unwrap_or((text, "00000000"));
    version.split('.').count() == 3
        && version.split('.').all(is_digits)
        && date.len() == 8
        && is_digits(date)
}

fn is_subdivision(text: &str) -> bool {
    text.split_once('-').is_some_and(|(country, part)| {
        is_country(country)
            && (1..=3).contains(&part.len())
            && part
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    })
}

fn is_assessment_report(text: &str) -> bool {
    text.strip_prefix("AR").is_some_and(is_digits)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
