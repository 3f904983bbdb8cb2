//! Users that do not exist.

use aws_lc_rs::rand;

/// The random part of Clerk's ids, in characters.
const ID_LENGTH: usize = 27;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// An id of the form of Clerk's, drawn at random.
pub(crate) fn invented_id() -> Option<String> {
    let mut random = [0_u8; ID_LENGTH];
    rand::fill(&mut random).ok()?;
    let letter = |byte: u8| BASE62.get(usize::from(byte) % BASE62.len()).copied();
    let letters = random.into_iter().filter_map(letter).map(char::from);
    Some(format!("user_{}", letters.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invented_id_looks_like_one_of_clerks() {
        let id = invented_id().unwrap();
        let letters = id.strip_prefix("user_").unwrap();
        assert_eq!(letters.len(), 27);
        assert!(letters.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(id, invented_id().unwrap());
    }
}
