//! A whole answer, and the questions that cases put to it.

use http::HeaderMap;
use serde_json::Value;

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

    /// The first value of a header, where it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.header("retry-after")?.trim().parse().ok()
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

    /// What the host says about its refusal, behind ours. Of the evidence, which holds no secret.
    fn own_words(&self) -> String {
        let body: Value = serde_json::from_str(&self.exchange.body).unwrap_or_default();
        let words = ["error", "code", "error_description", "message"]
            .map(|name| body[name].as_str().unwrap_or_default());
        let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            return String::new();
        }
        let words: String = words.join(": ").chars().take(MOST_CHARS).collect();
        format!("; the host says {words:?}")
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
            Some(code) => {
                Err(self.fails(format!("code {code} where {} is due", allowed.join(" or "))))
            }
            None => Err(self.fails(format!("no `code`; {} is due", allowed.join(" or ")))),
        }
    }

    /// One of these words as OAuth's `error`.
    pub(crate) fn expect_error(&self, allowed: &[&str]) -> Result<(), Stop> {
        let body = self.json()?;
        match body["error"].as_str() {
            Some(code) if allowed.contains(&code) => Ok(()),
            Some(code) => Err(self.fails(format!(
                "error {code} where {} is due",
                allowed.join(" or ")
            ))),
            None => Err(self.fails(format!("no `error`; {} is due", allowed.join(" or ")))),
        }
    }

    /// All links of the header with `rel="next"`, and how many links there are.
    pub(crate) fn next_links(&self) -> (Vec<String>, usize) {
        let lines = self.headers.get_all("link").iter();
        let text: Vec<_> = lines.filter_map(|line| line.to_str().ok()).collect();
        let mut next = Vec::new();
        let mut all = 0;
        // A URL has no `<`: splitting there is safe, unlike splitting at commas.
        for link in text.join(", ").split('<').skip(1) {
            all += 1;
            let Some((target, parameters)) = link.split_once('>') else {
                continue;
            };
            let is_next = parameters.split([';', ',']).any(|parameter| {
                let parameter = parameter.trim();
                let value = parameter.strip_prefix("rel=").unwrap_or_default();
                value
                    .trim_matches('"')
                    .split(' ')
                    .any(|rel| rel.eq_ignore_ascii_case("next"))
            });
            if is_next {
                next.push(target.to_owned());
            }
        }
        (next, all)
    }

    pub(crate) fn next_link(&self) -> Option<String> {
        self.next_links().0.into_iter().next()
    }
}
