//! Padding: bodies that are far too long, made without ever holding them in memory.

use axum::body::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress};

/// Blanks after the end of a JSON document change nothing of it.
const MEBIBYTE: usize = 1 << 20;

/// A mebibyte of blanks.
pub(super) fn blanks() -> Bytes {
    Bytes::from(vec![b' '; MEBIBYTE])
}

/// The body and so many mebibytes of blanks as one gzip stream of about a thousandth of their size.
///
/// A deflate stream flushed in full ends on a byte and forgets what was before: its parts can be written one after the
/// other, so that one mebibyte is compressed once and repeated.
pub(super) fn bomb(body: &[u8], mebibytes: u32) -> Vec<u8> {
    let blanks = blanks();
    let (part, mut crc) = (deflated(&blanks), Crc::new());
    crc.update(body);
    let mut of_part = Crc::new();
    of_part.update(&blanks);
    let mut out = vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255];
    out.extend(deflated(body));
    for _ in 0..mebibytes {
        out.extend_from_slice(&part);
        crc.combine(&of_part);
    }
    // An empty last block, then the check.
    out.extend([0x03, 0x00]);
    out.extend(crc.sum().to_le_bytes());
    out.extend(crc.amount().to_le_bytes());
    out
}

fn deflated(data: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(Compression::fast(), false);
    let mut out = Vec::with_capacity(data.len() / 2 + 1024);
    loop {
        let passed = usize::try_from(compress.total_in()).unwrap_or(usize::MAX);
        let rest = data.get(passed..).unwrap_or_default();
        // Nothing is wrong with blanks; a compressor that stops would only make the bomb a broken one.
        let done = compress
            .compress_vec(rest, &mut out, FlushCompress::Full)
            .is_err();
        let swallowed = usize::try_from(compress.total_in()).unwrap_or(usize::MAX) >= data.len();
        if done || (swallowed && out.len() < out.capacity()) {
            return out;
        }
        out.reserve(1024);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn a_bomb_is_valid_gzip_of_the_body_and_its_blanks() {
        let body = "{\"é\":1}".repeat(5_000);
        let bomb = bomb(body.as_bytes(), 3);
        let mut decoded = String::new();
        GzDecoder::new(bomb.as_slice())
            .read_to_string(&mut decoded)
            .unwrap();
        assert_eq!(decoded.len(), body.len() + 3 * MEBIBYTE);
        assert!(decoded.starts_with(&body) && decoded.ends_with("   "));
        assert!(bomb.len() < 64 * 1024, "{}", bomb.len());
    }
}
