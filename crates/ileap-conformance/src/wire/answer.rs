//! A whole answer, and the questions that cases put to it.

use http::HeaderMap;
use serde_json::Value;

use super::link;
use crate::outcome::{Exchange, Stop};

/// How much of what a host says about itself stands in a reason.
const MOST_CHARS: usize = 160;

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) exchange: Exchange,
}

impl Answer {
    pub(crate) fn fails(&self, reason: impl Into<String>) -> Stop {
        Stop::fail(reason).of(&self.exchange)
    }

    pub(crate) fn warns(&self, reason: impl Into<String>) -> Stop {
        Stop::warn(reason).of(&self.exchange)
    }

    /// The value of a header; several lines are one list (RFC 9110 §5.3).
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let lines = self.headers.get_all(name).iter();
        let lines: Vec<_> = lines.filter_map(|line| line.to_str().ok()).collect();
        (!lines.is_empty()).then(|| lines.join(", "))
    }

    /// The content type without its parameters, in small letters.
    pub(crate) fn media_type(&self) -> String {
        let given = self.header("content-type").unwrap_or_default();
        let kind = given.split(';').next().unwrap_or_default();
        kind.trim().to_ascii_lowercase()
    }

    /// Whether a scheme is among those that a refusal asks for.
    pub(crate) fn challenges(&self, scheme: &str) -> bool {
        let challenge = self.header("www-authenticate").unwrap_or_default();
        let mut words = challenge.split([',', ' ', '\t']);
        words.any(|word| word.eq_ignore_ascii_case(scheme))
    }

    /// In seconds. A date counts from the host's own (RFC 9110 §10.2.3).
    pub(crate) fn retry_after(&self) -> Option<u64> {
        let given = self.header("retry-after")?;
        if let Ok(seconds) = given.trim().parse() {
            return Some(seconds);
        }
        let date = |text: &str| jiff::fmt::rfc2822::parse(text.trim()).ok();
        let (until, now) = (date(&given)?, date(&self.header("date")?)?);
        let seconds = until.timestamp().as_second() - now.timestamp().as_second();
        Some(u64::try_from(seconds).unwrap_or(0))
    }

    pub(crate) fn expect(&self, allowed: &[u16]) -> Result<(), Stop> {
        if allowed.contains(&self.status) {
            return Ok(());
        }
        let wanted: Vec<_> = allowed.iter().map(ToString::to_string).collect();
        let reason = format!(
            "status {} where {} is due{}",
            self.status,
            wanted.join(" or "),
            self.own_words()
        );
        Err(self.fails(reason))
    }

    /// What the host says about its refusal, behind ours.
    fn own_words(&self) -> String {
        let words = ["error", "code", "error_description", "message"];
        let words: Vec<_> = words
            .into_iter()
            .filter_map(|name| self.said(name))
            .collect();
        if words.is_empty() {
            return String::new();
        }
        format!("; the host says {:?}", start(&words.join(": ")))
    }

    fn shown(&self, name: &str) -> String {
        self.said(name)
            .map_or("[not shown]".to_owned(), |said| start(&said))
    }

    /// A text in the body. Of the evidence, which holds no secret.
    fn said(&self, name: &str) -> Option<String> {
        let body: Value = serde_json::from_str(&self.exchange.body).ok()?;
        let text = body[name].as_str().filter(|text| !text.is_empty());
        text.map(str::to_owned)
    }

    /// Refused by the host itself: any 4xx.
    pub(crate) fn expect_refusal(&self) -> Result<(), Stop> {
        if (400..500).contains(&self.status) {
            return Ok(());
        }
        Err(self.fails(format!(
            "status {} where a refusal (4xx) is due",
            self.status
        )))
    }

    pub(crate) fn json(&self) -> Result<Value, Stop> {
        let text = str::from_utf8(&self.body)
            .map_err(|_| self.fails("the body is not UTF-8 (RFC 8259 §8.1)"))?;
        serde_json::from_str(text).map_err(|error| {
            if text.trim_start().starts_with('<') {
                return self
                    .fails("the body is a page for browsers, no JSON: is the base URL right?");
            }
            let place = format!("line {}, column {}", error.line(), error.column());
            self.fails(format!("the body is no JSON: {place}"))
        })
    }

    /// The body where it is JSON, else null.
    pub(crate) fn json_or_null(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The records of `{"data": [...]}`.
    pub(crate) fn list(&self) -> Result<Vec<Value>, Stop> {
        match self.json()?.get_mut("data").map(Value::take) {
            Some(Value::Array(records)) => Ok(records),
            Some(_) => Err(self.fails("`data` is no array")),
            None => Err(self.fails("the body has no `data`")),
        }
    }

    /// The object of `{"data": {...}}`.
    pub(crate) fn object(&self) -> Result<Value, Stop> {
        match self.json()?.get_mut("data").map(Value::take) {
            Some(object @ Value::Object(_)) => Ok(object),
            Some(_) => Err(self.fails("`data` is no object")),
            None => Err(self.fails("the body has no `data`")),
        }
    }

    /// One of these words as `code`.
    pub(crate) fn expect_code(&self, allowed: &[&str]) -> Result<(), Stop> {
        let body = self.json()?;
        match body["code"].as_str() {
            Some(code) if allowed.contains(&code) => Ok(()),
            Some(_) => Err(self.fails(format!(
                "code {} where {} is due",
                self.shown("code"),
                allowed.join(" or ")
            ))),
            None => Err(self.fails(format!("no `code`; {} is due", allowed.join(" or ")))),
        }
    }

    /// One of these words as OAuth's `error`.
    pub(crate) fn expect_error(&self, allowed: &[&str]) -> Result<(), Stop> {
        let body = self.json()?;
        match body["error"].as_str() {
            Some(code) if allowed.contains(&code) => Ok(()),
            Some(_) => Err(self.fails(format!(
                "error {} where {} is due",
                self.shown("error"),
                allowed.join(" or ")
            ))),
            None => Err(self.fails(format!("no `error`; {} is due", allowed.join(" or ")))),
        }
    }

    /// All links of the header with `rel="next"`, and how many links there are.
    pub(crate) fn next_links(&self) -> (Vec<String>, usize) {
        let links = link::links(&self.header("link").unwrap_or_default());
        let all = links.len();
        let next = links.into_iter().filter(link::Link::is_next);
        (next.map(|link| link.target).collect(), all)
    }

    pub(crate) fn next_link(&self) -> Option<String> {
        self.next_links().0.into_iter().next()
    }
}

fn start(text: &str) -> String {
    text.chars().take(MOST_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(lines: &[(&'static str, &'static str)]) -> Answer {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, http::HeaderValue::from_static(value));
        }
        Answer {
            status: 200,
            headers,
            body: Vec::new(),
            exchange: Exchange::default(),
        }
    }

    #[test]
    fn lines_of_one_header_are_one_list() {
        let answer = answer(&[("cache-control", "private"), ("cache-control", "no-store")]);
        assert_eq!(answer.header("cache-control").unwrap(), "private, no-store");
        assert_eq!(answer.header("link"), None);
    }

    #[test]
    fn media_types_are_read_in_any_case_and_without_parameters() {
        let answer = answer(&[("content-type", "Application/JSON ; charset=utf-8")]);
        assert_eq!(answer.media_type(), "application/json");
    }

    #[test]
    fn a_reason_holds_only_the_start_of_what_a_host_says() {
        let mut answer = answer(&[]);
        let words = "x".repeat(5000);
        answer.body = format!(r#"{{"code":"{words}","error":"{words}"}}"#).into_bytes();
        for judged in [answer.expect_code(&["a"]), answer.expect_error(&["a"])] {
            assert!(judged.unwrap_err().reason.len() < 300);
        }
    }

    #[test]
    fn a_wait_is_a_number_of_seconds_or_a_date() {
        let date = ("date", "Thu, 26 Nov 2026 15:00:00 GMT");
        let until = |value| answer(&[date, ("retry-after", value)]).retry_after();
        assert_eq!(until("7"), Some(7));
        assert_eq!(until("Thu, 26 Nov 2026 15:00:09 GMT"), Some(9));
        assert_eq!(until("Thu, 26 Nov 2026 14:00:00 GMT"), Some(0));
        assert_eq!(until("soon"), None);
        assert_eq!(
            answer(&[("retry-after", "Thu, 26 Nov 2026 15:00:09 GMT")]).retry_after(),
            None
        );
    }
}
