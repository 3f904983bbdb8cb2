//! `[data]`

use super::{
    base_url,
    reader::Reader,
    secret_file,
    sections::{Data, Upstream},
    values::UpstreamToken,
};

const TIMEOUT: &str = "data.upstream.timeout";
const TOKEN: &str = "data.upstream.token_file";
const URL: &str = "data.upstream.url";

/// Reads the section; a service that is named without being used is worth a warning.
pub(super) fn data(reader: &mut Reader) -> Option<Data> {
    let is_upstream = reader.parsed("data.kind", |text| match text {
        "stored" => Some(false),
        "upstream" => Some(true),
        _ => None,
    });
    let default_page = reader.integer("data.default_page");
    let max_page = reader.integer("data.max_page");
    let timeout = reader.duration(TIMEOUT);
    let upstream = if is_upstream == Some(true) {
        let token = secret_file::read(reader, TOKEN);
        let url = url(reader);
        Some(Upstream {
            timeout: timeout?,
            token: token.map(UpstreamToken::new),
            url: url?,
        })
    } else {
        for path in [URL, TOKEN] {
            if reader.is_set(path) {
                reader.warn(format!(
                    "{path} has no effect without data.kind = \"upstream\""
                ));
            }
        }
        None
    };
    is_upstream?;
    Some(Data {
        default_page: default_page?,
        max_page: max_page?,
        upstream,
    })
}

fn url(reader: &mut Reader) -> Option<url::Url> {
    if !reader.is_set(URL) {
        reader.violate_key(
            URL,
            "data.kind is \"upstream\", and nothing says where your service is",
            "set it to the base URL of your service",
        );
    }
    let text = reader.text(URL)?;
    let url = base_url::plain(text.trim_end_matches('/'));
    url.map_err(|problem| {
        reader.violate_key(
            URL,
            problem,
            "write a base such as \"https://emissions.example.com\"",
        );
    })
    .ok()
}
