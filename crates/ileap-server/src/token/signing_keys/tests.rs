use super::*;

#[test]
fn keys_do_not_print() {
    let keys = SigningKeys::ephemeral(Algorithm::EdDsa).unwrap();
    let printed = format!("{keys:?}");
    let expected = format!(
        "keys: [SigningKey {{ kid: \"{}\", algorithm: EdDsa, .. }}]",
        keys.now().signing_kid().unwrap()
    );
    assert!(printed.contains(&expected), "{printed}");
    assert!(
        !printed.to_ascii_lowercase().contains("private"),
        "{printed}"
    );
}

#[test]
fn two_ephemeral_keys_are_different_keys() {
    for algorithm in Algorithm::ALL {
        let first = SigningKeys::ephemeral(algorithm)
            .unwrap()
            .now()
            .signer()
            .cloned()
            .unwrap();
        let second = SigningKeys::ephemeral(algorithm)
            .unwrap()
            .now()
            .signer()
            .cloned()
            .unwrap();
        assert_ne!(first.kid(), second.kid());
        let signature = first.sign(b"message").unwrap();
        assert!(first.has_signed(b"message", &signature));
        assert!(!second.has_signed(b"message", &signature));
    }
}

#[test]
fn of_fixed_keys_the_first_signs_and_all_verify() {
    let keys = Algorithm::ALL.map(|algorithm| SigningKey::generate_pkcs8(algorithm).unwrap());
    let keys: Vec<&[u8]> = keys.iter().map(|key| key.as_slice()).collect();
    let keys = SigningKeys::fixed(&keys).unwrap();
    let set = keys.now();
    assert_eq!(set.algorithms(), Algorithm::ALL);
    assert_eq!(set.signer().unwrap().algorithm(), Algorithm::Rs256);
    assert!(set.kids().all(|kid| set.find(kid).is_some()));
    assert!(SigningKeys::fixed(&[]).is_err());
    assert!(SigningKeys::fixed(&[b"nothing"]).is_err());
}
