//! What the contract names and this version does not have. Each entry goes when its feature comes.

use super::reader::Reader;

/// Values that would promise what is not done, and what to write instead.
const NOT_YET: [(&str, &str, &str); 1] = [("keys.location", "store", "write \"directory\"")];

/// Refuses what would otherwise be promised and not done.
pub(super) fn judge(reader: &mut Reader) {
    for (path, begin, remedy) in NOT_YET {
        if reader
            .text(path)
            .is_some_and(|text| text.starts_with(begin))
        {
            reader.violate_key(path, "it is not available in this version", remedy);
        }
    }
}
