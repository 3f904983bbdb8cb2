//! Argon2id hashes of secrets, as PHC strings: `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`.

use std::{fmt, sync::Arc};

use argon2::{
    Argon2, Block, Params, PasswordHasher as _,
    password_hash::{self, phc::PasswordHash},
};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::identity::ClientSecret;

/// The least memory a hash may take, in KiB, and the most: less is weak (OWASP Password Storage), and more would
/// let a file exhaust the machine.
const MEMORY_KIB: (u32, u32) = (19 * 1024, MOST_MEMORY_KIB);
/// The most memory one hash takes, in KiB.
pub(super) const MOST_MEMORY_KIB: u32 = 256 * 1024;
/// The fewest passes over the memory, and the most.
const PASSES: (u32, u32) = (2, 10);
/// The fewest lanes, and the most.
const LANES: (u32, u32) = (1, 8);
/// The shortest hash, in bytes: RFC 9106 §4 has 128 bits for where space is short.
const LEAST_HASH_BYTES: usize = 16;
/// Version 1.3, the one of RFC 9106.
const VERSION: u32 = 19;

/// What is to be done about a hash that cannot be used.
pub(super) const REMEDY: &str = "make it anew with `ileap hash-secret`";

/// The hash of one secret. It does not print: with it, a weak secret can be guessed without asking anybody.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct SecretHash {
    phc: Arc<str>,
    costs: Costs,
}

/// What one verification costs.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct Costs {
    /// In KiB.
    pub(super) memory: u32,
    /// Over the memory.
    pub(super) passes: u32,
    /// Computed one after the other here; they are a part of the hash.
    pub(super) lanes: u32,
}

/// A secret could not be hashed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("hashing a secret with Argon2id: {0}")]
pub struct HashError(password_hash::Error);

/// The PHC string of `secret` at the least cost accepted in a file of static users, with a fresh salt.
pub fn hash_secret(secret: &ClientSecret) -> Result<String, HashError> {
    let hash: PasswordHash = Argon2::default()
        .hash_password(secret.expose().as_bytes())
        .map_err(HashError)?;
    Ok(hash.to_string())
}

impl SecretHash {
    /// A hash as it stands in a file, or everything that is wrong with it. Nothing of it is repeated.
    pub(super) fn parse(phc: &str) -> Result<Self, Vec<String>> {
        let one = |problem: &str| vec![problem.to_owned()];
        let hash = PasswordHash::new(phc).map_err(|_| one("it is not a PHC string"))?;
        if hash.algorithm.as_str() != "argon2id" {
            return Err(one("its algorithm is not argon2id"));
        }
        if hash.version != Some(VERSION) {
            return Err(one("its version is not 19"));
        }
        if hash.salt.is_none() || hash.hash.is_none_or(|hash| hash.len() < LEAST_HASH_BYTES) {
            return Err(one("its salt or hash is missing or too short"));
        }
        let cost = |name| {
            hash.params
                .get_decimal(name)
                .ok_or_else(|| one("it must have the parameters m, t and p"))
        };
        let costs = Costs {
            memory: cost("m")?,
            passes: cost("t")?,
            lanes: cost("p")?,
        };
        // Others (`keyid`, `data`) would need something that is not in the file.
        if hash.params.iter().count() != 3 {
            return Err(one("it has other parameters than m, t and p"));
        }
        costs.judge()?;
        Ok(Self {
            phc: phc.into(),
            costs,
        })
    }

    /// A hash with these costs that is nobody's, to spend on unknown clients what known ones cost.
    pub(super) fn decoy(costs: Costs) -> Self {
        let Costs {
            memory,
            passes,
            lanes,
        } = costs;
        let (salt, hash) = ("A".repeat(22), "A".repeat(43));
        Self {
            phc: format!("$argon2id$v={VERSION}$m={memory},t={passes},p={lanes}${salt}${hash}")
                .into(),
            costs,
        }
    }

    /// What verifying costs.
    pub(super) fn costs(&self) -> Costs {
        self.costs
    }

    /// Whether it is the hash of `secret`: tens of milliseconds of work, in `memory`, which becomes as large as
    /// that needs. Compares in constant time.
    pub(super) fn is_of(
        &self,
        secret: &ClientSecret,
        memory: &mut Vec<Block>,
    ) -> Result<bool, HashError> {
        self.compare(secret.expose().as_bytes(), memory)
            .map_err(HashError)
    }

    fn compare(&self, secret: &[u8], memory: &mut Vec<Block>) -> password_hash::Result<bool> {
        let hash = PasswordHash::new(&self.phc)?;
        let params = Params::try_from(&hash)?;
        let salt = hash.salt.ok_or(password_hash::Error::SaltInvalid)?;
        let expected = hash.hash.ok_or(password_hash::Error::OutputSize)?;
        memory.resize(params.block_count(), Block::new());
        let mut output = Zeroizing::new(vec![0; expected.len()]);
        Argon2::from(params).hash_password_into_with_memory(secret, &salt, &mut output, memory)?;
        Ok(output.ct_eq(expected.as_bytes()).into())
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretHash({:?})", self.costs)
    }
}

impl Costs {
    fn judge(self) -> Result<(), Vec<String>> {
        let bounds = [
            ("m", "KiB of memory", self.memory, MEMORY_KIB),
            ("t", "passes", self.passes, PASSES),
            ("p", "lanes", self.lanes, LANES),
        ];
        let problems: Vec<_> = bounds
            .into_iter()
            .filter_map(|(name, what, value, (least, most))| {
                let is = if value < least {
                    "too weak"
                } else if value > most {
                    "too costly"
                } else {
                    return None;
                };
                Some(format!(
                    "its {name}={value} is {is}: {least} to {most} {what}"
                ))
            })
            .collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHC: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn secret(text: &str) -> ClientSecret {
        ClientSecret::new(text).unwrap()
    }

    #[test]
    fn a_hash_is_of_its_secret_and_of_no_other() {
        let phc = hash_secret(&secret("canary-Lantern-4711")).unwrap();
        let hash = SecretHash::parse(&phc).unwrap();
        let mut memory = Vec::new();
        for (text, is_right) in [
            ("canary-Lantern-4711", true),
            ("canary-lantern-4711", false),
        ] {
            assert_eq!(hash.is_of(&secret(text), &mut memory), Ok(is_right));
        }
        assert_ne!(hash_secret(&secret("canary-Lantern-4711")).unwrap(), phc);
        assert!(!format!("{hash:?}").contains(&phc[30..]));
    }

    /// A test vector of the reference implementation: `argon2 somesalt -id -t 2 -k 65536 -p 1`, secret `password`.
    #[test]
    fn a_hash_of_the_reference_implementation_is_understood() {
        let phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let hash = SecretHash::parse(phc).unwrap();
        assert_eq!(hash.is_of(&secret("password"), &mut Vec::new()), Ok(true));
    }

    #[test]
    fn memory_that_another_hash_was_computed_in_does_not_show() {
        let phc = hash_secret(&secret("canary-Lantern-4711")).unwrap();
        let hash = SecretHash::parse(&phc).unwrap();
        let larger = SecretHash::decoy(Costs {
            memory: 20_000,
            passes: 2,
            lanes: 4,
        });
        let mut memory = Vec::new();
        for _ in 0..2 {
            assert_eq!(larger.is_of(&secret("x"), &mut memory), Ok(false));
            assert_eq!(
                hash.is_of(&secret("canary-Lantern-4711"), &mut memory),
                Ok(true)
            );
        }
    }

    #[test]
    fn a_decoy_costs_what_was_asked_for_and_is_a_hash_like_any_other() {
        let costs = Costs {
            memory: 20_000,
            passes: 3,
            lanes: 2,
        };
        let decoy = SecretHash::decoy(costs);
        assert_eq!(SecretHash::parse(&decoy.phc), Ok(decoy.clone()));
        assert_eq!(decoy.costs(), costs);
        assert_eq!(decoy.is_of(&secret("x"), &mut Vec::new()), Ok(false));
    }

    #[test]
    fn everything_that_is_wrong_with_a_hash_is_said_and_nothing_of_it_repeated() {
        for (from, to, problem) in [
            ("$argon2id", "argon2id", "not a PHC string"),
            ("argon2id", "argon2i", "not argon2id"),
            ("$v=19", "", "version"),
            ("v=19", "v=16", "version"),
            ("m=19456,", "", "m, t and p"),
            (",p=1", "", "m, t and p"),
            ("p=1", "p=1,keyid=AAAA", "other parameters"),
            ("m=19456", "m=19455", "m=19455 is too weak"),
            ("m=19456", "m=262145", "m=262145 is too costly"),
            ("m=19456", "m=4294967295", "too costly"),
            ("m=19456", "m=4294967296", "m, t and p"),
            ("t=2", "t=1", "t=1 is too weak"),
            ("t=2", "t=11", "t=11 is too costly"),
            ("p=1", "p=0", "p=0 is too weak"),
            ("p=1", "p=9", "p=9 is too costly"),
            ("$AAAAAAAAAAAAAAAAAAAAAA$", "$", "too short"),
            (&PHC[54..], &PHC[54..70], "too short"),
        ] {
            let phc = PHC.replacen(from, to, 1);
            assert_ne!(phc, PHC);
            let problems = SecretHash::parse(&phc).unwrap_err().join("; ");
            assert!(problems.contains(problem), "{phc}: {problems}");
            assert!(!problems.contains("AAAA"), "{problems}");
        }
        let phc = PHC.replace("m=19456,t=2,p=1", "m=8,t=1,p=99");
        assert_eq!(SecretHash::parse(&phc).unwrap_err().len(), 3);
    }

    #[test]
    fn a_hash_at_either_end_of_what_is_accepted_is_read() {
        let costly = PHC.replace("m=19456,t=2,p=1", "m=262144,t=10,p=8");
        // The last 22 characters are 16 bytes.
        for phc in [PHC, &costly, &PHC[..76]] {
            assert!(SecretHash::parse(phc).is_ok(), "{phc}");
        }
        assert!(SecretHash::parse(&PHC[..74]).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_reading_a_hash_panic(text in "(\\$argon2id\\$)?[ -~]{0,80}") {
            if let Ok(hash) = SecretHash::parse(&text) {
                proptest::prop_assert!(hash.costs().judge().is_ok());
            }
        }
    }
}
