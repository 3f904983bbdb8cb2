//! Claims that are missing, wrong, doubled, untimely or too many.

use ileap_server::token::{Algorithm, InvalidReason as Why};
use serde_json::{Value, json};

use super::{
    AUDIENCE, FUTURE, ISSUER, LONG_PAST, List, PAST, Verdict, claims, spliced, with, without,
};

impl List<'_> {
    pub(super) fn claims(&mut self) {
        for name in [
            "iss",
            "sub",
            "aud",
            "client_id",
            "roles",
            "scope",
            "iat",
            "exp",
            "jti",
        ] {
            let token = self.payload(&without(claims(), name).to_string());
            self.invalid(format!("no {name}"), token, Why::Claims);
        }
        for (name, value, why) in [
            ("iss", json!("https://ileap.example.com/"), Why::Issuer),
            ("iss", json!("https://ILEAP.example.com"), Why::Issuer),
            ("iss", json!("https://clerk.example.com"), Why::Issuer),
            ("iss", json!([ISSUER]), Why::Claims),
            ("iss", json!(1), Why::Claims),
            ("aud", json!("https://other.example"), Why::Audience),
            (
                "aud",
                json!("https://ileap.example.com.attacker.example"),
                Why::Audience,
            ),
            ("aud", json!([]), Why::Audience),
            ("aud", json!(["https://other.example"]), Why::Audience),
            ("aud", json!([AUDIENCE, 1]), Why::Claims),
            ("aud", json!({"0": AUDIENCE}), Why::Claims),
            ("aud", Value::Null, Why::Claims),
            ("sub", json!(""), Why::Claims),
            ("sub", json!(1), Why::Claims),
            ("client_id", json!("a\u{0}b"), Why::Claims),
            ("roles", json!("all"), Why::Claims),
            ("roles", json!(["admin"]), Why::Claims),
            ("scope", json!(["footprint:read"]), Why::Claims),
            ("jti", json!(7), Why::Claims),
            ("org_id", json!(7), Why::Claims),
        ] {
            let token = self.payload(&with(claims(), name, value.clone()).to_string());
            self.invalid(format!("{name} is {value}"), token, why);
        }
    }

    pub(super) fn dates(&mut self) {
        for name in ["exp", "iat", "nbf"] {
            for text in [
                "\"4102444800\"",
                "4102444800.0",
                "4.1024448e9",
                "1e308",
                "-1",
                "-4102444800",
                "true",
                "null",
                "[4102444800]",
                "{}",
                "18446744073709551615",
                "99999999999999999999",
                "9223372036854775807",
            ] {
                let token = self.payload(&spliced(name, text));
                self.invalid(format!("{name} is {text}"), token, Why::Claims);
            }
        }
        let impossible = self.payload(&spliced("exp", "1e400"));
        self.invalid("exp is 1e400".to_owned(), impossible, Why::Claims);
        for name in ["iat", "nbf"] {
            let token = self.payload(&with(claims(), name, json!(FUTURE)).to_string());
            self.invalid(format!("{name} in the future"), token, Why::NotYetValid);
        }
        let never = with(with(claims(), "nbf", json!(FUTURE)), "exp", json!(PAST));
        let token = self.payload(&never.to_string());
        self.invalid(
            "expired before it began".to_owned(),
            token,
            Why::NotYetValid,
        );
        let token = self.payload(&spliced("exp", "0"));
        self.add("exp is 0".to_owned(), token, Verdict::Expired);
        let old = with(with(claims(), "iat", json!(LONG_PAST)), "exp", json!(PAST));
        let token = self.payload(&old.to_string());
        self.add("expired for years".to_owned(), token, Verdict::Expired);
        let elsewhere = with(
            with(claims(), "exp", json!(PAST)),
            "aud",
            json!("https://other.example"),
        );
        let token = self.payload(&elsewhere.to_string());
        self.invalid("expired and not for us".to_owned(), token, Why::Audience);
    }

    pub(super) fn payloads(&mut self) {
        let text = claims().to_string();
        let open = text.trim_end_matches('}');
        for (name, payload) in [
            (
                "exp twice, last one good",
                format!(r#"{{"exp":1,{}"#, &text[1..]),
            ),
            (
                "exp twice, last one expired",
                format!(r#"{open},"exp":1}}"#),
            ),
            (
                "exp twice, once escaped",
                format!(r#"{open},"e\u0078p":4102444800}}"#),
            ),
            (
                "aud twice",
                format!(r#"{open},"aud":"https://other.example"}}"#),
            ),
            (
                "a doubled member further in",
                format!(r#"{open},"x":{{"a":1,"a":2}}}}"#),
            ),
            ("claims are a list", format!("[{text}]")),
            ("claims are text", json!(text).to_string()),
            ("claims are empty", String::new()),
            ("claims with a tail", format!("{text}{text}")),
            ("claims cut off", open.to_owned()),
            ("claims after a byte order mark", format!("\u{feff}{text}")),
            ("claims with a comment", format!("{text}//")),
            ("claims with a comma too many", format!("{open},}}")),
        ] {
            let token = self.payload(&payload);
            self.invalid(name.to_owned(), token, Why::Claims);
        }
        let mut bytes = text.into_bytes();
        let inside = bytes.iter().position(|byte| *byte == b'|').unwrap();
        bytes[inside] = 0xff;
        let header = self.header(Algorithm::Rs256).to_string();
        let token = self.forge.sign(Algorithm::Rs256, header.as_bytes(), &bytes);
        self.invalid("claims are not UTF-8".to_owned(), token, Why::Claims);
    }

    pub(super) fn sizes(&mut self) {
        let nested = |levels: usize| {
            let inner = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
            spliced("deep", &inner)
        };
        let token = self.payload(&nested(7));
        self.add("good: eight levels".to_owned(), token, Verdict::Valid);
        for levels in [8, 100, 1000] {
            let token = self.payload(&nested(levels));
            self.invalid(format!("{} levels", levels + 1), token, Why::Claims);
        }
        let padding = json!("x".repeat(8 * 1024));
        let token = self.payload(&with(claims(), "padding", padding).to_string());
        self.invalid("more than 8 KiB".to_owned(), token, Why::Malformed);
        let token = self.good_with("padding", json!("x".repeat(1024)));
        self.invalid("a header of more than 1 KiB".to_owned(), token, Why::Header);
    }
}
