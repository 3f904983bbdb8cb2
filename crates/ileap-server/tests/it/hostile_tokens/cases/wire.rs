//! Signatures and encodings that are almost right.

use ileap_server::token::{Algorithm, InvalidReason as Why};
use serde_json::json;

use super::{
    super::forge::{attach, signing_input},
    List, claims, with,
};

impl List<'_> {
    pub(super) fn signatures(&mut self) {
        for algorithm in Algorithm::ALL {
            let header = self.header(algorithm).to_string();
            let input = signing_input(header.as_bytes(), claims().to_string().as_bytes());
            let good = self.forge.signature(algorithm, &input);
            let other_claims = with(claims(), "roles", json!(["all"])).to_string();
            let other = signing_input(header.as_bytes(), other_claims.as_bytes());
            let zeros = vec![0; good.len()];
            for (name, input, signature) in [
                ("for other claims", &other, good.clone()),
                ("missing", &input, Vec::new()),
                ("all zero", &input, zeros),
                ("all ones", &input, vec![0xff; good.len()]),
                ("one byte short", &input, good[..good.len() - 1].to_vec()),
                ("one byte long", &input, [&good[..], &[0]].concat()),
                ("with a zero before it", &input, [&[0], &good[..]].concat()),
                ("twice", &input, [&good[..], &good[..]].concat()),
            ] {
                let token = attach(input, &signature);
                self.invalid(
                    format!("{algorithm} signature {name}"),
                    token,
                    Why::Signature,
                );
            }
        }
        let header = self.header(Algorithm::Es256).to_string();
        let input = signing_input(header.as_bytes(), claims().to_string().as_bytes());
        let token = attach(&input, &self.forge.asn1_signature(&input));
        self.invalid("ES256 signature as ASN.1".to_owned(), token, Why::Signature);
        let header = self.header(Algorithm::EdDsa).to_string();
        let input = signing_input(header.as_bytes(), claims().to_string().as_bytes());
        let signature = self.forge.signature(Algorithm::EdDsa, &input);
        let token = attach(&input, &with_group_order_added(&signature));
        self.invalid(
            "EdDSA signature with S not reduced".to_owned(),
            token,
            Why::Signature,
        );
    }

    pub(super) fn encodings(&mut self) {
        let header = self.header(Algorithm::EdDsa);
        let good = self.sign(Algorithm::EdDsa, &header, &claims());
        let parts: Vec<_> = good.split('.').collect();
        for (index, part_name) in ["header", "claims", "signature"].into_iter().enumerate() {
            for (name, text) in [
                ("padded", format!("{}=", parts[index])),
                ("padded twice", format!("{}==", parts[index])),
                ("with a space", format!(" {}", parts[index])),
                ("with a line break", format!("{}\n", parts[index])),
                ("with a plus", format!("+{}", &parts[index][1..])),
                ("with a slash", format!("/{}", &parts[index][1..])),
                ("percent-encoded", format!("%65{}", &parts[index][1..])),
            ] {
                let mut changed = parts.clone();
                changed[index] = &text;
                let token = changed.join(".");
                self.invalid(format!("{part_name} {name}"), token, Why::Malformed);
            }
        }
        // 64 bytes leave four bits of the last character unused; the encoder sets them to zero.
        let last = good.chars().last().unwrap();
        let stray = char::from(u8::try_from(u32::from(last) + 1).unwrap());
        let token = format!("{}{stray}", &good[..good.len() - 1]);
        self.invalid(
            "stray bits after the signature".to_owned(),
            token,
            Why::Malformed,
        );
        for (name, token) in [
            ("nothing", String::new()),
            ("two parts", format!("{}.{}", parts[0], parts[1])),
            ("four parts", format!("{good}.AAAA")),
            ("five parts, as if encrypted", format!("{good}.AAAA.AAAA")),
            ("a word before it", format!("Bearer {good}")),
            ("a zero byte after it", format!("{good}\0")),
            ("not ASCII", format!("{}é", &good[..good.len() - 1])),
        ] {
            self.invalid(format!("form: {name}"), token, Why::Malformed);
        }
        for (name, token) in [
            ("two dots", "..".to_owned()),
            ("a dot before it", format!(".{good}")),
        ] {
            self.invalid(format!("form: {name}"), token, Why::Header);
        }
        let flattened = json!({"protected": parts[0], "payload": parts[1], "signature": parts[2]});
        self.invalid(
            "form: as JSON".to_owned(),
            flattened.to_string(),
            Why::Malformed,
        );
    }
}

/// The second half of an Ed25519 signature plus the order of the group (RFC 8032 §5.1): the same point to whoever
/// does not check the range.
fn with_group_order_added(signature: &[u8]) -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut sum = signature.to_vec();
    let mut carry = 0;
    for (byte, order) in sum[32..].iter_mut().zip(ORDER) {
        let total = u16::from(*byte) + u16::from(order) + carry;
        *byte = u8::try_from(total & 0xff).unwrap();
        carry = total >> 8;
    }
    sum
}
