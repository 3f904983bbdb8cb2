//! The Link header (RFC 8288 §3), read as it may be written.

/// A link.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Link {
    pub(crate) target: String,
    /// Its relation types, separated by spaces.
    rel: String,
}

impl Link {
    pub(crate) fn is_next(&self) -> bool {
        let mut types = self.rel.split_ascii_whitespace();
        types.any(|kind| kind.eq_ignore_ascii_case("next"))
    }
}

/// All links of a header. What is no link is passed over, up to the next comma.
pub(crate) fn links(header: &str) -> Vec<Link> {
    let mut links = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return links;
        }
        let bracketed = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
        if let Some((target, parameters)) = bracketed {
            let (rel, after) = rel(parameters);
            links.push(Link {
                target: target.trim().to_owned(),
                rel,
            });
            rest = after;
        }
        rest = rest.split_once(',').map_or("", |(_, rest)| rest);
    }
}

/// The first `rel` of a link's parameters, and what follows them.
fn rel(parameters: &str) -> (String, &str) {
    let mut found = None;
    let mut rest = parameters.trim_start();
    while let Some(after) = rest.strip_prefix(';') {
        let end = after.find(['=', ';', ',']).unwrap_or(after.len());
        let (name, after) = after.split_at(end);
        rest = after;
        let Some(after) = after.strip_prefix('=') else {
            continue;
        };
        let (value, after) = value(after.trim_start());
        rest = after.trim_start();
        if name.trim().eq_ignore_ascii_case("rel") {
            found.get_or_insert(value);
        }
    }
    (found.unwrap_or_default(), rest)
}

/// A token or a quoted string, and what follows it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',']).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return (value.trim().to_owned(), rest);
    };
    let mut value = String::new();
    let mut chars = quoted.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => break,
            '\\' => value.extend(chars.next()),
            char => value.push(char),
        }
    }
    (value, chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_however_they_are_written() {
        let next = ["https://h/n?a=1,2;b=<"];
        let table: &[(&str, &[&str])] = &[
            ("<https://h/n>; rel=\"next\"", &["https://h/n"]),
            ("<https://h/n>;rel=next", &["https://h/n"]),
            ("<https://h/n> ; Rel = \"next\"", &["https://h/n"]),
            ("<https://h/n>; REL=\"prev Next\"", &["https://h/n"]),
            ("<https://h/n?a=1,2;b=<>; rel=\"next\"", &next),
            (
                "<https://h/n>; title=\"a, <b>; rel=prev \\\" c\"; rel=\"next\"",
                &["https://h/n"],
            ),
            (
                "<https://h/p>; rel=\"prev\", <https://h/n>; rel=\"next\"",
                &["https://h/n"],
            ),
            ("nonsense, <https://h/n>; rel=\"next\"", &["https://h/n"]),
            ("<https://h/n>; anchor; rel=\"next\"", &["https://h/n"]),
            ("<https://h/p>; rel=\"prev\"; rel=\"next\"", &[]),
            ("<https://h/p>; rel=\"nextish\"", &[]),
            ("<https://h/p>; xrel=\"next\"", &[]),
            ("<https://h/p>; title=\"rel=next\"", &[]),
            ("<https://h/n", &[]),
            ("", &[]),
        ];
        for &(header, wanted) in table {
            let found = links(header).into_iter().filter(Link::is_next);
            let found: Vec<_> = found.map(|link| link.target).collect();
            assert_eq!(found, wanted, "{header}");
        }
    }
}
