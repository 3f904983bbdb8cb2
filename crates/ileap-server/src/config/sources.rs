use std::{fmt, path::PathBuf};

/// Where a configuration comes from. The environment is a parameter, so that tests bring their own.
#[derive(Clone, Default)]
pub struct Sources {
    /// The TOML file, if any.
    pub file: Option<PathBuf>,
    /// Environment variables by name; later entries win.
    pub environment: Vec<(String, String)>,
}

/// How the names of variables begin that are read at all.
const PREFIXES: [&str; 3] = ["ILEAP_", "CLERK_", "OTEL_"];

impl Sources {
    /// This process's environment, and `file`, else the one that `ILEAP_CONFIG` names.
    pub fn from_process(file: Option<PathBuf>) -> Self {
        let environment: Vec<_> = std::env::vars_os()
            .filter_map(|(name, value)| {
                let name = name.into_string().ok()?;
                let is_ours = PREFIXES.iter().any(|prefix| name.starts_with(prefix));
                // What is not UTF-8 is kept to be refused, not dropped as if it were not set.
                is_ours.then(|| (name, value.to_string_lossy().into_owned()))
            })
            .collect();
        let named = environment
            .iter()
            .find(|(name, value)| name == "ILEAP_CONFIG" && !value.is_empty());
        let file = file.or_else(|| named.map(|(_, value)| PathBuf::from(value)));
        Self { file, environment }
    }
}

impl fmt::Debug for Sources {
    /// Without values: some are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.environment.iter().map(|(name, _)| name).collect();
        f.debug_struct("Sources")
            .field("file", &self.file)
            .field("environment", &names)
            .finish()
    }
}
