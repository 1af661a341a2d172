//! `mark`: write a mark into a desired-state file, so that nobody types ids.
//!
//! Owns what it says. The file is edited, checked and put in its place at once, or left as it is.

use std::path::PathBuf;

use anyhow::Context as _;
use jiff::Timestamp;

use super::{Console, Exit, files, out_file};
use crate::desired::{Diagnostic, MarkedFile, SetMarkError, WantedMark, set_mark};
use crate::domain::{JobId, OfferId, OperationId, PortalKind, ProductId, PublisherId};
use crate::portal::capabilities;
use crate::report::{file_diff, terminal};

/// What `mark` is asked to do.
#[derive(Debug, Clone)]
pub struct MarkRequest {
    /// The file.
    pub file: PathBuf,
    /// The offer.
    pub offer: OfferId,
    /// Its publisher; none: the one that the file has for it.
    pub publisher: Option<PublisherId>,
    /// Its portal; none: the one that the file has for it.
    pub portal: Option<PortalKind>,
    /// The one operation that is to be cancelled.
    pub operation_id: Option<OperationId>,
    /// The job that a cancel call names.
    pub job_id: Option<JobId>,
    /// The product that the offer must be.
    pub product_id: Option<ProductId>,
    /// Why.
    pub reason: Option<String>,
    /// From when on the mark does nothing.
    pub expires: Option<String>,
    /// Whether the change is only shown.
    pub dry_run: bool,
}

/// Marks an offer in a file.
///
/// # Errors
/// When the mark can't be one, and when the file can't be written.
pub fn mark(request: &MarkRequest, console: Console) -> anyhow::Result<Exit> {
    let file = match files::editable(&request.file) {
        Ok(file) => file,
        Err(found) => return Ok(refused(&found, console)),
    };
    let wanted = WantedMark {
        offer: request.offer.clone(),
        publisher: request.publisher.clone(),
        portal: request.portal,
        product_id: request.product_id.clone(),
        operation_id: request.operation_id.clone(),
        job_id: request.job_id.clone(),
        expires: request.expires.clone(),
        reason: request.reason.clone(),
    };
    let marked = match set_mark(&file.source, &wanted) {
        Ok(marked) => marked,
        Err(SetMarkError::Invalid(found)) => return Ok(refused(&found, console)),
        Err(error) => return Err(error).with_context(|| file.source.path.clone()),
    };
    for warning in warnings(&marked, Timestamp::now()) {
        console.error(&format!("warning: {warning}\n"));
    }
    let (old, path) = (&file.source.bytes, terminal(&file.source.path));
    let offer = format!("{}/{}", marked.key.publisher, marked.key.offer);
    if marked.bytes == *old {
        console.result(&format!("{path}: {offer} is already marked like this\n"))?;
        return Ok(Exit::Done);
    }
    if !request.dry_run {
        out_file::replace(&file.real, old, &marked.bytes)?;
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let diff =
        if console.quiet { String::new() } else { file_diff(&file.source.path, &text(old), &text(&marked.bytes)) };
    let last = match (marked.is_new, request.dry_run) {
        (true, false) => format!("added and marked {offer}"),
        (false, false) => format!("marked {offer}"),
        (true, true) => format!("would add and mark {offer}; nothing was written"),
        (false, true) => format!("would mark {offer}; nothing was written"),
    };
    console.result(&format!("{diff}{path}: {last}\n"))?;
    Ok(Exit::Done)
}

fn refused(found: &[Diagnostic], console: Console) -> Exit {
    files::show(found, console);
    console.error(&format!("error: {}; nothing was written\n", files::mistakes(found)));
    Exit::Failed
}

/// What there is to know of a mark that reaches more than one operation, or none.
fn warnings(marked: &MarkedFile, now: Timestamp) -> Vec<String> {
    let (portal, mark) = (marked.key.portal, &marked.mark);
    let unpinned = mark.is_unpinned().then(|| {
        if capabilities(portal).cancels_unpinned {
            "not pinned: while this mark stays in the file, every future operation is cancelled too".to_owned()
        } else {
            format!("a mark without --job-id cancels nothing on {portal}")
        }
    });
    let expired = mark.expires.filter(|_| mark.is_expired(now));
    let expired = expired.map(|at| format!("the mark expired at {at} and does nothing; give it another --expires"));
    unpinned.into_iter().chain(expired).collect()
}
