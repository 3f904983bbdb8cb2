//! Wrong algorithms, keys and header parameters.

use ileap_server::token::{Algorithm, InvalidReason as Why};
use serde_json::{Value, json};

use super::{
    super::forge::{Forge, attach, hmac_signature, signing_input},
    List, TYP, Verdict, claims, with, without,
};

impl List<'_> {
    pub(super) fn algorithms(&mut self) {
        let payload = claims().to_string();
        for alg in ["none", "None", "nOnE", "NONE", ""] {
            let header = with(self.header(Algorithm::Rs256), "alg", json!(alg)).to_string();
            let input = signing_input(header.as_bytes(), payload.as_bytes());
            self.invalid(
                format!("alg {alg:?}, no signature"),
                format!("{input}."),
                Why::Algorithm,
            );
            let signature = self.forge.signature(Algorithm::Rs256, &input);
            self.invalid(
                format!("alg {alg:?}, signed"),
                attach(&input, &signature),
                Why::Algorithm,
            );
        }
        for (form, key) in self.forge.public_rsa_forms() {
            let header = with(self.header(Algorithm::Rs256), "alg", json!("HS256")).to_string();
            let input = signing_input(header.as_bytes(), payload.as_bytes());
            let token = attach(&input, &hmac_signature(&key, &input));
            self.invalid(format!("HS256 keyed with {form}"), token, Why::Algorithm);
        }
        for named in Algorithm::ALL {
            for held in Algorithm::ALL.into_iter().filter(|held| *held != named) {
                let header = with(self.header(held), "alg", json!(named.as_str()));
                for signer in [named, held] {
                    let token = self.sign(signer, &header, &claims());
                    let name = format!("alg {named} with the kid of {held}, signed by {signer}");
                    self.invalid(name, token, Why::Algorithm);
                }
            }
        }
        for alg in [
            json!("rs256"),
            json!("RS512"),
            json!("PS256"),
            json!(256),
            json!(["RS256"]),
            Value::Null,
        ] {
            let header = with(self.header(Algorithm::Rs256), "alg", alg.clone()).to_string();
            let input = signing_input(header.as_bytes(), payload.as_bytes());
            let signature = self.forge.pss_signature(&input);
            self.invalid(
                format!("alg {alg}, signed as PS256"),
                attach(&input, &signature),
                Why::Algorithm,
            );
        }
        let header = without(self.header(Algorithm::Rs256), "alg");
        let token = self.sign(Algorithm::Rs256, &header, &claims());
        self.invalid("no alg".to_owned(), token, Why::Algorithm);
    }

    pub(super) fn keys(&mut self) {
        let stranger = Forge::new();
        for algorithm in Algorithm::ALL {
            let header = self.header(algorithm);
            let (header, payload) = (header.to_string(), claims().to_string());
            let token = stranger.sign(algorithm, header.as_bytes(), payload.as_bytes());
            self.invalid(
                format!("our kid, a stranger's {algorithm} key"),
                token,
                Why::Signature,
            );
            let foreign =
                json!({"alg": algorithm.as_str(), "typ": TYP, "kid": stranger.kid(algorithm)});
            let token = stranger.sign(
                algorithm,
                foreign.to_string().as_bytes(),
                payload.as_bytes(),
            );
            self.invalid(
                format!("a stranger's {algorithm} key and kid"),
                token,
                Why::UnknownKey,
            );
        }
        let long = "k".repeat(200);
        for kid in [
            json!(""),
            json!(1),
            json!(["a"]),
            json!("../../../../dev/null"),
            json!("' OR '1'='1"),
            json!(long),
        ] {
            let token = self.good_with("kid", kid.clone());
            let shown: String = kid.to_string().chars().take(24).collect();
            self.invalid(format!("kid {shown}"), token, Why::UnknownKey);
        }
        let header = without(self.header(Algorithm::Rs256), "kid");
        let token = self.sign(Algorithm::Rs256, &header, &claims());
        self.invalid("no kid".to_owned(), token, Why::UnknownKey);
    }

    pub(super) fn headers(&mut self) {
        let stranger = Forge::new();
        let stranger_keys: Value = serde_json::from_slice(stranger.jwks()).unwrap();
        for (name, detail, value) in [
            ("crit", "with a name", json!(["exp"])),
            ("crit", "without a name", json!([])),
            ("b64", "off", json!(false)),
            ("b64", "on", json!(true)),
            ("zip", "", json!("DEF")),
            ("jku", "", json!("https://attacker.example/jwks")),
            ("jwk", "", stranger_keys["keys"][0].clone()),
            ("x5u", "", json!("https://attacker.example/cert")),
            ("x5c", "", json!(["MIIB"])),
        ] {
            let token = self.good_with(name, value);
            self.invalid(
                format!("header {name} {detail}").trim_end().to_owned(),
                token,
                Why::Header,
            );
        }
        let header = with(
            self.header(Algorithm::Rs256),
            "jwk",
            stranger_keys["keys"][0].clone(),
        );
        let (header, payload) = (header.to_string(), claims().to_string());
        let token = stranger.sign(Algorithm::Rs256, header.as_bytes(), payload.as_bytes());
        self.invalid(
            "signed with the key it brings".to_owned(),
            token,
            Why::Header,
        );
        for typ in [
            json!("JWT"),
            json!("logout+jwt"),
            json!("id+jwt"),
            json!(""),
            json!(1),
            Value::Null,
        ] {
            let token = self.good_with("typ", typ.clone());
            self.invalid(format!("typ {typ}"), token, Why::Type);
        }
        let untyped = without(self.header(Algorithm::Rs256), "typ");
        let token = self.sign(Algorithm::Rs256, &untyped, &claims());
        self.invalid("no typ".to_owned(), token, Why::Type);
        let token = self.good_with("typ", json!("application/at+jwt"));
        self.add("good: typ in full".to_owned(), token, Verdict::Valid);
        let kid = self.forge.kid(Algorithm::Rs256);
        for (name, header) in [
            (
                "alg twice",
                format!(r#"{{"alg":"none","alg":"RS256","kid":"{kid}","typ":"at+jwt"}}"#),
            ),
            (
                "kid twice",
                format!(r#"{{"alg":"RS256","kid":"x","kid":"{kid}","typ":"at+jwt"}}"#),
            ),
            ("header is a list", "[]".to_owned()),
            ("header is empty", String::new()),
            (
                "header with a tail",
                format!(r#"{{"alg":"RS256","kid":"{kid}","typ":"at+jwt"}}x"#),
            ),
        ] {
            let payload = claims().to_string();
            let token = self
                .forge
                .sign(Algorithm::Rs256, header.as_bytes(), payload.as_bytes());
            self.invalid(name.to_owned(), token, Why::Header);
        }
    }
}
