use super::{RuleId, Severity, cursor::Cursor, finding::Findings};

/// Deeper values cannot come from the JSON parser.
const MAX_DEPTH: usize = 128;

/// Reports every null in a footprint. The data of extensions is for its own schema to judge.
pub(super) fn p12_in_footprint(footprint: &Cursor<'_>, findings: &mut Findings) {
    for member in footprint.members() {
        if member.pointer() == "/extensions" && member.value().is_array() {
            for extension in member.elements() {
                p12_in_extension(&extension, findings);
            }
        } else {
            walk(&member, Severity::Error, 0, findings);
        }
    }
}

/// Reports every null in an iLEAP object, whose published schemas tolerate nulls.
pub(super) fn p12_in_ileap(object: &Cursor<'_>, findings: &mut Findings) {
    walk(object, Severity::Warning, 0, findings);
}

fn p12_in_extension(extension: &Cursor<'_>, findings: &mut Findings) {
    let data = extension.pointer_to("data");
    for member in extension
        .members()
        .filter(|member| member.pointer() != data)
    {
        walk(&member, Severity::Error, 0, findings);
    }
}

fn walk(value: &Cursor<'_>, severity: Severity, depth: usize, findings: &mut Findings) {
    if value.value().is_null() {
        let message = "null is not a value: remove the member, or fill it if it is mandatory";
        findings.add(RuleId::P12, severity, value.pointer(), message.to_owned());
    }
    if depth < MAX_DEPTH {
        for inner in value.members().chain(value.elements()) {
            walk(&inner, severity, depth + 1, findings);
        }
    }
}
