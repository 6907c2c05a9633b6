//! Style sheet and scripts: compiled into the program, compressed once at startup, cached by browsers.

use std::io::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{HeaderMap, StatusCode};

use super::with_security_headers;
use crate::Console;

/// File name, media type, content.
const FILES: &[(&str, &str, &str)] = &[
    ("console.css", "text/css; charset=utf-8", include_str!("../assets/console.css")),
    ("console.js", "text/javascript; charset=utf-8", include_str!("../assets/console.js")),
    ("htmx.js", "text/javascript; charset=utf-8", include_str!("../assets/htmx-2.0.11.min.js")),
    ("icon.svg", "image/svg+xml", include_str!("../assets/icon.svg")),
];

/// A suffix of the file names in pages, so that browsers fetch changed files: FNV-1a over all files, computed
/// at compile time.
pub(crate) const VERSION: u64 = {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut file = 0;
    while file < FILES.len() {
        let bytes = FILES[file].2.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
            at += 1;
        }
        file += 1;
    }
    hash
};

struct Asset {
    name: &'static str,
    kind: &'static str,
    plain: Bytes,
    packed: Bytes,
}

pub(super) fn routes() -> Router<Arc<Console>> {
    let assets: Arc<Vec<Asset>> = Arc::new(FILES.iter().map(asset).collect());
    let serve = move |Path(name): Path<String>, headers: HeaderMap| async move {
        with_security_headers(match assets.iter().find(|asset| asset.name == name) {
            Some(asset) => answer(asset, &headers),
            None => StatusCode::NOT_FOUND.into_response(),
        })
    };
    Router::new().route("/console/assets/{name}", get(serve))
}

fn asset((name, kind, text): &(&'static str, &'static str, &'static str)) -> Asset {
    let plain = Bytes::from_static(text.as_bytes());
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    let packed = packer.write_all(&plain).and_then(|()| packer.finish());
    let packed = packed.unwrap_or_else(|error| unreachable!("writing {name} into memory: {error}"));
    Asset { name, kind, packed: packed.into(), plain }
}

fn answer(asset: &Asset, headers: &HeaderMap) -> Response {
    let accepts = headers.get(ACCEPT_ENCODING).is_some_and(|value| {
        value.to_str().is_ok_and(|value| value.split(',').any(|one| one.trim().starts_with("gzip")))
    });
    let common = [
        (CONTENT_TYPE, asset.kind),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (VARY, "accept-encoding"),
    ];
    match accepts {
        true => (common, [(CONTENT_ENCODING, "gzip")], asset.packed.clone()).into_response(),
        false => (common, asset.plain.clone()).into_response(),
    }
}
