//! What an admin listener answers.

use crate::wire;

/// The whole answer to a GET; empty where nobody is there.
pub(crate) fn get(address: &str, path: &str) -> String {
    wire::exchange(address, &wire::get(path, ""))
}

/// The sum of the metrics whose names begin like this, after `ileap_`.
pub(crate) fn count(address: &str, metric: &str) -> u64 {
    let metrics = get(address, "/metrics");
    let begin = format!("ileap_{metric}");
    let lines = metrics.lines().filter(|line| line.starts_with(&begin));
    lines
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum()
}

/// Whether the server there should get requests.
pub(crate) fn is_ready(address: &str) -> bool {
    get(address, "/readyz").contains("200 OK")
}
