//! The built web app (`gateway/ui/dist`), embedded in the binary at compile time.
//!
//! The crate compiles without the web app too: then [`built`] is false and [`page`] says how to build it.

use std::borrow::Cow;

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../dist"]
struct Dist;

const INDEX: &str = "index.html";
const NOT_BUILT: &str = include_str!("not_built.html");

/// One file of the web app, with what an HTTP answer needs to say about it.
#[derive(Debug, Clone)]
pub struct Asset {
    /// The file itself.
    pub bytes: Cow<'static, [u8]>,
    /// For `Content-Type`, with the charset where it matters.
    pub mime: &'static str,
    /// True when the name carries a content hash: such a file may be cached for ever.
    pub immutable: bool,
    /// For `ETag`, quotes included.
    pub etag: String,
}

/// True when the web app was built before this binary was.
pub fn built() -> bool {
    Dist::get(INDEX).is_some()
}

/// The file at a URL path such as `/assets/index-3f2a.js`; a leading slash is optional.
pub fn asset(path: &str) -> Option<Asset> {
    let path = path.trim_start_matches('/');
    let file = Dist::get(path)?;
    Some(Asset { bytes: file.data, mime: mime(path), immutable: path.starts_with("assets/"), etag: etag(&file.metadata.sha256_hash()) })
}

/// The page behind every path of the web app: its `index.html`, or how to build it when it is not built.
pub fn page() -> Asset {
    asset(INDEX).unwrap_or_else(|| Asset {
        bytes: Cow::Borrowed(NOT_BUILT.as_bytes()),
        mime: "text/html; charset=utf-8",
        immutable: false,
        etag: "\"not-built\"".to_owned(),
    })
}

fn mime(path: &str) -> &'static str {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        _ => mime_guess::from_ext(extension).first_raw().unwrap_or("application/octet-stream"),
    }
}

/// Half of the hash is plenty to tell two builds apart and keeps the header short.
fn etag(sha256: &[u8; 32]) -> String {
    let mut tag = String::with_capacity(34);
    tag.push('"');
    for byte in &sha256[..16] {
        tag.push_str(&format!("{byte:02x}"));
    }
    tag.push('"');
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_a_page() {
        let page = page();
        assert_eq!(page.mime, "text/html; charset=utf-8");
        assert!(!page.immutable);
        assert!(page.etag.starts_with('"') && page.etag.ends_with('"'));
        assert_eq!(built(), page.etag != "\"not-built\"");
    }

    #[test]
    fn paths_outside_the_web_app_are_not_found() {
        assert!(asset("/no/such/file.js").is_none());
        assert!(asset("../Cargo.toml").is_none());
        assert!(asset("/../embed/Cargo.toml").is_none());
    }

    #[test]
    fn fonts_and_scripts_have_their_types() {
        assert_eq!(mime("assets/inter.woff2"), "font/woff2");
        assert_eq!(mime("assets/app.js"), "text/javascript; charset=utf-8");
        assert_eq!(mime("assets/none"), "application/octet-stream");
    }

    #[test]
    fn what_the_page_refers_to_is_embedded_and_cached_for_ever() {
        if !built() {
            return;
        }
        let html = String::from_utf8_lossy(&page().bytes).into_owned();
        let mut seen = 0;
        for part in html.split(['"', '\'']).filter(|part| part.starts_with("/assets/")) {
            let found = asset(part).unwrap_or_else(|| panic!("{part} is in index.html but not embedded"));
            assert!(found.immutable && !found.bytes.is_empty());
            seen += 1;
        }
        assert!(seen > 0, "index.html refers to no asset");
    }
}
