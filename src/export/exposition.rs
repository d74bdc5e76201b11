//! The page that the last tick has published, plain and compressed, each made once and shared by all scrapes.
//! Never renders: a scrape costs the same however large or slow the clusters are.

use std::io::Write as _;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

/// The page of the last tick. Replaced whole: no reader ever sees half of one.
#[derive(Debug, Default)]
pub struct Exposition {
    page: RwLock<Arc<Page>>,
}

#[derive(Debug, Default)]
struct Page {
    plain: Bytes,
    /// Made by the first scrape that asks for it; most ticks are never asked.
    gzip: OnceLock<Bytes>,
}

impl Exposition {
    /// An empty page, until the first one is published.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the page. Gives the memory of the former one back, emptied, unless it is still being sent.
    pub fn publish(&self, plain: Vec<u8>) -> Vec<u8> {
        let page = Arc::new(Page { plain: plain.into(), gzip: OnceLock::new() });
        let former = {
            let mut current = self.page.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *current, page)
        };
        let spare = Arc::into_inner(former).map(|page| page.plain).filter(Bytes::is_unique);
        let mut spare = spare.map(Vec::from).unwrap_or_default();
        spare.clear();
        spare
    }

    /// The page as text.
    #[must_use]
    pub fn plain(&self) -> Bytes {
        self.page().plain.clone()
    }

    /// The page in gzip's format. The first call after a tick compresses (milliseconds per megabyte),
    /// so call it where blocking is allowed.
    #[must_use]
    pub fn gzip(&self) -> Bytes {
        let page = self.page();
        page.gzip.get_or_init(|| compress(&page.plain)).clone()
    }

    fn page(&self) -> Arc<Page> {
        Arc::clone(&self.page.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Level 1: three times as fast as the default level, and a page of metrics shrinks tenfold all the same.
fn compress(plain: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 8), Compression::fast());
    // writing to a Vec cannot fail
    let _always_ok = encoder.write_all(plain);
    encoder.finish().map(Bytes::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    fn unzip(bytes: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        GzDecoder::new(bytes).read_to_end(&mut plain).unwrap();
        plain
    }

    #[test]
    fn gzip_holds_the_same_page_and_follows_the_next() {
        let exposition = Exposition::new();
        for text in ["a_metric 1\n".repeat(10_000), "a_metric 0\n".to_owned(), String::new()] {
            exposition.publish(text.clone().into_bytes());
            assert_eq!(exposition.plain(), text.as_bytes());
            assert_eq!(unzip(&exposition.gzip()), text.as_bytes());
        }
    }

    #[test]
    fn gzip_is_made_once_per_page() {
        let exposition = Exposition::new();
        exposition.publish(b"a_metric 1\n".to_vec());
        assert_eq!(exposition.gzip().as_ptr(), exposition.gzip().as_ptr());
    }

    #[test]
    fn memory_comes_back_unless_it_is_still_read() {
        let exposition = Exposition::new();
        exposition.publish(Vec::with_capacity(4096));
        exposition.publish(b"first".repeat(100));
        let read = exposition.plain();
        assert_eq!(exposition.publish(b"second".repeat(100)).capacity(), 0);
        assert_eq!(read, b"first".repeat(100));
        let spare = exposition.publish(b"third".to_vec());
        assert!(spare.is_empty() && spare.capacity() >= 600);
    }
}
