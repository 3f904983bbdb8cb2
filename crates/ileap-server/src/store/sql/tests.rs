mod earlier;
mod plans;
mod postgres;
mod sizes;
mod sqlite;

use super::unavailable;

#[test]
fn a_pool_that_has_tried_in_vain_says_what_to_do() {
    let error = unavailable("reading a page")(sqlx::Error::PoolTimedOut);
    let said = error.with_cause();
    assert!(
        said.starts_with("reading a page: ") && said.ends_with("`ileap doctor` says which"),
        "{said}"
    );
}
