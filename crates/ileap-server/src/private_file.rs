//! Files with secrets: nobody but their owner may read them.

use std::{fs::Metadata, os::unix::fs::MetadataExt as _};

/// Whether others than those who must may use the file.
pub(crate) fn is_exposed(metadata: &Metadata) -> bool {
    let owner = Ids {
        file: metadata.uid(),
        process: rustix::process::geteuid().as_raw(),
    };
    metadata.mode() & forbidden(owner) != 0
}

/// Who owns a file, and who reads it.
#[derive(Clone, Copy)]
struct Ids {
    file: u32,
    process: u32,
}

/// The bits that a file's mode must not have. A file of root's that is handed to a service (by systemd's credentials,
/// or as a volume of Kubernetes with `fsGroup`) is the service's by its group, which then may read it.
fn forbidden(Ids { file, process }: Ids) -> u32 {
    let is_handed_over = file == 0 && process != 0;
    if is_handed_over { 0o037 } else { 0o077 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_may_read_only_what_root_hands_to_a_service() {
        for (file, process, mode, is_refused) in [
            (1000, 1000, 0o600, false),
            (1000, 1000, 0o640, true),
            (0, 0, 0o400, false),
            (0, 0, 0o440, true),
            (0, 1000, 0o440, false),
            (0, 1000, 0o460, true),
            (0, 1000, 0o444, true),
            (1001, 1000, 0o440, true),
        ] {
            let found = mode & forbidden(Ids { file, process }) != 0;
            assert_eq!(found, is_refused, "{mode:o} of {file}, read by {process}");
        }
    }
}
