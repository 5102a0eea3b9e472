//! ListObjects, in both versions.

use super::buckets::iso;
use super::content::read_checksum;
use super::request::Request;
use super::xml::Answer;
use super::{Call, READ, S3, failure};
use crate::store::objects::last_below;
use crate::store::s3_objects::{self, Object};
use actix_web::HttpResponse;
use artel_platform::Result;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Most keys and common prefixes of one answer.
const MOST: i64 = 1000;
/// What `encoding-type=url` leaves as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/').remove(b'*');

/// What is asked for.
struct Wish<'a> {
    bucket: &'a str,
    prefix: &'a str,
    delimiter: Option<&'a str>,
    most: usize,
}

/// Objects and common prefixes, each in the order of their bytes.
#[derive(Default)]
struct Page {
    objects: Vec<Object>,
    prefixes: Vec<String>,
    /// The last entry, whichever it is.
    last: String,
    /// After what to read on; `None` at the end.
    next: Option<String>,
}

impl Page {
    fn len(&self) -> usize {
        self.objects.len() + self.prefixes.len()
    }
}

/// How keys are written in an answer.
pub(super) struct Encoding(bool);

impl Encoding {
    pub(super) fn of(request: &Request) -> Result<Self> {
        match request.filled("encoding-type") {
            None => Ok(Self(false)),
            Some("url") => Ok(Self(true)),
            Some(other) => Err(failure::argument(format!("encoding-type {other} is not url"))),
        }
    }

    pub(super) fn key(&self, key: &str) -> String {
        if self.0 { utf8_percent_encode(key, PLAIN).to_string() } else { key.to_owned() }
    }

    pub(super) fn tell(&self, answer: &mut Answer) {
        if self.0 {
            answer.leaf("EncodingType", "url");
        }
    }
}

impl S3 {
    pub(super) async fn list_objects(&self, call: &Call) -> Result<HttpResponse> {
        let request = &call.request;
        let bucket = self.bucket(call, READ).await?;
        let most = request.number("max-keys", 0..=i64::from(i32::MAX))?.unwrap_or(MOST);
        let wish = Wish {
            bucket: &bucket.name,
            prefix: request.query("prefix").unwrap_or_default(),
            delimiter: request.filled("delimiter"),
            most: most.min(MOST) as usize,
        };
        let encoding = Encoding::of(request)?;
        let mut answer = Answer::new("ListBucketResult");
        answer.leaf("Name", &bucket.name).leaf("Prefix", encoding.key(wish.prefix)).leaf("MaxKeys", most);
        answer.maybe("Delimiter", wish.delimiter.map(|d| encoding.key(d)));
        encoding.tell(&mut answer);
        let second = request.query("list-type") == Some("2");
        let page = if second {
            self.second(request, &wish, &encoding, &mut answer).await?
        } else {
            self.first(request, &wish, &encoding, &mut answer).await?
        };
        answer.leaf("IsTruncated", page.next.is_some());
        let owner = (!second || request.query("fetch-owner") == Some("true")).then_some(bucket.workspace.as_str());
        for object in &page.objects {
            contents(&mut answer, object, &encoding, owner)?;
        }
        for prefix in &page.prefixes {
            answer.within("CommonPrefixes", |xml| {
                xml.leaf("Prefix", encoding.key(prefix));
            });
        }
        Ok(answer.finish())
    }

    /// Version 1: the client reads on after the last name that it got.
    async fn first(&self, request: &Request, wish: &Wish<'_>, encoding: &Encoding, answer: &mut Answer) -> Result<Page> {
        let marker = request.query("marker").unwrap_or_default();
        let after = match wish.delimiter {
            // a common prefix: everything in it has been told
            Some(delimiter) if marker.len() > wish.prefix.len() && marker.starts_with(wish.prefix) && marker.ends_with(delimiter) => {
                last_below(marker)
            }
            _ => marker.to_owned(),
        };
        let page = self.page(wish, after).await?;
        answer.leaf("Marker", encoding.key(marker));
        answer.maybe("NextMarker", page.next.as_ref().map(|_| encoding.key(&page.last)));
        Ok(page)
    }

    /// Version 2: the client shows the token that it got.
    async fn second(&self, request: &Request, wish: &Wish<'_>, encoding: &Encoding, answer: &mut Answer) -> Result<Page> {
        let start = request.filled("start-after");
        let token = request.filled("continuation-token");
        let after = match token {
            Some(token) => {
                let decoded = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                decoded.ok_or_else(|| failure::argument("the continuation token is not one of this server"))?
            }
            None => start.unwrap_or_default().to_owned(),
        };
        let page = self.page(wish, after).await?;
        answer.leaf("KeyCount", page.len());
        answer.maybe("StartAfter", start.map(|s| encoding.key(s))).maybe("ContinuationToken", token);
        answer.maybe("NextContinuationToken", page.next.as_ref().map(|next| URL_SAFE_NO_PAD.encode(next)));
        Ok(page)
    }

    /// Objects whose key begins with the prefix and sorts after `after`; keys that have the delimiter after the prefix
    /// are told by what they have in common up to it.
    async fn page(&self, wish: &Wish<'_>, mut after: String) -> Result<Page> {
        let mut page = Page::default();
        if wish.most == 0 {
            return Ok(page);
        }
        let mut limit = wish.most as i64 + 1;
        loop {
            let objects = s3_objects::page(&self.artifacts.db, wish.bucket, wish.prefix, &after, limit).await?;
            let (full, before) = (objects.len() as i64 == limit, page.len());
            for object in objects {
                if object.key <= after {
                    continue; // in the common prefix before it
                }
                if page.len() == wish.most {
                    page.next = Some(after);
                    return Ok(page);
                }
                let rest = &object.key[wish.prefix.len()..];
                match wish.delimiter.and_then(|d| rest.find(d).map(|at| wish.prefix.len() + at + d.len())) {
                    Some(end) => {
                        page.last = object.key[..end].to_owned();
                        after = last_below(&page.last);
                        page.prefixes.push(page.last.clone());
                    }
                    None => {
                        page.last.clone_from(&object.key);
                        after.clone_from(&object.key);
                        page.objects.push(object);
                    }
                }
            }
            if !full {
                return Ok(page);
            }
            // a page that was spent on one deep folder says the next may be too
            limit = if page.len() - before < 2 { 16 } else { (wish.most - page.len()) as i64 + 1 };
        }
    }
}

fn contents(answer: &mut Answer, object: &Object, encoding: &Encoding, owner: Option<&str>) -> Result<()> {
    let checksum = read_checksum(object.checksum.as_ref())?;
    answer.within("Contents", |xml| {
        xml.leaf("Key", encoding.key(&object.key)).leaf("LastModified", iso(object.modified_at));
        xml.leaf("ETag", format!("\"{}\"", object.etag)).leaf("Size", object.size).leaf("StorageClass", "STANDARD");
        if let Some(checksum) = checksum {
            xml.leaf("ChecksumAlgorithm", checksum.algorithm.name()).leaf("ChecksumType", checksum.kind());
        }
        if let Some(owner) = owner {
            xml.within("Owner", |xml| {
                xml.leaf("ID", owner).leaf("DisplayName", owner);
            });
        }
    });
    Ok(())
}
