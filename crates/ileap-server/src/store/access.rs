//! Where access rules are kept, and what they open.

use super::StoreError;
use crate::access::{AccessRule, Opened, RuleReach};

/// The part of the store port that is about access. What rules open follows at once from each change of a rule
/// or an object, for everyone on the store.
#[async_trait::async_trait]
pub trait AccessRules: Send + Sync {
    /// How far the rules of one recipient reach.
    async fn rule_reach(&self, recipient: &str) -> Result<RuleReach, StoreError>;

    /// The rules of one recipient.
    async fn access_rules(&self, recipient: &str) -> Result<Vec<AccessRule>, StoreError>;

    /// Everyone who has rules, and how many.
    async fn recipients(&self) -> Result<Vec<(String, u64)>, StoreError>;

    /// Adds rules for a recipient, all or none; says how many are new.
    async fn allow(&self, recipient: &str, rules: &[AccessRule]) -> Result<usize, StoreError>;

    /// Takes rules away from a recipient, all or none; says how many there were.
    async fn disallow(&self, recipient: &str, rules: &[AccessRule]) -> Result<usize, StoreError>;

    /// Takes all rules away from a recipient; says how many there were.
    async fn disallow_all(&self, recipient: &str) -> Result<usize, StoreError>;

    /// What the rules of one recipient open that name objects; "everything" is not counted.
    async fn opened(&self, recipient: &str) -> Result<Opened, StoreError>;
}
