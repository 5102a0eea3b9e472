//! Upstream's pagination, asked for by a media type.

use actix_web::HttpRequest;
use actix_web::http::header;
use artel_platform::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// The media type that asks for it.
const ACCEPT: &str = "application/jupyterhub-pagination+json";
/// Upstream's `api_page_default_limit` and `api_page_max_limit`.
const DEFAULT: i64 = 50;
const MOST: i64 = 200;

/// Which part of a list, as it is asked for.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    pub offset: Option<String>,
    pub limit: Option<String>,
}

/// Which part of a list.
pub(super) struct Page {
    pub offset: i64,
    pub limit: i64,
    /// Whether the answer shall be in the paginated form.
    pub wanted: bool,
}

/// A part of a list.
#[derive(Serialize, ToSchema)]
#[schema(as = hub::Paginated)]
pub(super) struct Paginated {
    /// A list, or an object by name.
    #[schema(value_type = Vec<std::collections::BTreeMap<String, Value>>)]
    items: Value,
    _pagination: About,
}

/// Where it lies.
#[derive(Serialize, ToSchema)]
#[schema(as = hub::Pagination)]
pub(super) struct About {
    offset: i64,
    limit: i64,
    total: i64,
    next: Option<Next>,
}

/// The part after it.
#[derive(Serialize, ToSchema)]
#[schema(as = hub::NextPage)]
pub(super) struct Next {
    offset: i64,
    limit: i64,
    url: String,
}

impl Page {
    pub(super) fn of(request: &HttpRequest, query: &PageQuery) -> Result<Self> {
        let wanted = request.headers().get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|accept| accept.contains(ACCEPT));
        let number = |text: &Option<String>, default: i64| match text {
            None => Ok(default),
            Some(text) => text
                .parse::<i64>()
                .map(i64::saturating_abs)
                .map_err(|_| Error::invalid("Invalid argument type, offset and limit must be integers")),
        };
        // who does not know pages gets as much as there may be in one
        let limit = number(&query.limit, if wanted { DEFAULT } else { MOST })?.clamp(1, MOST);
        Ok(Self { offset: number(&query.offset, 0)?, limit, wanted })
    }

    /// The part of a list that is already here.
    pub(super) fn part<T>(&self, all: Vec<T>) -> impl Iterator<Item = T> {
        let number = |n: i64| usize::try_from(n).unwrap_or(usize::MAX);
        all.into_iter().skip(number(self.offset)).take(number(self.limit))
    }
}

impl Paginated {
    pub(super) fn new(public_url: &str, request: &HttpRequest, page: &Page, total: i64, items: impl Serialize) -> Result<Self> {
        let offset = page.offset.saturating_add(page.limit);
        let next = (offset < total).then(|| Next { offset, limit: page.limit, url: next_url(public_url, request, offset, page.limit) });
        let items = serde_json::to_value(items)?;
        Ok(Self { items, _pagination: About { offset: page.offset, limit: page.limit, total, next } })
    }
}

fn next_url(public_url: &str, request: &HttpRequest, offset: i64, limit: i64) -> String {
    let kept = url::form_urlencoded::parse(request.query_string().as_bytes()).filter(|(name, _)| name != "offset" && name != "limit");
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .append_pair("offset", &offset.to_string())
        .append_pair("limit", &limit.to_string())
        .finish();
    // a browser or script reached us by this name; the public URL is for those that send none
    let connection = request.connection_info();
    let origin = if request.headers().contains_key(header::HOST) {
        format!("{}://{}", connection.scheme(), connection.host())
    } else {
        public_url.to_owned()
    };
    format!("{origin}{}?{query}", request.path())
}
