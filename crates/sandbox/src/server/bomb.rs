//! A small answer that unpacks to a very large one.

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// Head of a gzip file: deflate, no name, no time, unknown system (RFC 1952, 2.3).
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// Last block, fixed codes (RFC 1951, 3.2.3), and a space.
const BEGINNING: &str = "11001010000";
/// The byte before, 258 times more (RFC 1951, 3.2.5 and 3.2.6).
const REPEAT: &str = "1100010100000";
const REPEATED: usize = 258;
const END: &str = "0000000";

/// Spaces, about so many, packed by gzip. The checksum at the end is not right: who reads that
/// far has held all of it.
pub(crate) fn gzip_bomb(bytes: usize) -> Response {
    let repeats = std::iter::repeat_n(REPEAT, bytes / REPEATED);
    let codes = std::iter::once(BEGINNING).chain(repeats).chain([END]);
    let mut body = GZIP_HEAD.to_vec();
    let (mut byte, mut filled) = (0, 0);
    for bit in codes.flat_map(str::bytes) {
        byte |= u8::from(bit == b'1') << filled;
        filled += 1;
        if filled == 8 {
            body.push(byte);
            (byte, filled) = (0, 0);
        }
    }
    body.push(byte);
    body.extend([0; 8]);
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CONTENT_ENCODING, "gzip"),
    ];
    (headers, body).into_response()
}
