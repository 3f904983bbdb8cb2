//! The opaque, signed text by which a client asks for the next page.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::failure::Cause;
use crate::store::{CursorKey, Position};

/// Bytes of the signature kept: 128 bits.
const TAG_LEN: usize = 16;
/// Longest cursor accepted, in characters: one may carry the query of another service's link, of 2048 bytes, with its
/// place in that page. With the parameters that a link repeats (`query::MAX_KEPT_BYTES`) it fits into a target.
pub(crate) const CURSOR_LIMIT: usize = 2816;

/// Writes `position` for the list called `list`; it opens that list alone.
pub(crate) fn seal(key: &CursorKey, list: &str, position: &Position) -> String {
    let mut bytes = tag(key, list, position.0.as_bytes()).to_vec();
    bytes.extend_from_slice(position.0.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a cursor back; anything not written by [`seal`] for the same list is refused.
pub(crate) fn open(key: &CursorKey, list: &str, cursor: &str) -> Result<Position, Cause> {
    if cursor.len() > CURSOR_LIMIT {
        return Err(Cause::CursorInvalid);
    }
    let bytes = URL_SAFE_NO_PAD
        .decode(cursor)
        .map_err(|_| Cause::CursorInvalid)?;
    let (found, position) = bytes
        .split_at_checked(TAG_LEN)
        .ok_or(Cause::CursorInvalid)?;
    let wanted = tag(key, list, position);
    if !bool::from(subtle::ConstantTimeEq::ct_eq(found, &wanted[..])) {
        return Err(Cause::CursorInvalid);
    }
    let position = std::str::from_utf8(position).map_err(|_| Cause::CursorInvalid)?;
    Ok(Position(position.to_owned()))
}

fn tag(key: &CursorKey, list: &str, position: &[u8]) -> [u8; TAG_LEN] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key.0);
    let mut context = hmac::Context::with_key(&key);
    context.update(list.as_bytes());
    context.update(&[0]);
    context.update(position);
    let mut tag = [0; TAG_LEN];
    for (to, from) in tag.iter_mut().zip(context.sign().as_ref()) {
        *to = *from;
    }
    tag
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: CursorKey = CursorKey([7; 32]);

    proptest! {
        #[test]
        fn a_cursor_opens_the_list_it_was_made_for(position in ".{0,80}") {
            let position = Position(position);
            let cursor = seal(&KEY, "footprints", &position);
            prop_assert_eq!(open(&KEY, "footprints", &cursor).unwrap(), position);
            prop_assert!(open(&KEY, "tad", &cursor).is_err());
            prop_assert!(open(&CursorKey([8; 32]), "footprints", &cursor).is_err());
        }

        #[test]
        fn arbitrary_text_is_refused(cursor in ".{0,120}") {
            prop_assert!(open(&KEY, "footprints", &cursor).is_err());
        }
    }

    #[test]
    fn an_altered_cursor_is_refused() {
        let cursor = seal(&KEY, "tad", &Position("activity-17".to_owned()));
        for index in 0..cursor.len() {
            let mut altered = cursor.clone().into_bytes();
            altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(open(&KEY, "tad", &altered).is_err(), "character {index}");
        }
    }
}
