//! The limit on open files, of which every connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is kept for the database, Clerk, partners and files; less where there is little.
const KEPT: u64 = 256;

/// Raises the limit as far as the system lets us, and says how many connections it leaves room for.
pub(super) fn room_for_connections() -> usize {
    let found = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: found.maximum,
        maximum: found.maximum,
    };
    let limit = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => raised,
        Err(_) => found,
    };
    room(limit.current.unwrap_or(u64::MAX))
}

fn room(files: u64) -> usize {
    let room = files - KEPT.min(files / 2);
    usize::try_from(room).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_files_are_kept_for_other_things_than_connections() {
        assert_eq!(room(65_536), 65_280);
        assert_eq!(room(256), 128);
        assert_eq!(room(1), 1);
    }
}
