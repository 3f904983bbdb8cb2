//! Pages of lists: the `limit` parameter and the `Link` header.

use std::fmt::Write as _;

/// How many items a page may have; at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Limit(u32);

impl Limit {
    /// Reads the `limit` parameter (PACT v2.3 "Pagination": a positive integer).
    ///
    /// An absent one is `default`; one above `max` is capped to it, because the host chooses its
    /// page size.
    pub fn parse(text: Option<&str>, default: u32, max: u32) -> Result<Self, LimitError> {
        let max = max.max(1);
        let Some(text) = text else {
            return Ok(Self(default.clamp(1, max)));
        };
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(LimitError);
        }
        let digits = text.trim_start_matches('0');
        if digits.is_empty() {
            return Err(LimitError);
        }
        // Only too many digits can fail here, and those are above every maximum.
        Ok(Self(digits.parse().unwrap_or(u32::MAX).min(max)))
    }

    /// The number of items.
    pub fn get(self) -> u32 {
        self.0
    }
}

/// The `limit` parameter is no positive integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the parameter limit must be a positive integer in decimal digits")]
pub struct LimitError;

/// The value of a `Link` header that leads to the next page (RFC 8288 §3).
///
/// The relation is quoted and alone, as the official PACT suite reads only the first link. Bytes
/// that may not stand between the angle brackets are percent-encoded.
pub fn next_link(url: &str) -> String {
    let mut link = String::with_capacity(url.len() + 16);
    link.push('<');
    for byte in url.bytes() {
        if stands_in_links(byte) {
            link.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(link, "%{byte:02X}");
        }
    }
    link.push_str(">; rel=\"next\"");
    link
}

/// Whether a byte may stand between the angle brackets as it is; any other becomes three.
fn stands_in_links(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"')
}

/// How long a text is in a link.
pub(crate) fn length_in_links(text: &str) -> usize {
    let lengths = text
        .bytes()
        .map(|byte| if stands_in_links(byte) { 1 } else { 3 });
    lengths.sum()
}

/// The target of the first link with the relation `next` in a `Link` header (RFC 8288 §3).
///
/// Reads several links, parameters in any order, quoted or bare values, and names in any case.
/// Nothing after a malformed link is read.
pub fn parse_next_link(header: &str) -> Option<&str> {
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (target, after) = rest.strip_prefix('<')?.split_once('>')?;
        let (is_next, after) = read_parameters(after)?;
        if is_next {
            return Some(target);
        }
        rest = after;
    }
}

/// Whether the parameters of one link say `rel=next`, and what follows them.
fn read_parameters(mut rest: &str) -> Option<(bool, &str)> {
    let mut relation = None;
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        let Some(parameter) = rest.strip_prefix(';') else {
            break;
        };
        let (name, after) = split_token(parameter.trim_start_matches([' ', '\t']));
        let after = after.trim_start_matches([' ', '\t']);
        let (value, after) = match after.strip_prefix('=') {
            Some(value) => read_value(value.trim_start_matches([' ', '\t']))?,
            None => ("", after),
        };
        // A second rel is ignored: RFC 8288 §3.3.
        if name.eq_ignore_ascii_case("rel") && relation.is_none() {
            relation = Some(value);
        }
        rest = after;
    }
    if !rest.is_empty() && !rest.starts_with(',') {
        return None;
    }
    let mut relations = relation.unwrap_or_default().split_ascii_whitespace();
    Some((
        relations.any(|relation| relation.eq_ignore_ascii_case("next")),
        rest,
    ))
}

/// A quoted or bare parameter value. Backslash escapes are not undone: no registered relation needs one.
fn read_value(text: &str) -> Option<(&str, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        return Some(split_token(text));
    };
    let mut is_escaped = false;
    for (index, character) in quoted.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => {
                let (value, after) = quoted.split_at(index);
                return Some((value, after.strip_prefix('"')?));
            }
            _ => {}
        }
    }
    None
}

fn split_token(text: &str) -> (&str, &str) {
    let end = text.find([' ', '\t', ';', ',', '=']).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_absent_limit_is_the_default_within_the_maximum() {
        assert_eq!(Limit::parse(None, 100, 1000).unwrap().get(), 100);
        assert_eq!(Limit::parse(None, 100, 10).unwrap().get(), 10);
    }

    #[test]
    fn a_limit_above_the_maximum_is_capped() {
        for (text, limit) in [("1", 1), ("1000", 1000), ("1001", 1000), ("007", 7)] {
            assert_eq!(Limit::parse(Some(text), 100, 1000).unwrap().get(), limit);
        }
        let beyond_u64 = "9".repeat(40);
        assert_eq!(
            Limit::parse(Some(&beyond_u64), 100, 1000).unwrap().get(),
            1000
        );
    }

    #[test]
    fn a_limit_that_is_no_positive_integer_is_refused() {
        for text in [
            "", "0", "000", "-1", "+5", " 5", "5 ", "5.0", "1e3", "٣", "abc",
        ] {
            assert_eq!(
                Limit::parse(Some(text), 100, 1000),
                Err(LimitError),
                "{text:?}"
            );
        }
    }

    #[test]
    fn the_next_link_is_quoted_and_alone() {
        assert_eq!(
            next_link("https://h/2/footprints?limit=1"),
            "<https://h/2/footprints?limit=1>; rel=\"next\""
        );
    }

    #[test]
    fn a_link_target_cannot_break_out_of_its_brackets() {
        assert_eq!(
            next_link("https://h/?a=>\r\nX: \"é"),
            "<https://h/?a=%3E%0D%0AX:%20%22%C3%A9>; rel=\"next\""
        );
    }

    #[test]
    fn the_next_link_is_found_in_every_spelling() {
        for header in [
            "<u>; rel=\"next\"",
            "<u>; rel=next",
            "<u>;rel=next;title=x",
            "<u> ; title=\"a, b; rel=prev \\\" <x>\" ; REL = \"prev NEXT\"",
            "<p>; rel=\"prev\", <u>; rel=\"next\"",
            "<p>; rel=prev,<u>; rel=next, <v>; rel=next",
            ", <u>; anchor; rel=next",
        ] {
            assert_eq!(parse_next_link(header), Some("u"), "{header}");
        }
    }

    #[test]
    fn other_headers_have_no_next_link() {
        for header in [
            "",
            "u; rel=next",
            "<u",
            "<u>",
            "<u>; rel=prev",
            "<u>; rel=nextish",
            "<u>; rel=prev; rel=next",
            "<u>; title=\"rel=next",
            "<u>; title=\"; rel=next\"",
            "<u> rel=next",
        ] {
            assert_eq!(parse_next_link(header), None, "{header}");
        }
    }

    proptest! {
        #[test]
        fn a_printed_link_is_read_back(url in "https://[a-z]{1,8}/[!-;=?-~&&[^\"]]{0,40}") {
            let header = next_link(&url);
            prop_assert_eq!(parse_next_link(&header), Some(url.as_str()));
        }

        #[test]
        fn a_printed_link_is_found_among_others(url in "[a-z:/?&=]{1,20}", title in "[^\"\\\\]{0,10}") {
            let header = format!("<x>; title=\"{title}\"; rel=prev, {}", next_link(&url));
            prop_assert_eq!(parse_next_link(&header), Some(url.as_str()));
        }

        #[test]
        fn any_header_is_parsed_or_refused(header in "[<>;,=\" a-z\\\\]{0,60}|.{0,60}") {
            let _ = parse_next_link(&header);
        }

        #[test]
        fn any_limit_is_within_bounds_or_refused(text in ".{0,12}", max in 1..5000_u32) {
            if let Ok(limit) = Limit::parse(Some(&text), 100, max) {
                prop_assert!((1..=max).contains(&limit.get()));
            }
        }
    }
}
