//! Which footprints have indexes of their own: what a caller's roles do not open is neither walked over nor counted,
//! so that no time tells of it.

use std::collections::BTreeSet;

use crate::{
    access::{Reach, Visibility},
    identity::Role,
};

/// Kinds of footprints, as far as indexes know them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kinds {
    /// Every kind.
    Any,
    /// TOCs and HOCs.
    Categories,
    /// All iLEAP objects.
    Ileap,
}

/// What an index is ordered by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum By {
    Country,
    Cpc,
    Id,
    Order,
    PeriodEnd,
    PeriodStart,
    Update,
}

/// The index of `footprint_grants` that has all these roles open and nothing else, where it is not the table itself.
pub(super) fn index_of_grants(roles: &BTreeSet<Role>) -> Option<&'static str> {
    let mut roles = roles.iter();
    match (roles.next(), roles.next()) {
        (Some(Role::Organizer), None) => Some("footprint_grants_of_categories"),
        (Some(Role::User), None) => Some("footprint_grants_of_shipments"),
        _ => None,
    }
}

impl Kinds {
    /// The fewest that have all a caller may see.
    pub(super) fn of(visibility: &Visibility) -> Self {
        match visibility.reach() {
            Reach::Kinds(roles) if roles.iter().all(|role| *role == Role::Organizer) => {
                Self::Categories
            }
            Reach::Kinds(roles) if !roles.contains(&Role::All) => Self::Ileap,
            _ => Self::Any,
        }
    }

    /// What holds for all entries of these indexes, after the name of a table.
    pub(super) fn condition(self) -> Option<&'static str> {
        match self {
            Self::Any => None,
            Self::Categories => Some(".kind IN ('toc', 'hoc')"),
            Self::Ileap => Some(".kind <> 'generic'"),
        }
    }

    /// An index of `footprints`.
    pub(super) fn index(self, by: By) -> String {
        let by = match by {
            By::Country => "_by_country",
            By::Cpc => "_by_cpc",
            By::Id => "_by_id",
            By::Order if self == Self::Any => "_in_order",
            By::Order => "",
            By::PeriodEnd => "_by_period_end",
            By::PeriodStart => "_by_period",
            By::Update => "_by_update",
        };
        format!("footprints{}{by}", self.suffix())
    }

    /// The index of `footprint_ids`, where it is not the table itself.
    pub(super) fn index_of_ids(self) -> Option<String> {
        (self != Self::Any).then(|| format!("footprint_ids{}", self.suffix()))
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Categories => "_of_categories",
            Self::Ileap => "_of_ileap",
        }
    }
}
