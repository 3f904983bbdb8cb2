# What there is to do: `just --list`.

# Everything that a change must pass.
test:
    scripts/test

# The same without installing anything.
test-offline:
    scripts/test run

# The fault tests for hours: `just soak --hours 24`.
soak *arguments:
    scripts/soak {{arguments}}

# The demo, with a server built for speed.
demo *arguments:
    cargo run --release -- demo {{arguments}}

# Formatting and lints.
lint:
    cargo fmt --all
    cargo clippy --workspace --all-targets -- -D warnings

# Accept changed snapshots and rewrite generated documents.
update:
    INSTA_UPDATE=always UPDATE=1 cargo test --workspace

# The documentation of all that is public and private.
doc:
    cargo doc --workspace --no-deps --document-private-items --open

# What the dependencies may bring; needs cargo-deny.
deny:
    cargo deny check bans licenses sources

# Whether something is known against them; asks the advisory database, so before a release and not in the tests.
advisories:
    cargo deny check advisories

# Whether a test notices when a check that refuses is changed; needs cargo-mutants, and hours for all of them.
mutants *arguments:
    scripts/mutants {{arguments}}
