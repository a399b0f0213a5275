//! Long lists of the PBX API, which both generations give in pieces.

use serde_json::{Map, Value};

use super::super::call::Call;
use super::super::upstream::Upstream;
use super::records::records;
use skyswitch_domain::error::{Code, Error, Result};

/// Rows asked for at once.
pub(super) const PIECE: usize = 1000;
/// A piece with fewer rows than this is the last: no host is known to give less
/// at once, whatever it is asked for (NetSapiens API v2: 100 unless asked).
const SURELY_MORE: usize = 100;
/// More rows than this is a list that never ends.
const LIST_CAP: usize = 100_000;

/// Reads a whole list; `piece` is the request for the rows from a position on.
///
/// # Errors
/// `upstream_rejected` for a list that does not end; the transport's errors.
pub(super) async fn whole_list(
    upstream: &Upstream,
    piece: impl Fn(usize) -> Call,
    what: &str,
) -> Result<Vec<Map<String, Value>>> {
    let mut all: Vec<Map<String, Value>> = Vec::new();
    loop {
        let rows = records(&upstream.read(piece(all.len())).await?, what)?;
        // A host that knows no pieces gives the same one again.
        let is_same = rows.first().is_some_and(|first| all.first() == Some(first));
        if is_same {
            return Ok(all);
        }
        let is_last = rows.len() < SURELY_MORE;
        all.extend(rows);
        if is_last {
            return Ok(all);
        }
        if all.len() > LIST_CAP {
            return Err(Error::new(
                Code::UpstreamRejected,
                format!(
                    "the PBX API gave more than {LIST_CAP} rows for {what}, and the list did not end"
                ),
                "Nothing is decided on a part of a list; please report this, with the API's version.",
            ));
        }
    }
}
