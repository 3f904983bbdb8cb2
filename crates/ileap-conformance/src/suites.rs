//! The cases, a file for each concern, in the order in which they run.

mod activity;
mod bearer;
mod data;
mod discovery;
mod edge;
mod events;
mod filter;
mod footprints;
mod forged;
mod own_keys;
mod paging;
mod plain;
mod shipments;
mod token;

use crate::{
    case::Case,
    outcome::{Judgement, Stop},
    wire::Answer,
};

/// All of them. Later ones build on what earlier ones judge.
pub(crate) static ALL: &[&[Case]] = &[
    discovery::CASES,
    token::CASES,
    footprints::CASES,
    bearer::CASES,
    plain::CASES,
    events::CASES,
    shipments::CASES,
    activity::CASES,
    paging::CASES,
    filter::CASES,
    data::CASES,
    edge::CASES,
    forged::CASES,
    own_keys::CASES,
];

/// A case in one line of each thing that there is to say.
macro_rules! case {
    ($address:literal, $demand:ident, $profiles:expr, $source:literal, $requirement:literal, $judge:path) => {
        $crate::case::Case {
            address: $address,
            requirement: $requirement,
            source: $source,
            demand: $crate::case::Demand::$demand,
            profiles: $profiles,
            is_intrusive: false,
            judge: |run, _| Box::pin($judge(run)),
        }
    };
}

/// The same, where an account may be locked or a disk filled.
macro_rules! intrusive {
    ($($all:tt)*) => {{
        let mut case = $crate::suites::case!($($all)*);
        case.is_intrusive = true;
        case
    }};
}

use case;
use intrusive;

/// Judges what must be refused; to hang up on it is a refusal, too.
fn refused(sent: Result<Answer, Stop>) -> Judgement {
    match sent {
        Ok(answer) => {
            answer.expect_refusal()?;
            Ok(String::new())
        }
        Err(stop) if stop.is_broken_off => Ok("the host hung up".to_owned()),
        Err(stop) => Err(stop),
    }
}

/// The first so many characters, for a reason.
fn brief(text: &str) -> String {
    text.chars().take(120).collect()
}
